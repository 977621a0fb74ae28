//! Runs in: init. The loop of PID 1, and all that may happen once the workload runs.
//!
//! # The point of no return
//!
//! The workload runs. From here on init is the last process standing: it warns, but does not fail, so nothing here
//! returns a `Result`. Nothing in the loop allocates but where it must: for a log line that is asked for, for real-time
//! signals that a full queue does not take, and for finding others by `/proc` while a stop goes to all of them.

use crate::errno::reason;
use crate::exit::{Outcome, PIDONE_FAILED};
use crate::forward::Forwarder;
use crate::handshake::{Report, Reporter};
use crate::job::{Job, Next};
use crate::logging::{error, info, warn};
use crate::plan::LaunchPlan;
use crate::reap::{self, MainChild};
use crate::signal::{Signal, WATCH};
use crate::sys::{self, Recipient, SignalInfo};
use crate::terminal::Terminal;
use crate::trace::{Done, Trace};
use nix::unistd::Pid;
use std::os::fd::{AsFd, BorrowedFd};

/// Who is above init, and can continue a workload that was stopped.
pub(crate) enum Above<'a> {
    /// Nobody that init knows of: it is PID 1 in place.
    Nobody(Job),
    /// A shell, perhaps: init is in place, and one of its jobs.
    Shell(Job),
    /// Outer, which tells the shell.
    Outer(&'a Reporter),
}

impl Above<'_> {
    /// The workload is gone: whoever is above may have the terminal back. `ends_too`: init stays on for nobody.
    pub(super) fn take_back(&mut self, outcome: Outcome, ends_too: bool) {
        match self {
            Above::Nobody(job) | Above::Shell(job) => job.end(),
            // To hear a report costs outer more than all else at the end of a short run.
            Above::Outer(_) if ends_too && outcome.is_said_by_exit() => {}
            // Ignoring the error: the status tells most of it.
            Above::Outer(reporter) => drop(reporter.send(&Report::Ended(outcome))),
        }
    }

    /// The descriptor that has to stay open.
    pub(super) fn own_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Above::Nobody(job) | Above::Shell(job) => job.own_fd(),
            Above::Outer(reporter) => Some(reporter.as_fd()),
        }
    }
}

/// Forwards signals and reaps until the workload has ended.
pub(super) fn until_the_end(
    workload: Pid,
    plan: &LaunchPlan,
    forwarder: &mut Forwarder<'_>,
    above: &mut Above<'_>,
) -> Outcome {
    let announce = |orphan| {
        if plan.announce_reaped {
            warn!("Reaped zombie process with pid={orphan}");
        }
    };
    let trace = forwarder.trace;
    let mut stopped = false;
    loop {
        let info = forwarder.next();
        match info.signal() {
            Some(Signal::CHLD) => match reap::drain(workload, trace, announce) {
                MainChild::Running => {}
                MainChild::Stopped(signal) => {
                    trace.stopped(workload, signal);
                    // Who stops itself has done what it does about that when it passed the signal on.
                    if !plan.rules.stops_itself || matches!(above, Above::Nobody(_)) {
                        stopped = !continues_at_once(workload, signal, above, trace);
                    }
                }
                MainChild::Ended(outcome) => {
                    info!("the workload ended: {outcome}");
                    return outcome;
                }
                MainChild::Lost => {
                    error!("the workload is gone, and its end was never reported");
                    return Outcome::Exited(PIDONE_FAILED);
                }
            },
            Some(Signal::CONT) => {
                take_terminal(workload, &info, above);
                if std::mem::take(&mut stopped) {
                    trace.signal(&info, Done::Continued, None);
                    resume(workload, trace);
                } else {
                    forwarder.forward(info);
                }
            }
            Some(WATCH | Signal::IO) if info.is_from_kernel() && end_if_outer_is_gone(above) => {}
            _ => forwarder.forward(info),
        }
    }
}

