//! Runs in: a program that uses this crate as a library, and the process it makes, which is pidone: outer, or init in place.

use super::LaunchError;
use crate::errno::errno_of;
use crate::error::{Failure, Stage};
use crate::exit::{Codes, Outcome};
use crate::handshake::{self, GateKeeper};
use crate::init::workload;
use crate::launch;
use crate::namespace::Kinds;
use crate::request::{Grouping, RunRequest};
use crate::signal::{KILL_COMMAND, Signal};
use crate::sys::{self, Forked, SharedPage, SignalState, WaitStatus, exit_now};
use crate::terminal::Terminal;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid};
use std::ffi::c_int;
use std::os::fd::OwnedFd;

/// What the command has for stdin, stdout and stderr, where that is not the caller's.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
}

impl Streams {
    /// Makes them this process's own. Copies first, which are all above stderr: one of them may be in the place of another.
    fn put_on(&self) -> Result<(), Failure> {
        let copy = |stream: &Option<OwnedFd>| stream.as_ref().map(OwnedFd::try_clone).transpose();
        let copies = copy(&self.stdin).and_then(|stdin| Ok((stdin, copy(&self.stdout)?, copy(&self.stderr)?)));
        let failure = |errno| Failure::new(Stage::StartProcess, "stdin, stdout, stderr", errno);
        let (stdin, stdout, stderr) = copies.map_err(|error| failure(errno_of(&error)))?;
        let done = stdin.map_or(Ok(()), dup2_stdin);
        let done = done.and_then(|()| stdout.map_or(Ok(()), dup2_stdout));
        done.and_then(|()| stderr.map_or(Ok(()), dup2_stderr)).map_err(failure)
    }
}

/// A process that is pidone, and what it notes at its end.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: Pid,
    page: SharedPage,
}

/// What the page begins with: how the command ended, or why it did not run.
const ENDED: u8 = 1;
const FAILED: u8 = 2;

impl Started {
    /// What came of it, once it has ended, with this status if it was seen.
    pub(super) fn outcome(&self, status: Option<WaitStatus>) -> Result<Outcome, LaunchError> {
        match (&self.page.read()[..], status) {
            ([ENDED, number @ ..], _) => {
                let number = number.first_chunk().map_or(0, |bytes| c_int::from_ne_bytes(*bytes));
                Ok(Outcome::from_wait(WaitStatus(number)))
            }
            ([FAILED, status, text @ ..], _) => {
                let text = String::from_utf8_lossy(text);
                let (message, hint) = text.split_once('\n').unwrap_or((&text, ""));
                Err(LaunchError::from_parts(message, hint, *status))
            }
            // It was killed, and could not note anything.
            (_, Some(status)) => Ok(Outcome::from_wait(status)),
            (_, None) => {
                let message = "the process that ran the command was killed, and this program has not seen how";
                Err(LaunchError::from_parts(message, "", Codes::PIDONE.failed))
            }
        }
    }
}

/// Makes the process. With a group of its own it is a job of the calling program's, as that is of a shell, and gets the
/// `terminal`. Every signal is blocked. When this returns signals can be sent to it, and none is lost.
///
/// # Errors
/// EMFILE, ENOMEM, EAGAIN.
pub(super) fn start(
    request: RunRequest,
    streams: &Streams,
    grouping: Grouping,
    terminal: Option<&Terminal>,
    signals: SignalState,
) -> Result<Started, LaunchError> {
    let page = SharedPage::new().map_err(|errno| Failure::new(Stage::MakePipe, "mmap", errno))?;
    let (gate, gate_keeper) = handshake::gate()?;
    let caller = getpid();
    let forked = sys::clone_process(Kinds::NONE.clone_flags());
    match forked.map_err(|errno| Failure::new(Stage::StartProcess, "fork", errno))? {
        Forked::Child => {
            drop(gate);
            step_aside(&request, grouping, terminal, caller, gate_keeper);
            page.write(&carry_out(request, streams, signals));
            exit_now(0)
        }
        Forked::Parent(pid) => {
            drop(gate_keeper);
            // Ignoring the error: it is gone, which the wait tells.
            let _ = gate.pass();
            Ok(Started { pid, page })
        }
    }
}

/// In the new process: leaves the caller's group, takes the terminal, and ties itself to the caller's life.
fn step_aside(
    request: &RunRequest,
    grouping: Grouping,
    terminal: Option<&Terminal>,
    caller: Pid,
    gate_keeper: GateKeeper,
) {
    // Ignoring the error: only a session could fail, and it is none.
    let _ = workload::leave_group(grouping);
    if let Some(terminal) = terminal {
        terminal.hand_to(getpid());
    }
    gate_keeper.open();
    // Rust's runtime ignores it, and a command would inherit that.
    sys::reset_action(Signal::PIPE);
    if !request.no_die_with_parent {
        // Until `Parent` watches. Ignoring the error: a filter forbids it, which `Parent` tells.
        let _ = sys::set_parent_death_signal(Signal::KILL);
        let parent = getppid();
        // 0: the caller has unshared its PID namespace, from which it cannot be seen (B42).
        if parent != caller && parent.as_raw() != 0 {
            exit_now(0);
        }
    }
}

/// Runs the command, and returns what is to be noted of it.
fn carry_out(mut request: RunRequest, streams: &Streams, signals: SignalState) -> Vec<u8> {
    if !request.no_die_with_parent {
        request.parent_death.get_or_insert(Signal::KILL);
    }
    // `Launched::kill`: SIGKILL could not be forwarded, and would only part this process from the command.
    request.rewrites.set(KILL_COMMAND, Some(Signal::KILL));
    let carried_out = streams.put_on().map_err(LaunchError::from);
    let carried_out = carried_out.and_then(|()| Ok(launch::carry_out(&request, Codes::PIDONE, signals)?));
    match carried_out {
        Ok((outcome, _)) => [&[ENDED][..], &outcome.to_wait().0.to_ne_bytes()].concat(),
        Err(error) => {
            [&[FAILED, error.status()][..], error.message().as_bytes(), b"\n", error.hint().as_bytes()].concat()
        }
    }
}
