//! Runs in: any thread-free process. What is read of one process, and what of it could not be.

use crate::errno::reason;
use crate::files;
use nix::errno::Errno;
use std::fmt::Display;

/// The text of a file of a process, or a thread (`7`, `7/task/8`). A name in it may hold any byte; what is not UTF-8 becomes
/// U+FFFD.
///
/// # Errors
/// ENOENT and ESRCH: gone. EACCES, EPERM: not for us.
#[inline(never)]
pub(super) fn text(who: &dyn Display, file: &dyn Display) -> nix::Result<String> {
    let bytes = files::read(format_args!("/proc/{who}/{file}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What could not be read, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Of what the process has: `waited signals`, `namespaces`.
    pub(super) what: &'static str,
    /// The kernel's.
    pub(super) reason: String,
}

/// What could not be read; each thing once.
#[derive(Default)]
pub(super) struct Gaps(pub(super) Vec<Unreadable>);

impl Gaps {
    /// Notes that something could not be read. Of a process that is gone there is nothing to read, and no gap.
    pub(super) fn note(&mut self, what: &'static str, errno: Errno) {
        if !matches!(errno, Errno::ENOENT | Errno::ESRCH) && self.0.iter().all(|gap| gap.what != what) {
            self.0.push(Unreadable { what, reason: reason(errno) });
        }
    }
}

/// A file of `NAME: VALUE` lines, such as `status`, proc_pid_status(5), which everybody may read.
pub(super) struct Status(String);

impl Status {
    /// Of a process or thread, as for [`text`].
    pub(super) fn read(who: &dyn Display) -> nix::Result<Self> {
        Self::of_file(who, &"status")
    }

    pub(super) fn of_file(who: &dyn Display, file: &dyn Display) -> nix::Result<Self> {
        text(who, file).map(Status)
    }

    pub(super) fn field(&self, name: &str) -> &str {
        let value = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().trim_ascii()
    }

    /// The numbers of a field.
    pub(super) fn numbers(&self, name: &str) -> Vec<u32> {
        let mut numbers = Vec::new();
        for word in self.field(name).split_ascii_whitespace() {
            let Ok(number) = word.parse() else { break };
            numbers.push(number);
        }
        numbers
    }

    /// The first number of a field.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.numbers(name).first().copied()
    }

    /// A set of signals: bit `n - 1` stands for signal `n`.
    pub(super) fn signals(&self, name: &str) -> u64 {
        u64::from_str_radix(self.field(name), 16).unwrap_or(0)
    }

    /// NSpid, outermost first; before Linux 4.1 the pid alone.
    pub(super) fn nspids(&self, pid: i32) -> Vec<u32> {
        let mut pids = self.numbers("NSpid");
        if pids.is_empty() {
            pids.push(pid.unsigned_abs());
        }
        pids
    }
}

/// The function of the kernel that it sleeps in; `None` where it does not, or we may not know, which look alike: `0`.
#[inline(never)]
pub(super) fn wchan(pid: i32) -> Option<String> {
    text(&pid, &"wchan").ok().filter(|name| name.len() > 1)
}

#[cfg(test)]
#[path = "../fuzz/reading.rs"]
mod properties;
