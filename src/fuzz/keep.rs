//! Runs in: the test harness. Lines of /proc/PID/mountinfo.

use super::*;
use crate::fuzz::{check, modestly, name, soup};

/// As the kernel writes a path there: `mangle` of its seq_file.
fn escaped(path: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in path {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => text.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => text.push(*byte),
        }
    }
    text
}

#[test]
fn a_line_of_mountinfo_is_what_the_kernel_meant_by_it() {
    check(|u| {
        let (id, parent, device): (u32, u32, (u8, u8)) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
        let mut path = || name(u, 40, b"");
        let (root, point) = (path()?, path()?);
        let numbers = [id.to_string(), parent.to_string(), format!("{}:{}", device.0, device.1)];
        let mut line = format!("{} ", numbers.join(" ")).into_bytes();
        line.extend_from_slice(&escaped(&root));
        line.push(b' ');
        line.extend_from_slice(&escaped(&point));
        line.extend_from_slice(b" rw,relatime shared:1 - ext4 /dev/root rw");
        let mount = Mount::parse(&line).unwrap();
        assert_eq!([mount.id, mount.parent, mount.device], numbers.each_ref().map(|number| number.as_bytes()));
        assert_eq!((mount.root, mount.point), (root, point));
        Ok(())
    });
}

#[test]
fn whatever_stands_in_mountinfo_is_taken_or_passed_over() {
    check(|u| {
        let text = soup(u, &[" ", "\\", "\\040", "\\777", "\\4", "/proc", "1", "\n"])?;
        modestly(8 * text.len() + 64, || Mount::parse(&text).is_some());
        Ok(())
    });
}
