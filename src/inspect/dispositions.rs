//! Runs in: any thread-free process. What becomes of a signal that is sent to a process: the kernel's rules; pure.
//!
//! In the order in which the kernel applies them, when a signal is sent (`prepare_signal`, `sig_ignored`,
//! `sig_task_ignored`) and when it is about to act (`get_signal`):
//!
//! 1. SIGCONT continues what is stopped, whatever else becomes of it.
//! 2. One that is blocked, be it default, ignored or an init's, is kept until it is unblocked or taken.
//! 3. To an init (`SIGNAL_UNKILLABLE`) a signal with its default action is dropped, except SIGKILL and SIGSTOP from an
//!    ancestor PID namespace. That it is dropped only after it was unblocked changes nothing. From outside, others are
//!    dropped just as well.
//! 4. The machine's own init drops even these two: it has no outside.
//! 5. One that is ignored, or whose default is that, is dropped. Else its handler runs, or its default action.
//! 6. A process that is stopped keeps what would run its handler or end it, but for SIGKILL, until it is continued.
//! 7. A stop by a terminal signal does not happen in a process group of orphans; SIGSTOP always does.

use super::waits::Masks;
use crate::signal::Signal;

/// What a process has arranged for a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Default,
    Ignored,
    Caught,
    /// Blocked, and taken in sigwait or from a signalfd.
    Waited,
}

impl Disposition {
    pub(super) fn name(self) -> &'static str {
        match self {
            Disposition::Default => "default",
            Disposition::Ignored => "ignored",
            Disposition::Caught => "caught",
            Disposition::Waited => "waited",
        }
    }
}

/// What happens when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The kernel drops it, because the process is an init, or a zombie.
    Dropped,
    Ignored,
    Handler,
    /// Kept until it is unblocked, or taken.
    Queued,
    Terminates,
    Stops,
    Continues,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Outcome::Dropped => "dropped",
            Outcome::Ignored => "ignored",
            Outcome::Handler => "handler",
            Outcome::Queued => "queued",
            Outcome::Terminates => "terminates",
            Outcome::Stops => "stops",
            Outcome::Continues => "continues",
        }
    }
}

/// Whom the signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Ordinary,
    /// An ordinary one whose process group is orphaned: nobody in its session could continue it.
    InOrphanedGroup,
    /// The init of a PID namespace.
    Init,
    /// The init of the outermost PID namespace.
    MachineInit,
    /// A zombie, or one that is about to be: nothing reaches it.
    Dead,
}

/// Where the sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// In the same PID namespace.
    Inside,
    /// In an ancestor of it.
    Outside,
}

fn is_in(set: u64, signal: Signal) -> bool {
    set >> (signal.number() - 1) & 1 == 1
}

pub(super) fn disposition(signal: Signal, masks: &Masks) -> Disposition {
    if is_in(masks.waited(), signal) {
        Disposition::Waited
    } else if is_in(masks.caught, signal) {
        Disposition::Caught
    } else if is_in(masks.ignored, signal) {
        Disposition::Ignored
    } else {
        Disposition::Default
    }
}

/// What becomes of the signal. `None`: that hangs on what could not be read.
pub(super) fn outcome(signal: Signal, masks: &Masks, standing: Standing, sender: Sender) -> Option<Outcome> {
    let is_init = matches!(standing, Standing::Init | Standing::MachineInit);
    if standing == Standing::Dead {
        return Some(Outcome::Dropped);
    }
    if matches!(signal, Signal::KILL | Signal::STOP) {
        // Only the kernel's own threads can have arranged that.
        if is_in(masks.ignored, signal) {
            return Some(Outcome::Ignored);
        }
        let is_forced = standing == Standing::Init && sender == Sender::Outside;
        return Some(if is_init && !is_forced { Outcome::Dropped } else { default_action(signal) });
    }
    if is_in(masks.blocked, signal) {
        return Some(Outcome::Queued);
    }
    let becomes = match disposition(signal, masks) {
        Disposition::Waited => Some(Outcome::Queued),
        // It may be one that is waited for: then it only looks unblocked.
        Disposition::Caught | Disposition::Default | Disposition::Ignored if masks.waits_unknown => None,
        Disposition::Caught => Some(Outcome::Handler),
        Disposition::Ignored if signal == Signal::CONT => Some(Outcome::Continues),
        Disposition::Ignored => Some(Outcome::Ignored),
        Disposition::Default => Some(match default_action(signal) {
            Outcome::Terminates | Outcome::Stops if is_init => Outcome::Dropped,
            Outcome::Stops if standing == Standing::InOrphanedGroup => Outcome::Ignored,
            action => action,
        }),
    };
    match becomes {
        // What is stopped does nothing but be killed, until it is continued.
        Some(Outcome::Handler | Outcome::Terminates) if masks.is_stopped && signal != Signal::CONT => {
            Some(Outcome::Queued)
        }
        becomes => becomes,
    }
}

/// The default action, signal(7). That of a real-time signal is to terminate.
fn default_action(signal: Signal) -> Outcome {
    /// SIGURG: data out of band.
    const URG: i32 = 23;
    match signal {
        Signal::CONT => Outcome::Continues,
        Signal::CHLD | Signal::WINCH => Outcome::Ignored,
        Signal::STOP | Signal::TSTP | Signal::TTIN | Signal::TTOU => Outcome::Stops,
        _ if signal.number() == URG => Outcome::Ignored,
        _ => Outcome::Terminates,
    }
}

/// One signal of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) signal: Signal,
    /// `None`, here and below: that hangs on what could not be read.
    pub(super) disposition: Option<Disposition>,
    pub(super) blocked: Option<bool>,
    pub(super) pending: bool,
    pub(super) from_inside: Option<Outcome>,
    /// `None` also where there is no outside.
    pub(super) from_outside: Option<Outcome>,
}

#[inline(never)]
pub(super) fn row(signal: Signal, masks: &Masks, standing: Standing, has_outside: bool) -> Row {
    // One that is waited for looks as if it were not.
    let is_unknown = masks.waits_unknown && !matches!(signal, Signal::KILL | Signal::STOP);
    let is_blocked = is_in(masks.blocked, signal);
    Row {
        signal,
        disposition: Some(disposition(signal, masks)).filter(|_| !is_unknown),
        blocked: Some(is_blocked).filter(|is_blocked| *is_blocked || !is_unknown),
        pending: is_in(masks.pending, signal),
        from_inside: outcome(signal, masks, standing, Sender::Inside),
        from_outside: outcome(signal, masks, standing, Sender::Outside).filter(|_| has_outside),
    }
}

/// A row for each signal from 1 to 31, and for each real-time one that the process has to do with.
#[inline(never)]
pub(super) fn rows(masks: &Masks, standing: Standing, has_outside: bool) -> Vec<Row> {
    const LAST_STANDARD: i32 = 31;
    let used = masks.blocked | masks.pending | masks.ignored | masks.caught | masks.sigwait | masks.signalfd;
    let mut rows = Vec::new();
    for signal in (1..=u64::BITS.cast_signed()).filter_map(Signal::new) {
        if signal.number() <= LAST_STANDARD || is_in(used, signal) {
            rows.push(row(signal, masks, standing, has_outside));
        }
    }
    rows
}

#[cfg(test)]
#[path = "dispositions_tests.rs"]
mod tests;
