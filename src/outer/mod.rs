//! Runs in: outer. The process the user started, outside: clone, map ids, supervise, mirror the end.
//!
//! - [`supervise`]: the loop.
//! - [`teardown`]: an init that does not come to its end.
//! - [`mirror`]: ends the way the workload did.

mod mirror;
mod supervise;
mod teardown;

use crate::error::{Failure, Stage};
use crate::exit::Outcome;
use crate::handshake::{self, Report};
use crate::idmap;
use crate::init::{self, Link};
use crate::job::Job;
use crate::keep::Keeper;
use crate::logging::warn;
use crate::parent::Parent;
use crate::plan::LaunchPlan;
use crate::reap::{self, MainChild};
use crate::request::{Grouping, Place};
use crate::signal::Signal;
use crate::sys::{self, Forked, exit_now};
use crate::terminal;
use crate::trace::{Role, Trace};
use nix::errno::Errno;

pub(crate) use mirror::end_like;
use supervise::Inside;

/// Runs the workload in new namespaces, isolated or bare, and returns how it ended.
///
/// # Errors
/// Why it did not run, be it here or inside.
#[inline(never)]
pub(crate) fn run(plan: &mut LaunchPlan<'_>, trace: &Trace) -> Result<Outcome, Failure> {
    reap::drain_rest(trace);
    let parent = plan.parent_death.map(Parent::watch).transpose()?;
    let (place, kinds) = (plan.place, plan.namespaces.kinds);
    let maps = plan.namespaces.id_maps.as_ref();
    let mut keeper = plan.namespaces.persist.map(Keeper::new).transpose()?;
    let (listener, reporter) = handshake::pipe()?;
    let (gate, gate_keeper) = handshake::gate_if(maps.is_some())?;
    let (hold, hold_keeper) = handshake::gate_if(keeper.is_some())?;
    if plan.rules.grouping == Grouping::Session {
        terminal::leave_to_new_session();
    }
    let job = Job::new(plan.rules.grouping);
    trace.spawning();
    // Each side drops, and so closes, what belongs to the other.
    let forked = sys::clone_process(kinds.clone_flags())
        .map_err(|errno| Failure::new(Stage::CloneNamespaces, kinds.to_string(), errno))?;
    let child = match forked {
        Forked::Parent(child) => child,
        Forked::Child => {
            drop((listener, gate_keeper, hold_keeper));
            // What outer began to keep is outer's.
            std::mem::forget(keeper);
            let inside = if place == Place::Bare { init::bare } else { init::isolated };
            exit_now(inside(plan, Link { reporter, gate, hold, trace }, job));
        }
    };
    drop((reporter, gate, hold));
    trace.spawned(child, if place == Place::Bare { Role::Workload } else { Role::Init });
    let mapped = maps.map_or(Ok(()), |maps| idmap::write(child, maps));
    // Shut and not opened when the maps failed: the child then ends by itself, and is reaped below.
    if let (Ok(()), Some(gate_keeper)) = (&mapped, gate_keeper) {
        gate_keeper.open();
    }
    // Nothing is forwarded before the child has left our process group, or a signal for the group would reach it twice.
    let mut said = listener.next().filter(|report| *report != Report::Apart);
    let mut kept = Ok(());
    if let (None, Some(keeper), Some(hold_keeper)) = (&said, &mut keeper, hold_keeper) {
        said = listener.next().filter(|report| *report != Report::Furnished);
        if said.is_none() {
            kept = keeper.keep(child, kinds);
        }
        if kept.is_ok() {
            hold_keeper.open();
        }
    }
    let mut inside = Inside { child, place, listener: &listener, last_word: said, trace };
    let end = inside.until_the_end(job, &plan.rules, parent);
    let ended = match mapped.and(kept) {
        // A child that failed or was killed meanwhile is why there was nothing to map, and the better story; unless it failed
        // because the gate was shut.
        Err(failure) if !matches!(end, MainChild::Ended(Outcome::Killed(_))) && !has_failed(&inside.last_word) => {
            Err(failure)
        }
        _ => read_report(end, inside.last_word, place),
    };
    if let (Ok(_), Some(keeper)) = (&ended, keeper) {
        keeper.leave();
    }
    ended
}

/// Whether the child has a reason of its own not to run.
fn has_failed(last_word: &Option<Report>) -> bool {
    matches!(last_word, Some(Report::Failed(failure)) if failure.errno != Errno::ECANCELED)
}

/// What became of the workload, from init's report if there is one and from its end if not.
fn read_report(child: MainChild, report: Option<Report>, place: Place) -> Result<Outcome, Failure> {
    match (report, child) {
        (Some(Report::Failed(failure)), _) => Err(failure),
        // It stayed on for others, which somebody has ended with it: the workload's own end is not the whole story.
        (Some(Report::Ended(_)), MainChild::Ended(killed @ Outcome::Killed(_))) => {
            explain_silence(killed, place);
            Ok(killed)
        }
        (Some(Report::Ended(outcome)), _) => Ok(outcome),
        (_, MainChild::Ended(outcome)) => {
            explain_silence(outcome, place);
            Ok(outcome)
        }
        (_, MainChild::Running | MainChild::Stopped(_) | MainChild::Lost) => {
            warn!("init is gone, and its end was never reported");
            Ok(Outcome::Exited(crate::exit::PIDONE_FAILED))
        }
    }
}

/// A bare workload never reports its end. An init does by its own, if not by a report; unless it was killed. Neither can die of
/// SIGHUP or SIGINT but by reboot(2), which the kernel turns into these two for the init of a PID namespace (pid_namespaces(7)).
fn explain_silence(outcome: Outcome, place: Place) {
    match outcome {
        Outcome::Killed(Signal::HUP) => warn!("rebooted: reboot(2) was called in the PID namespace"),
        Outcome::Killed(Signal::INT) => warn!("halted: reboot(2) was called in the PID namespace"),
        Outcome::Killed(signal) if place == Place::Isolated => {
            warn!("init was killed by {signal}, and everything inside with it");
        }
        Outcome::Exited(_) if place == Place::Isolated && !outcome.is_said_by_exit() => {
            warn!("init {outcome}, and did not say why");
        }
        Outcome::Killed(_) | Outcome::Exited(_) => {}
    }
}
