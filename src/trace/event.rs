//! Runs in: outer, init. What the trace can tell; pure.

use super::witness::Name;
use crate::error::Failure;
use crate::exit::Outcome;
use crate::namespace::Kinds;
use crate::signal::Signal;
use crate::sys::{SignalInfo, Usage, WaitStatus};
use nix::errno::Errno;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// One thing that happened. Recipients are numbers as kill(2) takes them.
pub(super) enum Event<'a> {
    Start { command: &'a [OsString], place: &'static str, namespaces: Kinds },
    Spawn { pid: Pid, role: Role },
    Signal { info: &'a SignalInfo, sender: Option<&'a Sender>, done: Done, recipient: Option<i32> },
    Reap { pid: Pid, name: &'a Name, role: Role, status: WaitStatus, usage: &'a Usage, lifetime: Option<Duration> },
    Stop { pid: Pid, signal: Signal },
    Continue { pid: Pid },
    StopTimeout { signal: Signal, timeout: Duration },
    Kill { signal: Signal, recipient: i32, why: Why, names: &'a dyn fmt::Display },
    Exit { end: Result<Outcome, &'a Failure>, status: u8 },
    Lost { lines: u64 },
}

impl Event<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Event::Start { .. } => "start",
            Event::Spawn { .. } => "spawn",
            Event::Signal { .. } => "signal",
            Event::Reap { .. } => "reap",
            Event::Stop { .. } => "stop",
            Event::Continue { .. } => "continue",
            Event::StopTimeout { .. } => "stop-timeout",
            Event::Kill { .. } => "kill",
            Event::Exit { .. } => "exit",
            Event::Lost { .. } => "lost",
        }
    }
}

/// Who sent a signal, as seen by the half that speaks; pid 0 stands for everybody outside its PID namespace.
pub(super) struct Sender {
    pub(super) pid: Pid,
    pub(super) uid: u32,
    pub(super) comm: Name,
}

/// What a child is to the half that speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Init,
    Workload,
    /// Any other: adopted, or a child of the program that became pidone by exec.
    Orphan,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Role::Init => "init",
            Role::Workload => "workload",
            Role::Orphan => "orphan",
        }
    }
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Sent on, as this one.
    Forwarded(Signal),
    /// It was to be sent on as this one, and could not be.
    Failed(Signal, Errno),
    /// The recipient's queue is full: sent on as soon as it is not.
    Held,
    /// It waits for `--stop-delay`.
    Delayed,
    /// The same as one that was delayed, whose wait it has ended.
    Merged,
    /// `--ignore`, `--rewrite`.
    Dropped,
    /// The terminal has sent it to the whole process group, or it is about pidone's own place in the background.
    Terminal,
    /// It has continued what was stopped.
    Continued,
    /// It has ended the pause.
    EndedPause,
    /// A SIGCHLD that a process has sent: pidone looks at its children, and that is all.
    Looked,
    /// There is nobody it could be for.
    Nobody,
}

impl Done {
    pub(super) fn name(self, came: Option<Signal>) -> &'static str {
        match self {
            Done::Forwarded(to) if Some(to) == came => "forwarded",
            Done::Forwarded(_) => "rewritten",
            Done::Failed(..) => "failed",
            Done::Held => "held",
            Done::Delayed => "delayed",
            Done::Merged => "merged",
            Done::Dropped => "dropped",
            Done::Terminal => "terminal",
            Done::Continued => "continued",
            Done::EndedPause => "ended-pause",
            Done::Looked => "looked",
            Done::Nobody => "nobody",
        }
    }
}

/// Why pidone sends a signal of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    StopTimeout,
    OnExit,
    /// The kernel's doing: init, which is PID 1, ends.
    InitEnds,
}

impl Why {
    pub(super) fn name(self) -> &'static str {
        match self {
            Why::StopTimeout => "stop-timeout",
            Why::OnExit => "on-exit",
            Why::InitEnds => "init-ends",
        }
    }
}
