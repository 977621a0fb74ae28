//! Runs in: the test harness. Lines of /etc/passwd, /etc/group, /etc/subuid.

use super::*;
use crate::fuzz::{Result, Unstructured, check, modestly, name, several, soup};

/// A field of a line, and one with nobody's garbage between good lines.
fn field(u: &mut Unstructured<'_>, without: &[u8]) -> Result<Vec<u8>> {
    name(u, 12, &[b":\n", without].concat())
}

fn line(fields: &[&[u8]]) -> Vec<u8> {
    [fields.join(&b':'), b"\n".to_vec()].concat()
}

fn an_id(u: &mut Unstructured<'_>) -> Result<u32> {
    u.int_in_range(0..=u32::MAX - 1)
}

#[test]
fn a_user_is_who_its_line_says_and_garbage_between_lines_is_passed_over() {
    check(|u| {
        let users = several(u, 8, |u| {
            let (mut name, home, shell) = (field(u, b"")?, field(u, b"")?, field(u, b"")?);
            name.push(b'x');
            let (home, shell) = (OsString::from_vec(home), OsString::from_vec(shell));
            Ok((an_id(u)?, Box::new(Entry { name, gid: an_id(u)?, home, shell })))
        })?;
        let mut text = Vec::new();
        for (uid, entry) in &users {
            let (uid, gid) = (uid.to_string(), entry.gid.to_string());
            let (home, shell) = (entry.home.as_encoded_bytes(), entry.shell.as_encoded_bytes());
            text.extend(line(&[&entry.name, b"x", uid.as_bytes(), gid.as_bytes(), b"gecos", home, shell]));
            text.extend_from_slice(u.choose(&["", "\n", "# x:y\n", "x:x:-1:+2::/:\n", "+::::::\n"])?.as_bytes());
        }
        assert_eq!(lines(&text).filter_map(passwd_entry).collect::<Vec<_>>(), users, "{}", text.escape_ascii());
        Ok(())
    });
}

#[test]
fn a_group_is_what_its_line_says_with_exactly_its_members() {
    check(|u| {
        let groups = several(u, 8, |u| {
            let mut name = field(u, b"")?;
            name.push(b'x');
            Ok((name, an_id(u)?, several(u, 5, |u| field(u, b","))?.join(&b',')))
        })?;
        let written =
            groups.iter().map(|(name, gid, members)| line(&[name, b"", gid.to_string().as_bytes(), members]));
        let text: Vec<u8> = written.flatten().collect();
        let read: Vec<_> = lines(&text)
            .filter_map(group_entry)
            .map(|group| (group.name.to_vec(), group.gid, group.members.to_vec()))
            .collect();
        assert_eq!(read, groups, "{}", text.escape_ascii());
        Ok(())
    });
}

#[test]
fn only_a_users_own_ranges_are_its_own() {
    check(|u| {
        let (name, uid): (&[u8], u32) = (b"max", 1000);
        let mut text = Vec::new();
        let mut own = Vec::new();
        for _ in 0..u.int_in_range(0..=20)? {
            let (owner, is_own) =
                *u.choose(&[("max", true), ("1000", true), ("maximilian", false), ("01", false)])?;
            let (first, count) = (an_id(u)?, an_id(u)?);
            text.extend_from_slice(format!("{owner}:{first}:{count}\n").as_bytes());
            if is_own && count > 0 {
                own.push((first, count));
            }
        }
        assert_eq!(subordinate_entries(&text, Some(name), uid), own);
        Ok(())
    });
}

#[test]
fn whatever_stands_in_these_files_takes_no_more_memory_than_it_has() {
    check(|u| {
        let text = soup(
            u,
            &[":", "\n", ",", "root", "x", "0", "65534", "4294967295", "-1", "root:x:0:0:root:/:/bin/sh\n"],
        )?;
        modestly(8 * text.len() + 256, || lines(&text).filter_map(passwd_entry).count());
        modestly(0, || lines(&text).filter_map(group_entry).count());
        modestly(4 * text.len() + 256, || subordinate_entries(&text, Some(b"root"), 0));
        Ok(())
    });
}
