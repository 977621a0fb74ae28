//! Runs in: init, workload child. PID 1 itself: set up what is inside, start the workload, then forward and reap.
//!
//! - [`namespaces`]: what is set in new namespaces, in order.
//! - [`mounts`]: propagation and /proc.
//! - [`furnish`]: another root and what is mounted in it; [`root`]: paths that cannot lead out of it.
//! - [`dress`]: who the workload becomes, between clone and exec.
//! - [`workload`]: from a plan to a running process; the only exec.
//! - [`apart`]: the same in namespaces, and so in memory, of its own.
//! - [`supervise`]: the loop, and all that happens after the point of no return.
//! - [`shutdown`]: what becomes of the others when the workload is gone.
//!
//! Nothing here knows who outer is; it is reached only through a `Reporter`.

#![deny(clippy::exit)]

mod apart;
mod dress;
mod furnish;
mod mounts;
mod namespaces;
mod root;
mod shutdown;
mod supervise;
pub(crate) mod workload;

pub(crate) use self::supervise::Above;
use crate::error::{Failure, Stage};
use crate::exit::{Outcome, PIDONE_FAILED};
use crate::forward::Forwarder;
use crate::handshake::{Gate, Report, Reporter};
use crate::inherited::let_go;
use crate::job::Job;
use crate::logging::{self, Half, warn};
use crate::namespace::Kind;
use crate::others::Others;
use crate::parent::Parent;
use crate::plan::LaunchPlan;
use crate::reap;
use crate::request::{Grouping, OnExit, Orphans, Place};
use crate::sys::{self, Forked, Recipient, SignalState};
use crate::terminal::{self, Terminal};
use crate::trace::{Role, Trace};
use log::LevelFilter;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{Pid, getpid};
use std::ffi::c_int;
use std::mem::ManuallyDrop;

/// The ends of outer's pipes that belong to those inside.
pub(crate) struct Link<'a> {
    pub(crate) reporter: Reporter,
    /// Only with a user namespace.
    pub(crate) gate: Option<Gate>,
    /// Only where outer wants to keep the namespaces, once they are furnished.
    pub(crate) hold: Option<Gate>,
    /// Both halves write to it.
    pub(crate) trace: &'a Trace,
}

/// In place: this very process is init. It is PID 1 already, or becomes a child subreaper.
///
/// # Errors
/// Why the workload does not run.
#[inline(never)]
pub(crate) fn in_place(plan: &mut LaunchPlan, trace: &Trace) -> Result<Outcome, Failure> {
    let is_pid_1 = getpid() == Pid::from_raw(1);
    if !is_pid_1 {
        see_to_orphans(plan.orphans)?;
    }
    let parent = plan.parent_death.map(Parent::watch).transpose()?;
    let others = if is_pid_1 {
        reap::drain_rest(trace);
        Others::in_namespace(trace)
    } else {
        Others::descendants(trace)
    };
    if plan.rules.grouping == Grouping::Session {
        terminal::leave_to_new_session();
    }
    let mut job = Job::new(plan.rules.grouping);
    trace.spawning();
    let started = start(plan, job.terminal());
    if started.is_err() {
        // The child had become the foreground group by then.
        job.end();
    }
    let above = if is_pid_1 { Above::Nobody(job) } else { Above::Shell(job) };
    Ok(oversee(plan, started?, &others, parent, above, trace))
}

/// In place, for a program that is PID 1: forks, and returns nothing in the child, which goes on as the program; and how that
/// ended in the parent, which has been init meanwhile.
///
/// # Errors
/// Why there is no child.
pub(crate) fn supervise_caller(
    plan: &LaunchPlan,
    level: Option<LevelFilter>,
    signals: SignalState,
) -> Result<Option<Outcome>, Failure> {
    let trace = Trace::OFF;
    reap::drain_rest(&trace);
    let others = Others::in_namespace(&trace);
    let job = Job::new(plan.rules.grouping);
    let own_pid = getpid();
    let forked = sys::fork_program().map_err(|errno| Failure::new(Stage::StartProcess, "fork", errno))?;
    let Forked::Parent(program) = forked else {
        workload::become_program(plan.rules.grouping, job.terminal(), own_pid);
        return match signals.restore() {
            Ok(()) => Ok(None),
            Err(errno) => Err(Failure::new(Stage::RestoreSignals, "1 to 64", errno)),
        };
    };
    // Not before: the program may have a logger of its own to set up.
    logging::set_up(Half::Init, level);
    Ok(Some(oversee(plan, Some(program), &others, None, Above::Nobody(job), &trace)))
}

