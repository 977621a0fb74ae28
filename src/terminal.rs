//! Runs in: outer, init, workload child. Who is in the foreground of the controlling terminal.
//!
//! The workload has a process group of its own, so that Ctrl-C reaches it once, from the terminal, and not a second
//! time through pidone; therefore it has to become the foreground group. When it does is decided in `job`. If pidone was
//! not in the foreground, the terminal belongs to somebody else and is left alone. No failing terminal call is fatal (B31).

use crate::files;
use crate::signal::Signal;
use crate::sys::{self, own_fd, release_terminal, stdio};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc::{STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{Pid, getpgrp, getpid, getsid, tcgetpgrp, tcsetpgrp};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The controlling terminal.
pub(crate) struct Terminal {
    device: Device,
    /// pidone's own process group, which gets the foreground back at the end.
    group: Pid,
}

/// By which descriptor the terminal is reached.
enum Device {
    Opened(OwnedFd),
    Stdin,
    Stdout,
    Stderr,
}

impl Terminal {
    /// The controlling terminal if it is our stdin and pidone is in its foreground.
    pub(crate) fn on_stdin() -> Option<Self> {
        Some(Terminal { device: Device::Stdin, group: getpgrp() })
            .filter(|terminal| terminal.has_in_foreground(terminal.group))
    }

    /// The controlling terminal if pidone is in its foreground.
    pub(crate) fn in_foreground() -> Option<Self> {
        Self::controlling().filter(|terminal| terminal.has_in_foreground(terminal.group))
    }

    /// The controlling terminal, whoever is in its foreground.
    pub(crate) fn controlling() -> Option<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let group = getpgrp();
        match open(c"/dev/tty", flags, Mode::empty()) {
            Ok(fd) => Some(Terminal { device: Device::Opened(own_fd(fd).ok()?), group }),
            // No controlling terminal, tty(4): the usual answer in a container, after a single system call.
            Err(Errno::ENXIO) => None,
            // There may be one, but no /dev/tty to open: stdio may still be on it. ENOTTY where it is not.
            Err(_) => [Device::Stdin, Device::Stdout, Device::Stderr]
                .into_iter()
                .map(|device| Terminal { device, group })
                .find(|terminal| terminal.with_fd(|fd| tcgetpgrp(fd)).is_ok()),
        }
    }

    /// Whether `group` is the foreground group. Never true of 0, which stands for every group outside our PID namespace.
    pub(crate) fn has_in_foreground(&self, group: Pid) -> bool {
        group.as_raw() != 0 && self.with_fd(|fd| tcgetpgrp(fd)) == Ok(group)
    }

    /// Makes `group` the foreground group. Must be called with SIGTTOU blocked, or a caller in the background is
    /// stopped by it (tcsetpgrp(3)).
    pub(crate) fn hand_to(&self, group: Pid) {
        // Ignoring the error: hung up (EIO), or no longer ours (ENOTTY, EPERM); the workload runs all the same.
        let _ = self.with_fd(|fd| tcsetpgrp(fd, group));
    }

    /// Makes pidone's own group the foreground group again, so that a script's next `read` works.
    pub(crate) fn take_back(&self) {
        self.hand_to(self.group);
    }

    /// The descriptor that has to stay open, if it is one of ours.
    pub(crate) fn own_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.device {
            Device::Opened(fd) => Some(fd.as_fd()),
            Device::Stdin | Device::Stdout | Device::Stderr => None,
        }
    }

    fn with_fd<T>(&self, call: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
        match &self.device {
            Device::Opened(fd) => call(fd.as_fd()),
            Device::Stdin => call(stdio(STDIN_FILENO)),
            Device::Stdout => call(stdio(STDOUT_FILENO)),
            Device::Stderr => call(stdio(STDERR_FILENO)),
        }
    }
}

/// Gives up the controlling terminal, so that a session that is about to be made can have it. Only the leader of the
/// session that has it can do that; from others' sessions it is not taken away. The kernel then sends SIGHUP and SIGCONT to the
/// foreground group, in our own name; they are not to be forwarded, nor to swallow others that come now (B28).
pub(crate) fn leave_to_new_session() {
    if getsid(None) == Ok(getpid()) && release_terminal().is_ok() {
        sys::discard_own(Signal::HUP);
        sys::discard_own(Signal::CONT);
    }
}

/// Whether another command of a pipeline reads what the workload writes.
pub(crate) fn stdout_is_a_pipe() -> bool {
    fstat(stdio(STDOUT_FILENO)).is_ok_and(|stat| files::kind(&stat) == SFlag::S_IFIFO)
}
