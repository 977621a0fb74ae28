//! Runs in: probe. A process by what it is known by, whoever has its pid later.

use crate::procfs::{self, Process};
use crate::signal::Signal;
use crate::sys;
use nix::unistd::Pid;

#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) pid: Pid,
    started: u64,
}

impl Known {
    pub(super) fn of(process: &Process) -> Self {
        Known { pid: process.pid, started: process.started }
    }

    /// The child of this parent that has been there for longest.
    pub(super) fn oldest_child(all: &[Process], parent: Pid) -> Option<Self> {
        procfs::of_parent(all, parent).iter().min_by_key(|child| child.started).map(Self::of)
    }

    /// Whether it is there, at least as a zombie.
    pub(super) fn is_there(self) -> bool {
        self.now().is_some()
    }

    pub(super) fn is_stopped(self) -> bool {
        self.now().is_some_and(|process| matches!(process.state, 'T' | 't'))
    }

    /// # Errors
    /// ESRCH: it is gone. EPERM.
    pub(super) fn send(self, signal: Signal) -> nix::Result<()> {
        sys::send_checked(self.pid, signal, || self.is_there())
    }

    fn now(self) -> Option<Process> {
        procfs::process(self.pid).filter(|process| process.started == self.started)
    }
}