/// Isolated: this process has just become PID 1 of new namespaces. Returns its exit status.
#[inline(never)]
pub(crate) fn isolated(plan: &mut LaunchPlan, link: Link<'_>, job: Job) -> c_int {
    logging::this_is(Half::Init);
    let trace = link.trace;
    trace.this_is_init();
    // The workload's own session, if it gets one, is not init's.
    let own_group = if plan.rules.grouping == Grouping::Shared { Grouping::Shared } else { Grouping::Own };
    // Exit closes it, which tells outer soon enough.
    let reporter = ManuallyDrop::new(link.reporter);
    let started = leave_outers_group(own_group, &reporter)
        .and_then(|()| watch_outer(plan, &reporter))
        .and_then(|()| die_with_outer(plan, &reporter))
        .and_then(|()| set_up(plan, link.gate, &reporter))
        .and_then(|()| wait_for_keeper(link.hold, &reporter))
        .and_then(|()| {
            trace.spawning();
            start(plan, job.terminal())
        });
    // Outer gives the foreground back to the shell, whose process group cannot even be named from in here.
    drop(job);
    match started {
        Ok(workload) => {
            let outcome =
                oversee(plan, workload, &Others::in_namespace(trace), None, Above::Outer(&reporter), trace);
            trace.finish();
            outcome.status().into()
        }
        Err(failure) => fail(failure, &reporter),
    }
}

/// Starts the workload, if there is to be one. Where it gets namespaces that init is not in, it cannot share init's memory:
/// somebody has to map its ids meanwhile, and a time namespace is only entered with memory of one's own.
fn start(plan: &mut LaunchPlan, terminal: Option<&Terminal>) -> Result<Option<Pid>, Failure> {
    let kinds = plan.namespaces.kinds;
    let in_own_namespaces = plan.place == Place::InPlace && !kinds.is_empty();
    let grouping = plan.rules.grouping;
    let Some(workload) = &mut plan.workload else { return Ok(None) };
    if in_own_namespaces {
        apart::start(workload, grouping, terminal, Some(&plan.namespaces)).map(Some)
    } else if kinds.has(Kind::Time) {
        apart::start(workload, grouping, terminal, None).map(Some)
    } else {
        workload::start(workload, grouping, terminal).map(Some)
    }
}

/// All that follows: until the workload has ended, or a pause has, and the others have been seen off.
pub(crate) fn oversee(
    plan: &LaunchPlan,
    workload: Option<Pid>,
    others: &Others<'_>,
    parent: Option<Parent>,
    mut above: Above<'_>,
    trace: &Trace,
) -> Outcome {
    let_go(&[above.own_fd(), trace.own_fd()]);
    let (mut forwarder, outcome);
    match workload {
        Some(workload) => {
            trace.spawned(workload, Role::Workload);
            let recipient =
                if plan.rules.group { Recipient::Group(workload) } else { Recipient::Process(workload) };
            forwarder = Forwarder::new(recipient, Some(others), "the workload", &plan.rules, parent, trace);
            outcome = supervise::until_the_end(workload, plan, &mut forwarder, &mut above);
        }
        None => {
            forwarder = Forwarder::to_nobody(&plan.rules, parent, trace);
            outcome = supervise::pause(&mut forwarder, &above);
        }
    }
    above.take_back(outcome, others.end_with_init() && plan.on_exit == OnExit::Kill);
    shutdown::see_off(plan.on_exit, plan.rules.stop.timeout, others, &mut forwarder, &mut above);
    outcome
}

