//! Runs in: probe. From what happened to what it means; pure.

use crate::exit::{Outcome, PIDONE_FAILED};
use crate::signal::Signal;
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
    Unknown(String),
}

/// What a signal did in one place, after so long; or why that cannot be told.
pub(super) type Observed = Result<(Effect, Duration), String>;

/// What there is to say about a command.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) command: Vec<OsString>,
    pub(super) signals: Vec<SignalVerdict>,
    /// As PID 1; and, for comparison, whether pidone does in its place.
    pub(super) reaps_orphans: Result<bool, String>,
    pub(super) init_reaps: Result<bool, String>,
}

/// What there is to say about one signal.
#[derive(Debug)]
pub(super) struct SignalVerdict {
    pub(super) signal: Signal,
    /// As PID 1 itself.
    pub(super) bare: Observed,
    pub(super) under_init: Observed,
}

impl Verdict {
    /// From the findings of the trials: two for each signal, as PID 1 and under an init; and two about orphans.
    pub(super) fn new(command: Vec<OsString>, signals: &[Signal], findings: Vec<Finding>) -> Self {
        let mut findings = findings.into_iter();
        let mut observed = || match findings.next() {
            Some(Finding::Effect(effect, after)) => Ok((effect, after)),
            Some(Finding::Unknown(why)) => Err(why),
            Some(Finding::Reaps(_)) | None => Err("it was not tried".into()),
        };
        let signals = signals
            .iter()
            .map(|signal| SignalVerdict { signal: *signal, bare: observed(), under_init: observed() })
            .collect();
        let mut reaps = || match findings.next() {
            Some(Finding::Reaps(reaps)) => Ok(reaps),
            Some(Finding::Unknown(why)) => Err(why),
            Some(Finding::Effect(..)) | None => Err("it was not tried".into()),
        };
        Verdict { command, signals, reaps_orphans: reaps(), init_reaps: reaps() }
    }

    /// Whether the command needs an init; `None` where nothing says so, but not everything could be told.
    pub(super) fn needs_init(&self) -> Option<bool> {
        let reaping = self.reaps_orphans.as_ref().ok().map(|reaps| !reaps);
        let mut all: Vec<_> = self.signals.iter().map(SignalVerdict::needs_init).collect();
        all.push(reaping);
        if all.contains(&Some(true)) {
            return Some(true);
        }
        if all.contains(&None) { None } else { Some(false) }
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
        let named = |wanted: Option<bool>| {
            let of_it = self.signals.iter().filter(|signal| signal.needs_init() == wanted);
            of_it.map(|verdict| verdict.signal.to_string()).collect::<Vec<_>>().join(", ")
        };
        let mut reasons = Vec::new();
        let lost = named(Some(true));
        if !lost.is_empty() {
            reasons.push(format!(
                "as PID 1 it survives {lost}, and not under an init: the kernel drops what PID 1 has no handler for"
            ));
        }
        if self.reaps_orphans == Ok(false) {
            reasons.push("as PID 1 it does not reap orphans: they stay zombies".into());
        }
        let unknown = self.signals.iter().flat_map(|signal| [&signal.bare, &signal.under_init]);
        let unknown =
            unknown.filter_map(|observed| observed.as_ref().err()).chain(self.reaps_orphans.as_ref().err());
        for why in unknown {
            let reason = format!("could not tell: {why}");
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }
}

impl SignalVerdict {
    /// Whether the signal is lost on the command for being PID 1: it ends the command anywhere else.
    pub(super) fn needs_init(&self) -> Option<bool> {
        match (&self.bare, &self.under_init) {
            (Ok((bare, _)), Ok((under_init, _))) => {
                Some(*bare == Effect::Survived && matches!(under_init, Effect::Ended(_)))
            }
            _ => None,
        }
    }

    /// In a few words, what both together mean.
    pub(super) fn why(&self) -> &'static str {
        match (&self.bare, &self.under_init) {
            (Ok((bare, _)), Ok((under_init, _))) => match (bare, under_init) {
                (Effect::Survived, Effect::Survived) => "it ignores the signal, or handles it and goes on",
                (Effect::Survived, Effect::Ended(_)) => "dropped: PID 1 has no handler for it",
                (Effect::Survived, Effect::Stopped) => "PID 1 is not stopped by it",
                (bare, under_init) if bare == under_init => "the same in both places",
                _ => "acts in both places, but not alike",
            },
            _ => "could not tell",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let findings = findings.into_iter().chain([true, true].map(Finding::Reaps)).collect();
                let verdict = Verdict::new(vec!["x".into()], &[Signal::TERM], findings);
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
        let verdict = |findings| Verdict::new(Vec::new(), &[Signal::TERM], findings);
        assert_eq!(verdict(vec![unknown(), survived(), Finding::Reaps(true)]).status(), 125);
        assert_eq!(verdict(vec![survived(), survived(), unknown()]).status(), 125);
        let lost = verdict(vec![unknown(), unknown(), Finding::Reaps(false)]);
        assert_eq!((lost.status(), lost.reasons().len()), (1, 2));
    }
}