/// Only reaps, until a signal that asks to end (`--pause`).
pub(super) fn pause(forwarder: &mut Forwarder<'_>, above: &Above<'_>) -> Outcome {
    loop {
        let info = forwarder.next();
        match info.signal() {
            Some(Signal::CHLD) => drop(reap::drain_rest(forwarder.trace)),
            Some(WATCH | Signal::IO) if info.is_from_kernel() && end_if_outer_is_gone(above) => {}
            // Whatever was to be forwarded: there is nobody to forward it to, and nobody left to wait for.
            Some(signal) if forwarder.parent_has_died() && !matches!(signal, Signal::TERM | Signal::INT) => {
                forwarder.trace.signal(&info, Done::EndedPause, None);
                return Outcome::Killed(signal);
            }
            Some(signal) if matches!(forwarder.rewritten(signal), Some(Signal::TERM | Signal::INT)) => {
                info!("the pause ends: {signal}");
                forwarder.trace.signal(&info, Done::EndedPause, None);
                return Outcome::Exited(0);
            }
            _ => forwarder.trace.signal(&info, Done::Nobody, None),
        }
    }
}

/// Something happened to the report pipe (SIGIO where the queue for `WATCH` is full). Outer closes its end only by dying,
/// and our end takes everything in the namespace with it. False if there is no outer, and the signal was not about that.
pub(super) fn end_if_outer_is_gone(above: &Above<'_>) -> bool {
    let Above::Outer(reporter) = above else { return false };
    if !reporter.outer_lives() {
        sys::exit_now(PIDONE_FAILED.into());
    }
    true
}

/// The workload was stopped by `signal`. True if it has been continued: by a shell, or because there is none.
fn continues_at_once(workload: Pid, signal: Signal, above: &mut Above<'_>, trace: &Trace) -> bool {
    match above {
        Above::Outer(reporter) => {
            if let Err(errno) = reporter.send(&Report::Stopped(signal)) {
                warn!("cannot report that the workload is stopped: {}", reason(errno));
            }
            return false;
        }
        Above::Shell(job) => match job.stop(signal) {
            Next::InForeground => {
                give_terminal(workload);
            }
            Next::InBackground => {}
            Next::StaysStopped => return false,
        },
        // Sent on purpose, and whoever sent it can send SIGCONT.
        Above::Nobody(_) if signal == Signal::STOP => return false,
        // With no shell above, Ctrl-Z would freeze a container for good.
        Above::Nobody(_) if signal == Signal::TSTP => {}
        // For being in the background of the terminal: it goes on if it can be had, and would only stop again if not.
        Above::Nobody(job) => {
            if !(job.has_own_group() && give_terminal(workload)) {
                return false;
            }
        }
    }
    resume(workload, trace);
    true
}

/// Continues the workload with its process group, all of which Ctrl-Z has stopped; alone where it has none.
fn resume(workload: Pid, trace: &Trace) {
    // Ignoring errors: gone (ESRCH), or beyond our rights (EPERM), as a forwarded signal would be.
    let sent = sys::send(Recipient::Group(workload), Signal::CONT)
        .or_else(|_| sys::send(Recipient::Process(workload), Signal::CONT));
    if sent.is_ok() {
        trace.continued(workload);
    }
}

/// A SIGCONT that comes with the foreground: of a shell's `fg`, seen by outer or by ourselves.
fn take_terminal(workload: Pid, info: &SignalInfo, above: &mut Above<'_>) {
    let foreground = match above {
        Above::Nobody(_) => false,
        Above::Shell(job) => job.resume(),
        Above::Outer(_) => info.is_resume(),
    };
    if foreground {
        give_terminal(workload);
    }
}

/// Makes the workload the foreground group; true if it is now.
fn give_terminal(workload: Pid) -> bool {
    Terminal::controlling().is_some_and(|terminal| {
        terminal.hand_to(workload);
        terminal.has_in_foreground(workload)
    })
}
