//! Runs in: the test harness. Changes of the environment, against a list of names and values.

use super::*;
use crate::fuzz::{check, name};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

#[test]
fn after_any_changes_a_variable_has_its_last_value_once() {
    const NAMES: &[&str] = &["A", "AB", "B", "LISTEN_PID"];
    check(|u| {
        let mut environment = Environment(vec![c"A=1", c"odd", c"A=2", c"AB="]);
        let mut model: Vec<(&str, Vec<u8>)> = vec![("A", b"1".into()), ("AB", b"".into())];
        for _ in 0..u.int_in_range(0..=20)? {
            let variable = *u.choose(NAMES)?;
            match u.int_in_range(0..=9)? {
                0 => {
                    environment.change(&EnvironmentChange::Clear);
                    model.clear();
                }
                1..4 => {
                    environment.change(&EnvironmentChange::Unset(variable.into()));
                    model.retain(|(name, _)| *name != variable);
                }
                _ => {
                    let value = name(u, 20, b"")?;
                    let entry = [variable.as_bytes(), b"=", &value].concat();
                    environment.change(&EnvironmentChange::Set(OsString::from_vec(entry)));
                    model.retain(|(name, _)| *name != variable);
                    model.push((variable, value));
                }
            }
            for name in NAMES {
                let expected = model.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice());
                assert_eq!(environment.get(name).map(OsStrExt::as_bytes), expected, "{name}");
            }
        }
        Ok(())
    });
}
