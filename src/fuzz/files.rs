//! Runs in: the test harness. What `--bind`, `--tmpfs` and the like are given.

use super::*;
use crate::fuzz::{check, modestly, name, soup};

#[test]
fn a_size_is_one_that_the_kernel_can_count() {
    check(|u| {
        let (number, unit): (u64, &str) = (u.arbitrary()?, *u.choose(&["", "k", "M", "g", "%"])?);
        let number = number >> u.int_in_range(0..=63)?;
        let bytes = match unit {
            "k" => u128::from(number) << 10,
            "M" => u128::from(number) << 20,
            "g" => u128::from(number) << 30,
            _ => number.into(),
        };
        let most = if unit == "%" { 100 } else { u128::from(i64::MAX.unsigned_abs()) };
        let word = format!("{number}{unit}");
        assert_eq!(size(word.as_bytes()).is_some(), (1..=most).contains(&bytes), "{word}");
        Ok(())
    });
}

#[test]
fn a_pair_of_paths_is_divided_where_it_was_joined() {
    check(|u| {
        let (outside, inside) = (name(u, 20, b"")?, name(u, 20, b":")?);
        let value = [&outside[..], b":", &inside].concat();
        assert_eq!(split(OsStr::from_bytes(&value)), Some((&outside[..], &inside[..])));
        Ok(())
    });
}

#[test]
fn no_place_inside_is_relative_or_the_root_whatever_is_written() {
    check(|u| {
        let path = soup(u, &["/", ".", "..", "a", "//", "/../", "\0"])?;
        if let Ok(place) = modestly(8 * path.len() + 1024, || target("bind", &path)) {
            let mut depth = 0;
            assert!(place.as_bytes().starts_with(b"/"));
            for part in place.as_bytes().split(|byte| *byte == b'/') {
                depth += usize::from(!matches!(part, b"" | b"." | b".."));
            }
            assert!(depth > 0, "{place:?}");
        }
        Ok(())
    });
}
