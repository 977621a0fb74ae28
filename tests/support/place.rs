//! The places a workload can run in, for tests that must hold in each of them.

use super::privilege::{as_nobody, privileged, user_namespaces};
use super::{Running, binary, pidone, procfs};
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Where pidone runs the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A child subreaper, as an ordinary user.
    Subreaper,
    /// In place as PID 1 of a namespace that another pidone made.
    PidOne,
    Isolated,
    Bare,
    /// Isolated by an ordinary user in a user namespace.
    MapRoot,
    /// The same with the ids kept.
    MapCurrent,
}

impl Place {
    /// All places in which an init stands between outside and workload, as far as they can be had here.
    pub fn with_init() -> Vec<Place> {
        if outer().is_some() {
            return vec![Place::PidOne];
        }
        let mut places = vec![Place::Subreaper];
        if privileged() {
            places.extend([Place::PidOne, Place::Isolated]);
        }
        if user_namespaces() {
            places.extend([Place::MapRoot, Place::MapCurrent]);
        }
        places
    }

    /// All of them.
    pub fn all() -> Vec<Place> {
        let mut places = Self::with_init();
        if privileged() && outer().is_none() {
            places.push(Place::Bare);
        }
        places
    }

    /// Whether the process that a test starts dies by the signal that killed the workload.
    pub fn re_raises(self) -> bool {
        self != Place::Subreaper && self != Place::PidOne
    }

    /// The pid that signals for the pidone under test go to. In place as PID 1 there is another pidone above it.
    pub fn supervisor(self, running: &Running) -> i32 {
        if self == Place::PidOne { procfs::only_child(running.pid()) } else { running.pid() }
    }

    /// pidone in this place, with further options and a command.
    pub fn pidone(self, options: &[&str], command: &[impl AsRef<OsStr>]) -> Command {
        let mut line = pidone([""; 0]);
        match self {
            Place::Subreaper => as_nobody(&mut line).arg("--in-place"),
            Place::PidOne => {
                line = outer().map_or(line, Command::new);
                line.args(["--as-pid1", "--"]).arg(binary())
            }
            Place::Isolated => &mut line,
            Place::Bare => line.arg("--as-pid1"),
            Place::MapRoot => as_nobody(&mut line).arg("--map-root"),
            Place::MapCurrent => as_nobody(&mut line).arg("--map-current"),
        };
        line.args(options).arg("--").args(command);
        line
    }

    /// pidone in this place, running a shell script.
    pub fn shell(self, script: &str) -> Command {
        self.pidone(&[], &["sh", "-c", script])
    }
}

/// The pidone that makes the namespace for one under test which cannot: in place as PID 1 is then the only place.
fn outer() -> Option<OsString> {
    std::env::var_os("PIDONE_OUTER")
}

/// The places for tests on a terminal, as far as they can be had, as options; in place needs no privilege.
pub fn options() -> Vec<&'static str> {
    if privileged() { vec!["--in-place", "--isolate"] } else { vec!["--in-place"] }
}
