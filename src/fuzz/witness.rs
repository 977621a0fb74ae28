//! Runs in: the test harness. The reader of /proc/PID/stat that allocates nothing.

use super::*;
use crate::fuzz::{check, modestly, soup};
use crate::procfs::properties::line;

#[test]
fn name_and_start_are_what_the_kernel_wrote() {
    check(|u| {
        let (line, process) = line(u)?;
        let witness = modestly(0, || parse(&line)).unwrap();
        assert_eq!(witness.name.bytes().unwrap_or_default(), process.name);
        assert_eq!(witness.started, Some(Duration::from_millis(process.started.saturating_mul(10))));
        Ok(())
    });
}

#[test]
fn whatever_stands_there_nothing_is_allocated() {
    check(|u| {
        let text = soup(u, &["(", ")", " ", "S", "-1", "1", "99999999999999999999", "\n", " 1 1 1 1 1 1 1 1"])?;
        modestly(0, || parse(&text));
        Ok(())
    });
}
