//! Runs in: outer or init, before any clone; the last entries are written in the workload child. The workload's
//! environment: pidone's own, but for what was asked for and what must name the workload.

use crate::request::EnvironmentChange;
use crate::sys::{self, PointerArray};
use nix::unistd::getpid;
use std::ffi::{CStr, OsStr};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;

/// `NAME=VALUE` strings in order, also such as have no `=`.
pub(crate) struct Environment(Vec<&'static CStr>);

impl Environment {
    /// What pidone was started with, byte for byte.
    pub(crate) fn inherited() -> Self {
        Environment(sys::environment().collect())
    }

    /// Makes one change. Strings with a NUL cannot come from a command line, and change nothing.
    pub(crate) fn change(&mut self, change: &EnvironmentChange) {
        match change {
            EnvironmentChange::Clear => self.0.clear(),
            EnvironmentChange::Set(entry) => self.set(entry.as_bytes()),
            EnvironmentChange::Unset(name) => self.unset(name.as_bytes()),
        }
    }

    /// In the place of the variable's first entry, and of all its others; at the end if it is new.
    pub(crate) fn set(&mut self, entry: &[u8]) {
        let Some(entry) = sys::kept(entry) else { return };
        let name = entry.to_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
        let place = self.position(name).unwrap_or(self.0.len());
        self.unset(name);
        self.0.insert(place, entry);
    }

    fn unset(&mut self, name: &[u8]) {
        self.0.retain(|entry| value_of(entry, name).is_none());
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&'static OsStr> {
        let entry = self.0.get(self.position(name.as_bytes())?)?;
        value_of(entry, name.as_bytes()).map(OsStr::from_bytes)
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.0.iter().position(|entry| value_of(entry, name).is_some())
    }

    /// For execve(2).
    pub(crate) fn into_array(self) -> PointerArray {
        PointerArray::of(&self.0)
    }
}

/// Room for `LISTEN_PIDFDID=`, a 64-bit number and the NUL.
type Entry = [u8; 48];

/// `LISTEN_PID` that named pidone is to name the workload, whose pid is known only once it exists (B34).
pub(crate) struct ListenPid {
    pid: (usize, &'static mut Entry),
    /// `LISTEN_PIDFDID` (systemd 258), if set.
    pidfd: Option<(usize, &'static mut Entry)>,
}

impl ListenPid {
    /// `None` unless `LISTEN_PID` is set to pidone's own pid.
    pub(crate) fn find(environment: &Environment) -> Option<Self> {
        let pid = environment.position(b"LISTEN_PID")?;
        if environment.get("LISTEN_PID").and_then(parse)? != getpid().as_raw() {
            return None;
        }
        // Leaked on purpose: a few bytes, once, which the environment points to until exec.
        let entry = || Box::leak(Box::new([0; size_of::<Entry>()]));
        let pidfd = environment.position(b"LISTEN_PIDFDID").map(|index| (index, entry()));
        Some(ListenPid { pid: (pid, entry()), pidfd })
    }

    /// Writes the calling process into `env`. `pidfd_inode` is looked up only if it is asked for.
    pub(crate) fn name_caller(self, env: &mut PointerArray, pidfd_inode: impl FnOnce() -> Option<u64>) {
        let (index, entry) = self.pid;
        env.replace(index, write_entry(entry, "LISTEN_PID", getpid().as_raw()));
        let Some((index, entry)) = self.pidfd else { return };
        match pidfd_inode() {
            Some(inode) => env.replace(index, write_entry(entry, "LISTEN_PIDFDID", inode)),
            // A wrong id would make the workload refuse its sockets; without one it goes by LISTEN_PID.
            None => env.remove(index),
        }
    }
}

/// The value of a variable of pidone's own.
pub(crate) fn inherited_value(name: &str) -> Option<&'static OsStr> {
    sys::environment().find_map(|entry| value_of(entry, name.as_bytes())).map(OsStr::from_bytes)
}

#[inline(never)]
fn value_of(entry: &'static CStr, name: &[u8]) -> Option<&'static [u8]> {
    entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}

fn parse(value: &OsStr) -> Option<i32> {
    value.to_str()?.parse().ok()
}

fn write_entry(entry: &'static mut Entry, name: &str, value: impl std::fmt::Display) -> &'static CStr {
    // It cannot fail: the longest name and number leave room to spare, and the rest is zeros.
    let _ = write!(&mut entry[..], "{name}={value}");
    CStr::from_bytes_until_nul(entry).unwrap_or_default()
}

#[cfg(test)]
#[path = "fuzz/environment.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_act_in_order() {
        let mut environment = Environment(vec![c"A=1", c"odd", c"B=2", c"A=3"]);
        let texts = |environment: &Environment| -> Vec<String> {
            environment.0.iter().map(|entry| entry.to_string_lossy().into_owned()).collect()
        };
        environment.change(&EnvironmentChange::Set("A=x=y".into()));
        assert_eq!(texts(&environment), ["A=x=y", "odd", "B=2"]);
        environment.change(&EnvironmentChange::Unset("B".into()));
        environment.change(&EnvironmentChange::Set("C=".into()));
        environment.change(&EnvironmentChange::Unset("od".into()));
        assert_eq!(texts(&environment), ["A=x=y", "odd", "C="]);
        environment.change(&EnvironmentChange::Clear);
        environment.change(&EnvironmentChange::Set("D=1".into()));
        assert_eq!(texts(&environment), ["D=1"]);
        assert_eq!(environment.get("D"), Some(OsStr::new("1")));
        assert_eq!(environment.get("A"), None);
    }

    #[test]
    fn the_longest_entries_fit() {
        let entry = Box::leak(Box::new([0; size_of::<Entry>()]));
        let written = write_entry(entry, "LISTEN_PIDFDID", u64::MAX);
        assert_eq!(written.to_bytes(), b"LISTEN_PIDFDID=18446744073709551615");
    }
}
