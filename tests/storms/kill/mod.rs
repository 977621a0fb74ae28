//! Kill anything, any time: whoever is killed or stopped at whatever step of start and exit, all that belongs to it ends, and
//! whoever waits for it learns the truth.
//!
//! - [`stepper`]: from step to step, and the strike
//! - [`mode`]: what is run, and what has to become of it

mod mode;
mod stepper;

use crate::census::{Census, kill_descendants};
use crate::support::{DEADLINE, procfs};
use crate::{report, size};
use mode::Mode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use stepper::Run;

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Outer,
    Init,
    /// Goes in first, on `pidone enter`.
    Joiner,
    Workload,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    Kill,
    /// SIGSTOP; when it has stopped, SIGCONT.
    StopAndContinue,
    /// SIGSTOP; when it has stopped, SIGKILL.
    StopAndKill,
}

/// Somebody is attacked when somebody, perhaps the same, is at a certain step.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub at: Role,
    pub step: usize,
    pub target: Role,
    pub attack: Attack,
}

/// About how many cases of each mode are tried. At full size that is all of them, but in place: there init goes through /proc at
/// its end, thousands of steps, each like the last.
const SAMPLE: (usize, usize) = (50, 6000);

/// From one case that is tried to the next, if there are to be about `most`. It shares no factor with the number of attacks and
/// targets, so that all are tried.
fn stride(total: usize, most: usize) -> usize {
    let least = total.div_ceil(most);
    (least..).find(|stride| *stride == 1 || stride % 2 != 0 && stride % 3 != 0).unwrap_or(1)
}

/// Every case, by the steps that a run without any has.
fn cases(mode: Mode, clean: &Run) -> Vec<Case> {
    let mut cases = Vec::new();
    for &at in mode.line() {
        for step in 1..=clean.steps[&at] {
            for &target in mode.line() {
                for attack in [Attack::Kill, Attack::StopAndContinue, Attack::StopAndKill] {
                    cases.push(Case { at, step, target, attack });
                }
            }
        }
    }
    cases
}

/// Tries the cases of a mode.
fn sweep(mode: Mode) {
    sweep_through(mode, size(SAMPLE.0, SAMPLE.1), |_| true);
}

/// Tries about `most` of the cases `which`. Whatever hangs is killed, so that the storm goes on; the case fails for that.
fn sweep_through(mode: Mode, most: usize, which: impl FnMut(&Case) -> bool) {
    let census = Census::begin();
    if !mode.can_be_had() {
        return;
    }
    let (tick, ticks) = channel();
    let watchdog = std::thread::spawn(move || {
        loop {
            match ticks.recv_timeout(DEADLINE / 4) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    eprintln!("a case hangs; all of it is killed:\n{}", procfs::tree());
                    kill_descendants();
                }
            }
        }
    });
    let holder = mode.holder();
    let attempt = |case| {
        let _ = tick.send(());
        let mut run = Run::of(&mode.words(holder.as_ref()), |shell| mode.dress(shell), mode.line(), case);
        mode.loosen(&mut run, case);
        census.check_all_but(holder.as_ref().map(|holder| holder.pid()), |pid, status| run.ended(pid, status));
        let said = run.said();
        let judged = mode.judge(case, &run, &said);
        (run, judged.err().map(|why| format!("{mode:?} {case:?}: {why}; said: {said:?}")))
    };
    let (clean, wrong) = attempt(None);
    assert_eq!(wrong, None);
    let mut cases = cases(mode, &clean);
    cases.retain(which);
    let total = cases.len();
    let (mut tried, mut struck, mut failures) = (0, 0, Vec::new());
    for case in cases.into_iter().step_by(stride(total, most)) {
        let (run, wrong) = attempt(Some(case));
        tried += 1;
        struck += usize::from(run.struck.is_some());
        failures.extend(wrong);
    }
    let steps: Vec<_> = mode.line().iter().map(|role| format!("{role:?} {}", clean.steps[role])).collect();
    report(&format!("{mode:?}: steps: {}; {total} cases, {tried} tried, {struck} struck", steps.join(", ")));
    drop(holder);
    census.check(|_, _| ());
    drop(tick);
    watchdog.join().expect("end the watchdog");
    assert!(failures.is_empty(), "{} of {tried} cases failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn whoever_dies_in_place_at_any_step_the_caller_learns_it() {
    sweep(Mode::InPlace);
}

#[test]
fn whoever_dies_in_isolation_at_any_step_takes_along_what_belongs_to_it() {
    sweep(Mode::Isolated);
}

#[test]
fn whoever_dies_in_a_user_namespace_at_any_step_takes_along_what_belongs_to_it() {
    sweep(Mode::MapRoot);
}

#[test]
fn whoever_dies_on_the_way_into_namespaces_leaves_nothing_in_them() {
    sweep(Mode::Enter);
}

/// The workload was there then, and waited for pidone, which waited for the end of a pipe that the workload held.
#[test]
fn a_joiner_that_is_killed_at_any_step_is_missed_at_once() {
    let is_it = |case: &Case| case.at == Role::Joiner && case.target == Role::Joiner && case.attack == Attack::Kill;
    sweep_through(Mode::Enter, usize::MAX, is_it);
}
