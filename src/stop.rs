//! Runs in: outer (bare), init. The course of a stop: a stop signal may be held back, and what does not heed it in time
//! is to be killed. Pure: it is told the time.

use crate::request::StopRules;
use crate::signal::Signal;
use crate::sys::{Moment, SignalInfo};
use std::time::Duration;

/// Where a stop stands.
pub(crate) struct Stop {
    pub(crate) rules: StopRules,
    /// The first stop signal, while it is held back, and until when.
    waiting: Option<(SignalInfo, Moment)>,
    /// One has been held back: no other will be.
    has_waited: bool,
    /// When SIGKILL is due, and what began it.
    deadline: Option<(Moment, Signal)>,
}

/// What is to be done with a stop signal that came.
pub(crate) enum Arrival {
    /// Pass it on.
    Pass,
    /// It is held back.
    Wait,
    /// Pass on the one that was held back; then this one, unless they are the same.
    PassAfter(SignalInfo),
}

/// What the time has come for.
pub(crate) enum Due {
    /// Pass on the one that was held back.
    Forward(SignalInfo),
    /// SIGKILL: this signal was not heeded.
    Kill(Signal),
}

impl Stop {
    pub(crate) fn new(rules: StopRules) -> Self {
        Stop { rules, waiting: None, has_waited: false, deadline: None }
    }

    /// A stop signal came. The first one waits, if there is a delay; a second one ends the wait.
    pub(crate) fn arrive(&mut self, info: SignalInfo) -> Arrival {
        if let Some((first, _)) = self.waiting.take() {
            return Arrival::PassAfter(first);
        }
        match self.rules.delay {
            Some(delay) if !self.has_waited => {
                self.has_waited = true;
                self.waiting = Some((info, Moment::after(delay)));
                Arrival::Wait
            }
            _ => Arrival::Pass,
        }
    }

    /// A stop signal was passed on. The first one starts the clock.
    pub(crate) fn begin(&mut self, signal: Signal) {
        if let (Some(timeout), None) = (self.rules.timeout, self.deadline) {
            self.deadline = Some((Moment::after(timeout), signal));
        }
    }

    /// Forgets the deadline: what it was for has ended.
    pub(crate) fn call_off(&mut self) {
        self.deadline = None;
    }

    /// When `due` will have something next.
    pub(crate) fn next(&self) -> Option<Moment> {
        let waiting = self.waiting.as_ref().map(|(_, until)| *until);
        let deadline = self.deadline.map(|(at, _)| at);
        waiting.into_iter().chain(deadline).min()
    }

    /// What the time has come for, if anything.
    pub(crate) fn due(&mut self) -> Option<Due> {
        if let Some((info, _)) = self.waiting.take_if(|(_, until)| until.is_past()) {
            return Some(Due::Forward(info));
        }
        self.deadline.take_if(|(at, _)| at.is_past()).map(|(_, signal)| Due::Kill(signal))
    }
}

/// `10s`, `1.5s`, `500ms`; and nothing at all as `0s`.
pub(crate) fn text(duration: Duration) -> String {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    let (unit, text) = match nanoseconds {
        _ if seconds > 0 || nanoseconds == 0 => ("s", format!("{seconds}.{nanoseconds:09}")),
        1_000_000.. => ("ms", format!("{}.{:06}", nanoseconds / 1_000_000, nanoseconds % 1_000_000)),
        _ => ("µs", format!("{}.{:03}", nanoseconds / 1_000, nanoseconds % 1_000)),
    };
    [text.trim_end_matches('0').trim_end_matches('.'), unit].concat()
}