/// Where init is not PID 1: orphans among the workload's descendants come to a subreaper, instead of going to the
/// namespace's PID 1.
fn see_to_orphans(orphans: Orphans) -> Result<(), Failure> {
    match orphans {
        Orphans::Adopt => prctl::set_child_subreaper(true)
            .map_err(|errno| Failure::new(Stage::BecomeSubreaper, "PR_SET_CHILD_SUBREAPER", errno)),
        // The program that became this one by exec may have registered.
        Orphans::LeaveAndWarn if prctl::get_child_subreaper() != Ok(true) => {
            warn!(
                "this is neither PID 1 nor a child subreaper: orphans go elsewhere, so zombie reaping won't work; \
                 use -s, or set TINI_SUBREAPER"
            );
            Ok(())
        }
        Orphans::Leave | Orphans::LeaveAndWarn => Ok(()),
    }
}

/// Bare: this process has just become PID 1 of new namespaces, and is to be the workload. Returns only on failure.
pub(crate) fn bare(plan: &mut LaunchPlan, link: Link<'_>, job: Job) -> c_int {
    let ready = leave_outers_group(plan.rules.grouping, &link.reporter)
        .and_then(|()| die_with_outer(plan, &link.reporter))
        .and_then(|()| set_up(plan, link.gate, &link.reporter))
        .and_then(|()| namespaces::enter_time_namespace(&plan.namespaces))
        .and_then(|()| wait_for_keeper(link.hold, &link.reporter));
    let failure = match (ready, &mut plan.workload) {
        (Ok(()), Some(workload)) => {
            let tie = plan.die_with_parent.then_some(&link.reporter);
            workload::become_it(workload, job.terminal(), tie).failure(workload)
        }
        // The plan refuses a pause here.
        (Ok(()), None) => Failure::new(Stage::StartProcess, "--pause", Errno::EINVAL),
        (Err(failure), _) => failure,
    };
    fail(failure, &link.reporter)
}

/// Lets outer keep the namespaces as files, before the workload can end in them.
fn wait_for_keeper(hold: Option<Gate>, reporter: &Reporter) -> Result<(), Failure> {
    let Some(hold) = hold else { return Ok(()) };
    tell(reporter, &Report::Furnished)?;
    hold.pass().map_err(|errno| Failure::new(Stage::AwaitIds, "keeper's pipe", errno))
}

/// From here on a signal for outer's process group (`kill %1`) reaches outer only, which forwards it, and waits with
/// that for this report.
fn leave_outers_group(grouping: Grouping, reporter: &Reporter) -> Result<(), Failure> {
    let left = workload::leave_group(grouping);
    left.map_err(|errno| Failure::new(Stage::MakeSession, "setsid", errno))?;
    tell(reporter, &Report::Apart)
}

/// What outer waits for.
fn tell(reporter: &Reporter, report: &Report) -> Result<(), Failure> {
    reporter.send(report).map_err(|errno| Failure::new(Stage::TellOuter, "report pipe", errno))
}

fn fail(failure: Failure, reporter: &Reporter) -> c_int {
    // Nobody looks at the status: outer has the report, and its own for that.
    reporter.fail(failure);
    PIDONE_FAILED.into()
}

/// See `workload::tie_to_outer`; unless it is not wanted.
///
/// # Errors
/// Of prctl(2).
pub(crate) fn die_with_outer(plan: &LaunchPlan, reporter: &Reporter) -> Result<(), Failure> {
    if !plan.die_with_parent {
        return Ok(());
    }
    let tied = workload::tie_to_outer(reporter);
    tied.map_err(|errno| Failure::new(Stage::TieToOuter, "PR_SET_PDEATHSIG", errno))
}

/// The furnishing of new namespaces; and the tie to outer once more where ids may have changed meanwhile.
fn set_up(plan: &LaunchPlan, gate: Option<Gate>, reporter: &Reporter) -> Result<(), Failure> {
    namespaces::set_up(&plan.namespaces, gate)?;
    if plan.namespaces.id_maps.is_some() { die_with_outer(plan, reporter) } else { Ok(()) }
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
