//! Runs in: a program that uses this crate as a library, while it waits for a launch. What is that program's own, and has to be
//! as it was when the wait is over.

use super::signals::{SignalInfo, SignalSet, SignalState};
use super::wait::WaitStatus;
use crate::signal::Signal;
use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::unistd::Pid;
use std::mem::MaybeUninit;

impl SignalSet {
    /// The set with `signal` in it, too.
    pub(crate) fn with(self, signal: Signal) -> Self {
        SignalSet(self.0 | SignalSet::only(signal).0)
    }
}

impl SignalState {
    /// The signals that act on the program when nothing of ours is in the way.
    pub(crate) fn unblocked(&self) -> SignalSet {
        SignalSet(!self.mask.0)
    }

    /// Whether the kernel reaps the program's children, because it does not want to hear of them (wait(2)).
    pub(crate) fn ignores_children(&self) -> bool {
        self.sigchld
            .is_some_and(|action| action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0)
    }
}

impl SignalInfo {
    /// The child that a SIGCHLD of the kernel's is about.
    pub(crate) fn child(&self) -> Option<Pid> {
        if self.signal() != Some(Signal::CHLD) || !self.is_from_kernel() {
            return None;
        }
        // SAFETY: of a SIGCHLD the kernel fills in the layout that begins with si_pid (sigaction(2)).
        Some(Pid::from_raw(unsafe { self.0.si_pid() }))
    }
}

/// What the program does about the terminal's stops, which `stop_by` changes.
pub(crate) struct StopActions([(c_int, libc::sigaction); 3]);

impl StopActions {
    pub(crate) fn note() -> Self {
        StopActions([libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].map(|signal| {
            // SAFETY: all zeros is a valid `sigaction`.
            let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
            // SAFETY: asks only, and `action` has room for the answer.
            unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
            (signal, action)
        }))
    }

    /// Puts it back.
    pub(crate) fn put_back(&self) {
        for (signal, action) in &self.0 {
            // SAFETY: restores an action that sigaction(2) itself handed out.
            unsafe { libc::sigaction(*signal, action, std::ptr::null_mut()) };
        }
    }
}

/// Waits for the end of one child, and reaps it. `None`: there is no such child, because it was reaped by the kernel for a
/// program that ignores SIGCHLD, or by the program itself.
pub(crate) fn wait_if_there(child: Pid) -> Option<WaitStatus> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int; the resource usage pointer may be NULL (wait4(2)).
    let mut wait = || unsafe { libc::wait4(child.as_raw(), &raw mut status, libc::__WALL, std::ptr::null_mut()) };
    loop {
        match Errno::result(wait()) {
            Ok(_) => return Some(WaitStatus(status)),
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}
