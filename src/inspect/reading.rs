//! Runs in: any thread-free process. What is read of one process, and what of it could not be.

use crate::error::{errno_of, reason};
use nix::errno::Errno;
use std::fs;
use std::io;

/// What could not be read, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Of what the process has: `waited signals`, `namespaces`.
    pub(super) what: &'static str,
    pub(super) errno: Errno,
}

impl Unreadable {
    /// The kernel's reason.
    pub(super) fn reason(&self) -> String {
        reason(self.errno)
    }
}

/// What could not be read; each thing once.
#[derive(Default)]
pub(super) struct Gaps(pub(super) Vec<Unreadable>);

impl Gaps {
    /// What was read, or nothing, and the gap noted. One that is gone leaves none.
    pub(super) fn note<T>(&mut self, what: &'static str, read: io::Result<T>) -> Option<T> {
        let error = match read {
            Ok(value) => return Some(value),
            Err(error) => errno_of(&error),
        };
        if !matches!(error, Errno::ENOENT | Errno::ESRCH) && self.0.iter().all(|gap| gap.what != what) {
            self.0.push(Unreadable { what, errno: error });
        }
        None
    }
}

/// `/proc/PID/status` or `/proc/PID/task/TID/status`, proc_pid_status(5). Everybody may read it.
pub(super) struct Status(String);

impl Status {
    pub(super) fn read(directory: &str) -> io::Result<Self> {
        // A name may hold any byte.
        fs::read(format!("{directory}/status")).map(|bytes| Status(String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// The first number of a field.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.field(name)?.split_ascii_whitespace().next()?.parse().ok()
    }

    /// A set of signals: bit `n - 1` stands for signal `n`.
    pub(super) fn signals(&self, name: &str) -> u64 {
        self.field(name).and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0)
    }

    /// NSpid, outermost first; before Linux 4.1 the pid alone.
    pub(super) fn nspids(&self, pid: i32) -> Vec<i32> {
        let pids = self.field("NSpid").unwrap_or_default().split_ascii_whitespace();
        let pids: Vec<i32> = pids.filter_map(|pid| pid.parse().ok()).collect();
        if pids.is_empty() { vec![pid] } else { pids }
    }
}

/// The function of the kernel that it sleeps in; `None` where it does not, or we may not know, which look alike.
pub(super) fn wchan(pid: i32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/wchan")).ok()?;
    Some(name).filter(|name| !name.is_empty() && name != "0")
}
