//! Runs in: the test harness. Names of any bytes in messages.

use super::*;
use crate::fuzz::{check, modestly};

#[test]
fn a_message_is_one_line_whatever_is_in_it() {
    check(|u| {
        let object: Vec<u8> = u.arbitrary()?;
        let mut text = Vec::new();
        modestly(12 * object.len() + 64, || push_escaped(&mut text, &object));
        assert!(!text.iter().any(u8::is_ascii_control), "{}", text.escape_ascii());
        let plain: Vec<u8> = object.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
        let controls = object.len() - plain.len();
        assert_eq!(text.len(), plain.len() + 4 * controls, "each is \\x and two digits");
        Ok(())
    });
}
