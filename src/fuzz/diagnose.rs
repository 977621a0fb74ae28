//! Runs in: the test harness. What a hint is made from: mounts below /proc, and cgroups.

use super::*;
use crate::fuzz::{check, modestly, several, soup};

#[test]
fn what_is_mounted_below_proc_is_named_once_and_nothing_else() {
    const POINTS: &[&str] = &["/proc", "/proc/kcore", "/proc/acpi", "/proc/sys", "/process", "/", "/mnt/proc/x"];
    const TYPES: &[&str] = &["tmpfs", "devtmpfs", "proc", "autofs", "binfmt_misc"];
    check(|u| {
        let mounts = several(u, 30, |u| Ok((*u.choose(POINTS)?, *u.choose(TYPES)?, u.ratio(1, 2)?)))?;
        let mut text = String::new();
        let mut model: Vec<&str> = Vec::new();
        for (point, kind, is_shared) in mounts {
            let optional = if is_shared { "shared:7 " } else { "" };
            text.push_str(&format!("30 22 0:5 / {point} rw {optional}- {kind} none rw\n"));
            let hides = point.starts_with("/proc/") && !matches!(kind, "autofs" | "binfmt_misc");
            if hides && !model.contains(&point) {
                model.push(point);
            }
        }
        assert_eq!(masks_below_proc(text.as_bytes()), model, "{text}");
        Ok(())
    });
}

#[test]
fn whatever_stands_in_those_files_is_passed_over() {
    check(|u| {
        let text = soup(u, &["\n", " ", " - ", "/proc/x", "1 2 3 4 ", "0::", "pids:", ",", "/a", ":"])?;
        modestly(64 * text.len() + 1024, || masks_below_proc(&text));
        let lossy = String::from_utf8_lossy(&text);
        let found = modestly(512, || pids_cgroup(&lossy));
        assert!(found.is_none_or(|(_, path)| lossy.ends_with(path)));
        Ok(())
    });
}
