//! Runs in: outer, or init in place. pidone as a job of the shell above it: foreground, stop, continue.
//!
//! The workload has a process group of its own, so the shell cannot see it stop: pidone shows it. It gives the
//! terminal back and stops too; continued by `fg` it hands the terminal over again, by `bg` it does not.

use crate::request::Grouping;
use crate::signal::Signal;
use crate::sys::{self, Recipient};
use crate::terminal::{self, Terminal};
use nix::unistd::{getpgrp, getpid};
use std::os::fd::BorrowedFd;

/// What pidone is to the shell that started it.
pub(crate) struct Job {
    /// Whether the workload has a group in this session that could be in the foreground. One that shares ours is there
    /// when we are; one in another session has another terminal, or none.
    has_own_group: bool,
    /// Only while the workload has the foreground in our stead.
    terminal: Option<Terminal>,
}

/// What is to become of a workload that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Continue it as the foreground group.
    InForeground,
    /// Continue it as it is.
    InBackground,
    /// Leave it until a SIGCONT comes for it.
    StaysStopped,
}

/// Whether our process group can be named in our PID namespace. One from outside has the number 0 here, so the terminal
/// could not be given back to it; then the workload stays in it.
pub(crate) fn group_has_a_name() -> bool {
    getpgrp().as_raw() != 0
}

impl Job {
    /// As the shell started it: in the foreground of the terminal, or not.
    ///
    /// To be in the foreground group does not mean to be alone in it. In a pipeline (`pidone … | less`) the last command
    /// is the one that reads keys; a script's `pidone … &` has no stdin, and the script goes on. So the foreground is
    /// taken only where stdin is the terminal and stdout no pipe. Elsewhere Ctrl-C reaches the workload through us, and
    /// should it want the terminal, the kernel stops it for that, and it gets it (see `stop`).
    pub(crate) fn new(grouping: Grouping) -> Self {
        let mut job = Job { has_own_group: grouping == Grouping::Own, terminal: None };
        if job.has_own_group {
            job.terminal = Terminal::on_stdin().filter(|_| !terminal::stdout_is_a_pipe());
        }
        job
    }

    /// Whether the workload can be made the foreground group at all.
    pub(crate) fn has_own_group(&self) -> bool {
        self.has_own_group
    }

    /// The terminal, if the workload is to have its foreground.
    pub(crate) fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }

    /// The descriptor that has to stay open, if it is one of ours.
    pub(crate) fn own_fd(&self) -> Option<BorrowedFd<'_>> {
        self.terminal().and_then(Terminal::own_fd)
    }

    /// The workload was stopped by `signal`: stops likewise until the shell continues this job, if there is a terminal
    /// and a shell that could; otherwise nobody would, and the workload may well be continued without us.
    pub(crate) fn stop(&mut self, signal: Signal) -> Next {
        let wants_terminal = matches!(signal, Signal::TTIN | Signal::TTOU);
        // Stopped for being in the background while its job is in the foreground: it is only to be handed over.
        if wants_terminal && self.claim() {
            return Next::InForeground;
        }
        if Terminal::controlling().is_none() {
            return Next::StaysStopped;
        }
        if let Some(terminal) = self.terminal.take() {
            terminal.take_back();
        }
        // Not by SIGSTOP: only of the others does the kernel see to it that somebody could continue us, credentials(7).
        // What the terminal sends stops a whole job: a script that pidone runs in, too, or the shell would not see it stop.
        let continued = match signal {
            Signal::STOP => sys::stop_by(Recipient::Process(getpid()), Signal::TSTP),
            of_terminal => sys::stop_by(Recipient::OwnGroup, of_terminal),
        };
        match (continued, signal) {
            // No shell above: a stop that was sent on purpose stays, and a read from the terminal would only stop again.
            (false, Signal::STOP) => Next::StaysStopped,
            (false, Signal::TTIN | Signal::TTOU) if !self.claim() => Next::StaysStopped,
            _ if self.resume() || self.terminal.is_some() => Next::InForeground,
            _ => Next::InBackground,
        }
    }

    /// Continued, or asked to be. True if the foreground is ours again (`fg`), and therefore the workload's to have.
    pub(crate) fn resume(&mut self) -> bool {
        !terminal::stdout_is_a_pipe() && self.claim()
    }

    /// Takes note that the workload gets the foreground, if it is ours to give. Whether it was given before does not count:
    /// a shell makes its new job the foreground group from both sides of the fork, and the later of these two calls may come
    /// after the workload got the foreground, and take it away again.
    fn claim(&mut self) -> bool {
        let ours = Terminal::in_foreground().filter(|_| self.has_own_group);
        let is_ours = ours.is_some();
        if is_ours {
            self.terminal = ours;
        }
        is_ours
    }

    /// The workload has ended: the foreground goes back, so that a script's next `read` works, and Ctrl-C reaches us.
    pub(crate) fn end(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            terminal.take_back();
        }
    }
}
