//! Runs in: init, workload child. PID 1 itself: set up what is inside, start the workload, then forward and reap.
//!
//! - [`mounts`]: propagation and /proc.
//! - [`workload`]: from a plan to a running process; the only exec.
//! - [`supervise`]: the loop, and all that happens after the point of no return.
//!
//! Nothing here knows who outer is; it is reached only through a `Reporter`.

#![deny(clippy::exit)]

mod mounts;
mod supervise;
mod workload;

use self::supervise::Above;
use crate::error::{Failure, Stage};
use crate::exit::{self, Outcome, PIDONE_FAILED};
use crate::forward::Rules;
use crate::handshake::{Gate, Report, Reporter};
use crate::job::Job;
use crate::logging::{self, Half};
use crate::plan::LaunchPlan;
use crate::reap;
use crate::sys::exit_now;
use nix::sys::prctl;
use nix::sys::signal::Signal as StandardSignal;
use nix::unistd::{Pid, getpid};
use std::ffi::c_int;

/// The ends of outer's pipes that belong to those inside.
pub(crate) struct Link {
    pub(crate) reporter: Reporter,
    /// Only with a user namespace.
    pub(crate) gate: Option<Gate>,
}

/// In place: this very process is init. It is PID 1 already, or becomes a child subreaper.
///
/// # Errors
/// Why the workload does not run.
pub(crate) fn in_place(mut plan: LaunchPlan) -> Result<Outcome, Failure> {
    let is_pid_1 = getpid() == Pid::from_raw(1);
    if !is_pid_1 {
        // Orphans among the workload's descendants come to us instead of going to the namespace's PID 1.
        let registered = prctl::set_child_subreaper(true);
        registered.map_err(|errno| Failure::new(Stage::BecomeSubreaper, "PR_SET_CHILD_SUBREAPER", errno))?;
    }
    reap::clear_inherited();
    let mut job = Job::new();
    let ended = workload::start(&mut plan.workload, plan.rules, job.terminal()).map(|workload| {
        let above = if is_pid_1 { Above::Nobody(&job) } else { Above::Shell(&mut job) };
        supervise::until_the_end(workload, plan.rules, above)
    });
    // Also when exec failed: the child had become the foreground group by then.
    job.end();
    ended
}

/// Isolated: this process has just become PID 1 of new namespaces. Returns its exit status.
pub(crate) fn isolated(mut plan: LaunchPlan, link: Link, job: Job) -> c_int {
    logging::this_is(Half::Init);
    leave_outers_group(plan.rules, &link.reporter);
    let reporter = link.reporter;
    let started = watch_outer(&plan, &reporter)
        .and_then(|()| furnish(&plan, &reporter, link.gate))
        .and_then(|()| workload::start(&mut plan.workload, plan.rules, job.terminal()));
    // Outer gives the foreground back to the shell, whose process group cannot even be named from in here.
    drop(job);
    match started {
        Ok(workload) => {
            let outcome = supervise::until_the_end(workload, plan.rules, Above::Outer(&reporter));
            reporter.send(&Report::Ended(outcome));
            outcome.status().into()
        }
        Err(failure) => fail(failure, &reporter),
    }
}

/// Bare: this process has just become PID 1 of new namespaces, and is to be the workload. Returns only on failure.
pub(crate) fn bare(mut plan: LaunchPlan, link: Link, job: Job) -> c_int {
    leave_outers_group(plan.rules, &link.reporter);
    let failure = match furnish(&plan, &link.reporter, link.gate) {
        Ok(()) => workload::become_it(&mut plan.workload, job.terminal()).failure(&plan.workload),
        Err(failure) => failure,
    };
    fail(failure, &link.reporter)
}

/// From here on a signal for outer's process group (`kill %1`) reaches outer only, which forwards it, and waits with
/// that for this report.
fn leave_outers_group(rules: Rules, reporter: &Reporter) {
    workload::leave_group(rules);
    reporter.send(&Report::Apart);
}

fn fail(failure: Failure, reporter: &Reporter) -> c_int {
    let status = exit::status_of(&failure);
    reporter.send(&Report::Failed(failure));
    status.into()
}

/// Everything between the clone and the workload that init and a bare workload have in common.
fn furnish(plan: &LaunchPlan, reporter: &Reporter, gate: Option<Gate>) -> Result<(), Failure> {
    if plan.die_with_parent {
        die_with_outer(reporter)?;
    }
    if let Some(gate) = gate {
        // Until outer has written the maps, this process has no ids of its own to act under.
        gate.pass().map_err(|errno| Failure::new(Stage::AwaitIds, "gate pipe", errno))?;
    }
    mounts::set_up(plan.namespaces)
}

/// Arranges for SIGKILL at outer's death, and looks whether it is already too late for that: getppid(2) cannot tell,
/// it is 0 in a new PID namespace from the start (B42).
fn die_with_outer(reporter: &Reporter) -> Result<(), Failure> {
    let set = prctl::set_pdeathsig(StandardSignal::SIGKILL);
    set.map_err(|errno| Failure::new(Stage::TieToOuter, "PR_SET_PDEATHSIG", errno))?;
    if !reporter.outer_lives() {
        exit_now(PIDONE_FAILED.into());
    }
    Ok(())
}

/// A second way to notice outer's death, for an init that lives long: PR_SET_PDEATHSIG is cleared by changes of
/// credentials and fires for the thread that made us, not for the process (prctl(2); B43). Comes before the look
/// whether outer still lives, so that no instant is left uncovered.
fn watch_outer(plan: &LaunchPlan, reporter: &Reporter) -> Result<(), Failure> {
    if !plan.die_with_parent {
        return Ok(());
    }
    reporter.watch().map_err(|errno| Failure::new(Stage::TieToOuter, "report pipe", errno))
}
