//! Readers of /proc. `pid` is a number or `self`.

use std::fmt::Display;
use std::fs;

/// A field of `/proc/PID/status`.
pub fn status(pid: impl Display, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

/// One of the signal sets of `/proc/PID/status`: ShdPnd, SigBlk, SigIgn, SigCgt.
pub fn signal_mask(pid: impl Display, field: &str) -> Option<u64> {
    u64::from_str_radix(&status(pid, field)?, 16).ok()
}

/// All processes, of all PID namespaces below this one.
pub fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("read /proc");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Children of a process, zombies included.
pub fn children(parent: i32) -> Vec<i32> {
    let is_child = |pid: &i32| status(pid, "PPid").is_some_and(|ppid| ppid == parent.to_string());
    pids().into_iter().filter(is_child).collect()
}

/// Children, their children, and so on.
pub fn descendants(ancestor: i32) -> Vec<i32> {
    children(ancestor).into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

/// The only child of a process, as soon as it has one.
pub fn only_child(parent: i32) -> i32 {
    super::eventually("a single child", || match children(parent)[..] {
        [child] => Some(child),
        _ => None,
    })
}

/// The state letter: R, S, Z, T.
pub fn state(pid: impl Display) -> Option<char> {
    status(pid, "State")?.chars().next()
}

/// The processes whose command line holds `marker`.
pub fn marked(marker: &str) -> Vec<i32> {
    let holds = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(marker)
    };
    pids().into_iter().filter(|pid| *pid != std::process::id().cast_signed() && holds(pid)).collect()
}

/// Open descriptors as `NUMBER -> TARGET`, in order, without the one that is needed to look.
pub fn fds(pid: impl Display) -> Vec<String> {
    let directory = format!("/proc/{pid}/fd");
    let Ok(entries) = fs::read_dir(&directory) else { return Vec::new() };
    let mut numbers: Vec<i32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    let target = |number: i32| {
        Some(format!("{number} -> {}", fs::read_link(format!("{directory}/{number}")).ok()?.display()))
    };
    numbers.into_iter().filter_map(target).collect()
}

/// How often a process has gone to sleep and woken up.
pub fn voluntary_switches(pid: i32) -> u64 {
    status(pid, "voluntary_ctxt_switches")
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{pid} is gone"))
}

/// What runs, without kernel threads, for the message of a failed test.
pub fn tree() -> String {
    let columns = "pid,ppid,pgid,stat,wchan:20,args:160";
    let output =
        std::process::Command::new("ps").args(["--ppid", "2", "-p", "2", "-N", "--forest", "-o", columns]).output();
    output.map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}
