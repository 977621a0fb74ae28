//! Runs in: any thread-free process. What is read of one process, and what of it could not be.

use crate::error::{errno_of, reason};
use nix::errno::Errno;
use std::fs;
use std::io;

/// The text of a file of /proc. A name in it may hold any byte; what is not UTF-8 becomes U+FFFD.
///
/// # Errors
/// ENOENT and ESRCH: gone. EACCES, EPERM: not for us.
#[inline(never)]
pub(super) fn text(directory: &str, file: &str) -> io::Result<String> {
    fs::read([directory, "/", file].concat()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

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
    /// Notes that something could not be read. Of a process that is gone there is nothing to read, and no gap.
    pub(super) fn note(&mut self, what: &'static str, error: &io::Error) {
        let errno = errno_of(error);
        if !matches!(errno, Errno::ENOENT | Errno::ESRCH) && self.0.iter().all(|gap| gap.what != what) {
            self.0.push(Unreadable { what, errno });
        }
    }
}

/// `/proc/PID/status` or `/proc/PID/task/TID/status`, proc_pid_status(5). Everybody may read it.
pub(super) struct Status(String);

impl Status {
    pub(super) fn read(directory: &str) -> io::Result<Self> {
        text(directory, "status").map(Status)
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// The numbers of a field.
    pub(super) fn numbers(&self, name: &str) -> Vec<u32> {
        let words = self.field(name).unwrap_or_default().split_ascii_whitespace();
        words.map_while(|word| word.parse().ok()).collect()
    }

    /// The first number of a field.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.numbers(name).first().copied()
    }

    /// A set of signals: bit `n - 1` stands for signal `n`.
    pub(super) fn signals(&self, name: &str) -> u64 {
        self.field(name).and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0)
    }

    /// NSpid, outermost first; before Linux 4.1 the pid alone.
    pub(super) fn nspids(&self, pid: i32) -> Vec<i32> {
        let pids = self.numbers("NSpid");
        if pids.is_empty() { vec![pid] } else { pids.into_iter().map(u32::cast_signed).collect() }
    }
}

/// The function of the kernel that it sleeps in; `None` where it does not, or we may not know, which look alike.
pub(super) fn wchan(pid: i32) -> Option<String> {
    let name = text(&format!("/proc/{pid}"), "wchan").ok()?;
    Some(name).filter(|name| !name.is_empty() && name != "0")
}

#[cfg(test)]
#[path = "../fuzz/reading.rs"]
mod properties;
