//! Runs in: init. The processes besides the workload that init answers for: as PID 1 all of its namespace, which kill(2)
//! reaches as −1; as a subreaper its own descendants, which have to be found.

use crate::errno::reason;
use crate::logging::warn;
use crate::procfs::{self, Process};
use crate::reap;
use crate::signal::Signal;
use crate::sys::{self, Recipient};
use crate::trace::Trace;
use nix::errno::Errno;
use nix::unistd::{Pid, getpid};
use std::cell::Cell;
use std::fmt::Write as _;

/// Whom init answers for.
pub(crate) struct Others<'a> {
    reach: Reach,
    trace: &'a Trace,
}

enum Reach {
    /// Everybody in the PID namespace. The kernel kills them when init ends.
    Namespace,
    /// Every descendant, but for these children and theirs: they were there before the workload, or are beyond our rights.
    Descendants { spared: Cell<Vec<Pid>> },
}

/// Whether somebody is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nobody.
    Nobody,
    /// A child, whose end raises SIGCHLD.
    Somebody,
    /// As PID 1: one who is no child of ours, because somebody outside put it in; its end raises nothing here.
    Stranger,
    /// As a subreaper: nobody that was found, but others may have been born while we looked. Look again.
    Unsure,
}

impl<'a> Others<'a> {
    /// Of a PID 1.
    pub(crate) fn in_namespace(trace: &'a Trace) -> Self {
        Others { reach: Reach::Namespace, trace }
    }

    /// Of a process that is not PID 1, before it starts the workload: reaps who has ended by then. The children left are
    /// those of the program that became pidone by exec, as in `exec pidone < <(command)`: not ours to end (B7).
    pub(crate) fn descendants(trace: &'a Trace) -> Self {
        let spared = if reap::drain_rest(trace) { procfs::children(&procfs::processes()) } else { Vec::new() };
        Others { reach: Reach::Descendants { spared: Cell::new(spared) }, trace }
    }

    /// Whether they end when init does.
    pub(crate) fn end_with_init(&self) -> bool {
        matches!(self.reach, Reach::Namespace)
    }

    /// Sends `signal` to each. True if there was anybody to send it to.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        match &self.reach {
            Reach::Namespace => match sys::send(Recipient::Everyone, signal) {
                Ok(()) => true,
                Err(Errno::ESRCH) => false,
                Err(errno) => {
                    warn!("cannot send {signal} to everyone: {}", reason(errno));
                    true
                }
            },
            Reach::Descendants { spared } => taken(spared, |spared| {
                // A fork bomb: who is killed makes room for another one, who is stopped does not.
                if signal == Signal::KILL {
                    signal_descendants(Signal::STOP, spared);
                }
                signal_descendants(signal, spared)
            }),
        }
    }

    /// Reaps who has ended, and says whether anybody is left.
    pub(crate) fn left(&self) -> Left {
        let has_children = reap::drain_rest(self.trace);
        match &self.reach {
            Reach::Namespace if has_children => Left::Somebody,
            Reach::Namespace if sys::anyone_is_left() => Left::Stranger,
            Reach::Descendants { spared } if has_children => {
                // With nobody to spare wait(2) has the last word, and not a look at /proc, which takes its time.
                let look = |spared: &mut Vec<Pid>| {
                    spared.is_empty() || !procfs::descendants(&procfs::processes(), spared).is_empty()
                };
                let is_found = taken(spared, look);
                if is_found { Left::Somebody } else { Left::Unsure }
            }
            Reach::Namespace | Reach::Descendants { .. } => Left::Nobody,
        }
    }

    /// Whether they can be found at all; says so, if not.
    pub(crate) fn can_be_found(&self) -> bool {
        let can = self.end_with_init() || procfs::is_ours();
        if !can {
            warn!("/proc is missing, or is another PID namespace's: what is left of the command cannot be found");
        }
        can
    }

    /// Who they are, for a message: `7 (sleep), 9 (nginx)`; only so many.
    pub(crate) fn names(&self) -> String {
        const MOST: usize = 10;
        let all = procfs::processes();
        let listed: Vec<&Process> = match &self.reach {
            Reach::Namespace => all.iter().filter(|process| process.pid != getpid() && !process.is_dead).collect(),
            Reach::Descendants { spared } => taken(spared, |spared| procfs::descendants(&all, spared)),
        };
        let mut names = String::new();
        for (index, process) in listed.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = match index {
                0 => write!(names, "{process}"),
                MOST => write!(names, ", and {} more", listed.len().saturating_sub(MOST)),
                1..MOST => write!(names, ", {process}"),
                _ => break,
            };
        }
        if names.is_empty() { "somebody whom /proc does not show".into() } else { names }
    }
}

/// Works with the list while nobody else does: a `RefCell` would panic if somebody did.
fn taken<T>(list: &Cell<Vec<Pid>>, work: impl FnOnce(&mut Vec<Pid>) -> T) -> T {
    let mut pids = list.take();
    let result = work(&mut pids);
    list.set(pids);
    result
}

/// Goes through the descendants until a look finds nobody new: who was born between a look and the signal to its parent
/// would be missed. Who is beyond our rights is named, and spared from then on. True if there was anybody.
fn signal_descendants(signal: Signal, spared: &mut Vec<Pid>) -> bool {
    let mut told: Vec<(Pid, u64)> = Vec::new();
    loop {
        let all = procfs::processes();
        let found = procfs::descendants(&all, spared);
        let new: Vec<_> =
            found.into_iter().filter(|process| !told.contains(&(process.pid, process.started))).collect();
        if new.is_empty() {
            return !told.is_empty();
        }
        for process in new {
            told.push((process.pid, process.started));
            let is_the_same = || procfs::started(process.pid) == Some(process.started);
            match sys::send_checked(process.pid, signal, is_the_same) {
                // Gone meanwhile; or it is only to be stopped before it is killed, which will fail likewise, and say so.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(_) if signal == Signal::STOP => {}
                Err(errno) => {
                    warn!("cannot send {signal} to {process}: {}; it is left running", reason(errno));
                    spared.push(process.pid);
                }
            }
        }
    }
}
