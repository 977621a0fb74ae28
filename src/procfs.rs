//! Runs in: outer, init. The little that is read of /proc for logs; nothing depends on it being there.

use nix::unistd::{Pid, getpid};
use std::fmt;
use std::fs;
use std::path::Path;

/// The name of a process as `ps` shows it, or `?` where it cannot be known.
pub(crate) struct Comm(Option<String>);

/// Reads `/proc/PID/comm`, which is there for a zombie too, until it is reaped.
///
/// With `--proc none` or `bind` /proc shows the caller's PID namespace, where the same number is somebody else: then,
/// and only then, `/proc/self` does not lead to our own pid.
pub(crate) fn comm(pid: Pid) -> Comm {
    let own = fs::read_link("/proc/self").ok();
    if own.as_deref() != Some(Path::new(&getpid().to_string())) {
        return Comm(None);
    }
    let name = fs::read(format!("/proc/{pid}/comm")).ok();
    Comm(name.map(|name| String::from_utf8_lossy(&name).trim_end_matches('\n').escape_debug().to_string()))
}

impl fmt::Display for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("?"))
    }
}
