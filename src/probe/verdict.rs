//! Runs in: probe. From what happened to what it means; pure.

use crate::exit::{Outcome, PIDONE_FAILED};
use crate::signal::Signal;
use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

/// What a signal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The command runs on.
    Survived,
    /// It was stopped.
    Stopped,
    /// It ended like this.
    Ended(Outcome),
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The signal did this, after so long.
    Effect(Effect, Duration),
    /// As PID 1 it reaped, or did not reap, what was put there.
    Reaps(bool),
    /// For this reason it cannot be told.
    Unknown(Cow<'static, str>),
}

/// What there is to say about a command.
pub(super) struct Verdict<'a> {
    pub(super) command: &'a [OsString],
    pub(super) signals: Vec<SignalVerdict<'a>>,
    /// As PID 1; and, for comparison, whether pidone does in its place.
    pub(super) reaps_orphans: &'a Finding,
    pub(super) init_reaps: &'a Finding,
}

/// What there is to say about one signal.
pub(super) struct SignalVerdict<'a> {
    pub(super) signal: Signal,
    /// As PID 1 itself.
    pub(super) bare: &'a Finding,
    pub(super) under_init: &'a Finding,
}

impl Finding {
    /// Why it cannot be told.
    pub(super) fn unknown(&self) -> Option<&str> {
        if let Finding::Unknown(why) = self { Some(why) } else { None }
    }
}

impl<'a> Verdict<'a> {
    /// From the findings of the trials: two for each signal, as PID 1 and under an init; and two about orphans.
    pub(super) fn new(
        command: &'a [OsString],
        tried: &[Signal],
        mut findings: impl Iterator<Item = &'a Finding>,
    ) -> Self {
        static MISSING: Finding = Finding::Unknown(Cow::Borrowed("it was not tried"));
        let mut next = || findings.next().unwrap_or(&MISSING);
        let mut signals = Vec::new();
        for signal in tried {
            signals.push(SignalVerdict { signal: *signal, bare: next(), under_init: next() });
        }
        Verdict { command, signals, reaps_orphans: next(), init_reaps: next() }
    }

    /// Whether it reaps; `None` where that could not be told.
    pub(super) fn reaps(&self) -> Option<bool> {
        if let Finding::Reaps(reaps) = self.reaps_orphans { Some(*reaps) } else { None }
    }

    /// Whether the command needs an init; `None` where nothing says so, but not everything could be told.
    pub(super) fn needs_init(&self) -> Option<bool> {
        let mut needs = self.reaps().map(|reaps| !reaps);
        for signal in &self.signals {
            needs = match (needs, signal.needs_init()) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), other) => other,
                (None, _) => None,
            };
        }
        needs
    }

    /// 0: safe as PID 1; 1: needs an init; 125: could not tell.
    pub(super) fn status(&self) -> u8 {
        match self.needs_init() {
            Some(false) => 0,
            Some(true) => 1,
            None => PIDONE_FAILED,
        }
    }

    /// Why it needs an init, or why that cannot be told: each reason once.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut lost = String::new();
        for verdict in &self.signals {
            if verdict.needs_init() == Some(true) {
                lost.push_str(if lost.is_empty() { "" } else { ", " });
                lost.push_str(&verdict.signal.to_string());
            }
        }
        let mut reasons = Vec::new();
        if !lost.is_empty() {
            reasons.push(format!(
                "as PID 1 it survives {lost}, and not under an init: the kernel drops what PID 1 has no handler for"
            ));
        }
        if self.reaps() == Some(false) {
            reasons.push("as PID 1 it does not reap orphans: they stay zombies".into());
        }
        let mut unknown = |finding: &Finding| {
            if let Some(why) = finding.unknown() {
                let reason = format!("could not tell: {why}");
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        };
        for verdict in &self.signals {
            unknown(verdict.bare);
            unknown(verdict.under_init);
        }
        unknown(self.reaps_orphans);
        reasons
    }
}

impl SignalVerdict<'_> {
    /// What it did in both places, where that could be told.
    fn effects(&self) -> Option<(Effect, Effect)> {
        match (self.bare, self.under_init) {
            (Finding::Effect(bare, _), Finding::Effect(under_init, _)) => Some((*bare, *under_init)),
            _ => None,
        }
    }

    /// Whether the signal is lost on the command for being PID 1: it ends the command anywhere else.
    pub(super) fn needs_init(&self) -> Option<bool> {
        Some(matches!(self.effects()?, (Effect::Survived, Effect::Ended(_))))
    }

    /// In a few words, what both together mean.
    pub(super) fn why(&self) -> &'static str {
        match self.effects() {
            None => "could not tell",
            Some((Effect::Survived, Effect::Survived)) => "it ignores the signal, or handles it and goes on",
            Some((Effect::Survived, Effect::Ended(_))) => "dropped: PID 1 has no handler for it",
            Some((Effect::Survived, Effect::Stopped)) => "PID 1 is not stopped by it",
            Some((bare, under_init)) if bare == under_init => "the same in both places",
            Some(_) => "acts in both places, but not alike",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAPS: Finding = Finding::Reaps(true);
    const AFTER: Duration = Duration::from_millis(20);

    fn effects() -> [(Effect, &'static str); 4] {
        [
            (Effect::Survived, "survived"),
            (Effect::Stopped, "stopped"),
            (Effect::Ended(Outcome::Exited(0)), "exited"),
            (Effect::Ended(Outcome::Killed(Signal::TERM)), "killed"),
        ]
    }

    #[test]
    fn only_what_is_lost_on_pid_1_needs_an_init() {
        for (bare, bare_name) in effects() {
            for (under_init, name) in effects() {
                let findings = [bare, under_init].map(|effect| Finding::Effect(effect, AFTER));
                let verdict = Verdict::new(&[], &[Signal::TERM], findings.iter().chain(&[REAPS, REAPS]));
                let needs_init = bare_name == "survived" && (name == "exited" || name == "killed");
                assert_eq!(verdict.needs_init(), Some(needs_init), "{bare_name} {name}");
                assert_eq!(verdict.status(), u8::from(needs_init));
                assert_eq!(verdict.reasons().len(), usize::from(needs_init), "{bare_name} {name}");
            }
        }
    }

    #[test]
    fn one_thing_that_needs_an_init_outweighs_what_is_unknown() {
        let unknown = || Finding::Unknown("it ended".into());
        let survived = || Finding::Effect(Effect::Survived, AFTER);
        let told = |findings: [Finding; 3]| {
            let verdict = Verdict::new(&[], &[Signal::TERM], findings.iter());
            (verdict.status(), verdict.reasons().len())
        };
        assert_eq!(told([unknown(), survived(), REAPS]), (125, 1));
        assert_eq!(told([survived(), survived(), unknown()]), (125, 1));
        assert_eq!(told([unknown(), unknown(), Finding::Reaps(false)]), (1, 2));
    }
}
