//! Runs in: a program that uses this crate as a library. A launch that runs.

use super::child::Started;
use super::{LaunchError, block_signals, threads, wait};
use crate::exit::Outcome;
use crate::job::Job;
use crate::request::Grouping;
use crate::signal::{KILL_COMMAND, Signal};
use crate::sys::{self, Reaped, Recipient, WaitStatus};
use std::io;

/// A command that was started by [`Launch::spawn`](crate::Launch::spawn).
///
/// Dropping it neither ends the command nor reaps it: it stays a zombie when it has ended, until the calling program ends, which
/// the command does not outlive.
#[derive(Debug)]
pub struct Launched {
    started: Started,
    grouping: Grouping,
    forwards: bool,
    /// Set once it is known to have ended.
    ended: Option<Option<WaitStatus>>,
}

impl Launched {
    pub(super) fn new(started: Started, grouping: Grouping, forwards: bool) -> Self {
        Launched { started, grouping, forwards, ended: None }
    }

    /// The pid of the process that is pidone for the command: what is sent to it is forwarded.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.started.pid.as_raw().unsigned_abs()
    }

    /// Sends a signal to the command; SIGKILL as [`kill`](Launched::kill). Nothing happens if it has ended, and that is known.
    ///
    /// # Errors
    /// SIGSTOP and SIGCHLD are not forwarded.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        match signal {
            Signal::KILL => self.kill(),
            signal if signal.is_forwarded() => self.send(signal),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{signal} is not forwarded"))),
        }
    }

    /// SIGKILL to the command, at which what is left of the launch ends, too, unless something else was asked for
    /// ([`on_exit`](crate::Launch::on_exit)). Nothing happens if it has ended, and that is known.
    ///
    /// # Errors
    /// Of kill(2).
    pub fn kill(&mut self) -> io::Result<()> {
        self.send(KILL_COMMAND)?;
        // If Ctrl-Z has stopped the launch, it has to hear of that.
        self.send(Signal::CONT)
    }

    /// Our own child, which only we reap, so the pid is nobody else's.
    fn send(&mut self, signal: Signal) -> io::Result<()> {
        match self.ended {
            Some(_) => Ok(()),
            None => Ok(sys::send(Recipient::Process(self.started.pid), signal)?),
        }
    }

    /// How the command ended, if it has; does not wait.
    ///
    /// # Errors
    /// Why it did not run.
    pub fn try_wait(&mut self) -> Result<Option<Outcome>, LaunchError> {
        if self.ended.is_none() {
            match sys::reap(Some(self.started.pid)) {
                Reaped::Child(_, status) => self.ended = Some(Some(status)),
                Reaped::NoChildren => self.ended = Some(None),
                Reaped::Stopped(..) | Reaped::NoneEnded => {}
            }
        }
        self.ended.map(|status| self.started.outcome(status)).transpose()
    }

    /// Waits until the command has ended, and returns how. As a shell's `fg` does, it gives it the foreground of the terminal, if
    /// the caller has that, and continues it; and it forwards signals, as [`Launch::run`](crate::Launch::run) does. In a program
    /// that has more than one thread by now it only waits.
    ///
    /// # Errors
    /// Why it did not run.
    pub fn wait(&mut self) -> Result<Outcome, LaunchError> {
        let pid = self.started.pid;
        let status = match self.ended {
            Some(status) => status,
            None if self.forwards && threads() == 1 => {
                let signals = block_signals()?;
                let job = Job::new(self.grouping);
                if let Some(terminal) = job.terminal() {
                    terminal.hand_to(pid);
                    // Ignoring the error: it is gone, which the wait tells.
                    let _ = sys::send(Recipient::Process(pid), Signal::CONT);
                }
                wait::for_end(pid, job, &signals)
            }
            None => sys::wait_if_there(pid),
        };
        self.ended = Some(status);
        self.started.outcome(status)
    }
}
