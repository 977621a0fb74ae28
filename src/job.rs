//! Runs in: outer, or init in place. pidone as a job of the shell above it: foreground, stop, continue.
//!
//! The workload has a process group of its own, so the shell cannot see it stop: pidone shows it. It gives the
//! terminal back and stops by the same signal; continued by `fg` it hands the terminal over again, by `bg` it does not.

use crate::signal::Signal;
use crate::sys::{self, SignalSet};
use crate::terminal::{self, Terminal};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What pidone is to the shell that started it.
pub(crate) struct Job {
    /// Only while the workload has the foreground in our stead.
    terminal: Option<Terminal>,
}

impl Job {
    /// As the shell started it: in the foreground of the terminal, or not.
    ///
    /// To be in the foreground group does not mean to be alone in it. In a pipeline (`pidone … | less`) the last command
    /// is the one that reads keys; a script's `pidone … &` has no stdin, and the script goes on. So the foreground is
    /// taken only where stdin is the terminal and stdout no pipe. Elsewhere Ctrl-C reaches the workload through us, and
    /// should it want the terminal, the kernel stops it for that, and it gets it (see `stop`).
    pub(crate) fn new() -> Self {
        Job { terminal: Terminal::on_stdin().filter(|_| !terminal::stdout_is_a_pipe()) }
    }

    /// The terminal, if the workload is to have its foreground.
    pub(crate) fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }

    /// The descriptor that has to stay open, if it is one of ours.
    pub(crate) fn own_fd(&self) -> Option<BorrowedFd<'_>> {
        self.terminal().and_then(Terminal::own_fd)
    }

    /// The workload was stopped by `signal`: stops likewise, until the shell continues this job.
    ///
    /// Comes back at once where nobody could do that: the kernel does not let Ctrl-Z stop an orphaned process group,
    /// credentials(7), of which pidone's is one if it was started by no shell. And a workload that the terminal stopped
    /// for being in the background need not stop if its job is in the foreground: it is then only to be handed over.
    pub(crate) fn stop(&mut self, signal: Signal) {
        let wants_terminal = matches!(signal, Signal::TTIN | Signal::TTOU);
        if wants_terminal && self.terminal.is_none() && Terminal::in_foreground().is_some() {
            return;
        }
        if let Some(terminal) = self.terminal.take() {
            terminal.take_back();
        }
        sys::stop_by(signal);
        // What continued us is acted upon by the caller; left in the queue it would be so a second time.
        let _ = sys::wait_signal(SignalSet::only(Signal::CONT), Some(Duration::ZERO));
    }

    /// Continued, or asked to be. True if the foreground is ours again (`fg`), and therefore the workload's to have.
    pub(crate) fn resume(&mut self) -> bool {
        if self.terminal.is_some() {
            return false;
        }
        self.terminal = Terminal::in_foreground();
        self.terminal.is_some()
    }

    /// The workload has ended: the foreground goes back, so that a script's next `read` works.
    pub(crate) fn end(self) {
        if let Some(terminal) = self.terminal {
            terminal.take_back();
        }
    }
}
