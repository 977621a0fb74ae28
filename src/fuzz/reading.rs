//! Runs in: the test harness. /proc/PID/status.

use super::*;
use crate::fuzz::{check, modestly, name, several, soup};

#[test]
fn a_field_of_status_is_what_the_kernel_wrote() {
    check(|u| {
        let (blocked, caught): (u64, u64) = (u.arbitrary()?, u.arbitrary()?);
        let pids = several(u, 32, |u| u.int_in_range(1..=4_194_304_u32))?;
        let words: Vec<_> = pids.iter().map(u32::to_string).collect();
        // The kernel escapes newline and backslash in a name, and nothing else.
        let comm = String::from_utf8_lossy(&name(u, 15, b"\n\\\r")?).into_owned();
        let status = Status(format!(
            "Name:\t{comm}\nState:\tS (sleeping)\nNSpid:\t{}\nSigBlk:\t{blocked:016x}\nSigCgt:\t{caught:016x}\n",
            words.join("\t")
        ));
        assert_eq!(status.field("Name"), comm.trim_ascii());
        assert_eq!((status.signals("SigBlk"), status.signals("SigCgt")), (blocked, caught));
        assert_eq!(status.numbers("NSpid"), pids);
        assert_eq!(status.number("NSpid"), pids.first().copied());
        let levels = status.nspids(7);
        assert_eq!(levels.len(), pids.len().max(1));
        Ok(())
    });
}

#[test]
fn whatever_stands_in_status_is_passed_over() {
    const PARTS: &[&str] =
        &["NSpid", "SigBlk", ":", "\t", "\n", "ff", "0x1", "99999999999999999999", " ", "-1", "7"];
    check(|u| {
        let text = String::from_utf8_lossy(&soup(u, PARTS)?).into_owned();
        let most = 8 * text.len() + 256;
        let status = Status(text);
        modestly(most, || (status.nspids(1), status.signals("SigBlk"), status.number("SigBlk")));
        Ok(())
    });
}
