//! Runs in: init in place, joiner, workload child. `pidone enter`: a command in namespaces that are there.
//!
//! ```text
//! pidone ─┬─ joiner      enters the namespaces, makes the workload beside itself (CLONE_PARENT), and ends
//!         └─ workload    in all of them; pidone is its parent, reaps it at once, and never went in
//! ```
//!
//! - [`target`]: opens everything, before anything is entered.

mod target;

use self::target::{Joining, Opened};
use crate::account::Accounts;
use crate::capability::{SYS_ADMIN, is_effective};
use crate::error::{Failure, Stage};
use crate::exit::Outcome;
use crate::handshake::{self, Gate, Report, Reporter};
use crate::init::{self, Above, workload};
use crate::job::Job;
use crate::namespace::{Kind, Kinds};
use crate::order::sort_by_number;
use crate::others::Others;
use crate::parent::Parent;
use crate::plan::{LaunchPlan, Workload};
use crate::request::{Grouping, RunRequest, Target};
use crate::signal::Signal;
use crate::sys::{self, Forked, Recipient, SignalState, exit_now};
use crate::terminal::{self, Terminal};
use crate::trace::Trace;
use nix::errno::Errno;
use nix::unistd::{Pid, chroot, fchdir, getpgid, getuid};
use std::ffi::{OsStr, OsString, c_int};
use std::os::unix::ffi::OsStrExt;

/// What the processes on the way in need to know.
struct Entry<'a> {
    joining: &'a Joining,
    request: &'a RunRequest,
    plan: &'a LaunchPlan<'a>,
    signals: SignalState,
    terminal: Option<&'a Terminal>,
}

/// Runs a command in the namespaces of `target`, by a plan for that, and returns how it ended.
///
/// # Errors
/// Why it did not run.
pub(crate) fn run(
    target: &Target,
    plan: &LaunchPlan<'_>,
    request: &RunRequest,
    signals: SignalState,
    trace: &Trace,
) -> Result<Outcome, Failure> {
    let parent = plan.parent_death.map(Parent::watch).transpose()?;
    let joining = Joining::open(target, request.enter.only);
    trace.started(&request.command, "enter", joining.as_ref().map_or(Kinds::NONE, Joining::kinds));
    let joining = joining?;
    joining.tell(request.enter.only);
    if plan.rules.grouping == Grouping::Session {
        terminal::leave_to_new_session();
    }
    // Before there is a workload, which could have ended by now.
    let others = Others::descendants(trace);
    let mut job = Job::new(plan.rules.grouping);
    trace.spawning();
    let started = start(Entry { joining: &joining, request, plan, signals, terminal: job.terminal() });
    if started.is_err() {
        job.end();
    }
    // Or the namespaces' files would keep them for as long as the command runs.
    drop(joining);
    Ok(init::oversee(plan, Some(started?), &others, parent, Above::Shell(job), trace))
}

/// Returns once exec has succeeded or failed, with the workload's pid.
fn start(entry: Entry<'_>) -> Result<Pid, Failure> {
    let (listener, reporter) = handshake::pipe()?;
    let (gate, gate_keeper) = handshake::gate()?;
    let forked = sys::clone_process(Kinds::NONE.clone_flags())
        .map_err(|errno| Failure::new(Stage::StartProcess, "enter", errno))?;
    let joiner = match forked {
        Forked::Parent(joiner) => joiner,
        Forked::Child => {
            drop((listener, gate_keeper));
            exit_now(join(entry, &reporter, gate));
        }
    };
    drop((reporter, gate));
    // Not until the pipe's end: where somebody has killed the joiner, the workload may be there, hold the pipe, and wait for us.
    sys::wait_for(joiner);
    // Where a filter forbids wait4(2) it is still there, and heard.
    let is_there = || getpgid(Some(joiner)).is_ok().then(|| listener.next()).flatten();
    let workload = match listener.next_if_there(&mut 1).or_else(is_there) {
        Some(Report::Joined(pid)) => pid,
        Some(Report::Failed(failure)) => return Err(failure),
        _ => return Err(Failure::new(Stage::StartProcess, "enter", Errno::ECANCELED)),
    };
    gate_keeper.open();
    // Exec closes the pipe without a word.
    match listener.next() {
        Some(Report::Failed(failure)) => {
            sys::wait_for(workload);
            Err(failure)
        }
        None if listener.is_at_end() => Ok(workload),
        _ => {
            // Ignoring the error: it is our child.
            let _ = sys::send(Recipient::Process(workload), Signal::KILL);
            sys::wait_for(workload);
            Err(Failure::new(Stage::StartProcess, "enter", Errno::ECANCELED))
        }
    }
}

/// The joiner: goes in, and makes the workload, which alone can be in a PID namespace.
fn join(entry: Entry<'_>, reporter: &Reporter, gate: Gate) -> c_int {
    let forked = enter_all(entry.joining).and_then(|()| {
        sys::clone_sibling().map_err(|errno| {
            let stage = if entry.joining.kinds().has(Kind::Pid) { Stage::StartInside } else { Stage::StartProcess };
            Failure::new(stage, "enter", errno)
        })
    });
    match forked {
        Ok(Forked::Parent(workload)) => {
            if reporter.send(&Report::Joined(workload)).is_err() {
                // It waits for the answer, and has the pipe, at whose end outer hears of that. Ignoring the error: it is ours.
                let _ = sys::send(Recipient::Process(workload), Signal::KILL);
            }
        }
        Ok(Forked::Child) => {
            let failure = become_workload(entry, reporter, gate);
            reporter.fail(failure);
        }
        Err(failure) => reporter.fail(failure),
    }
    workload::UNSEEN
}

/// All at once by the descriptor of a process (Linux 5.8): the kernel then minds the order. One by one where that is not to be
/// had, or does not work, which also tells where.
fn enter_all(joining: &Joining) -> Result<(), Failure> {
    let kinds = joining.kinds();
    if let Some(process) = joining.process.as_ref().filter(|_| !kinds.is_empty())
        && sys::enter(process, kinds).is_ok()
    {
        return Ok(());
    }
    // Who has rights out here uses them first, for he may have fewer in the user namespace; who has none gets his there. The
    // one of mounts comes as late as can be, for it changes what paths mean.
    let user_first = !is_effective(SYS_ADMIN);
    let rank = |kind: Kind| match kind {
        Kind::User if user_first => 0,
        Kind::User => 3,
        Kind::Mount => 2,
        _ => 1,
    };
    let mut ordered: Vec<_> = joining.namespaces.iter().collect();
    sort_by_number(&mut ordered, |opened| rank(opened.kind));
    for Opened { kind, path, file } in ordered {
        sys::enter(file, Kinds::of(&[*kind])).map_err(|errno| Failure::new(Stage::EnterNamespace, path, errno))?;
    }
    Ok(())
}

/// The workload's process, inside. Comes back only with the reason why it is not the workload.
fn become_workload(entry: Entry<'_>, reporter: &Reporter, gate: Gate) -> Failure {
    let Entry { joining, request, plan, signals, terminal } = entry;
    let went_in = workload::leave_group(plan.rules.grouping)
        .map_err(|errno| Failure::new(Stage::MakeSession, "setsid", errno))
        .and_then(|()| gate.pass().map_err(|errno| Failure::new(Stage::AwaitIds, "gate pipe", errno)))
        .and_then(|()| init::die_with_outer(plan, reporter))
        .and_then(|()| enter_root(joining, request.identity.workdir.as_deref()));
    if let Err(failure) = went_in {
        return failure;
    }
    if joining.kinds().has(Kind::User) {
        // Ignoring errors: these ids need not be mapped, and then one stays who one is.
        let _ = sys::set_groups(&[]);
        let _ = sys::set_gid(0);
        let _ = sys::set_uid(0);
    }
    let shell;
    let command = if request.command.is_empty() {
        shell = [login_shell(request.identity.user.as_deref())];
        &shell[..]
    } else {
        &request.command
    };
    let tie = plan.die_with_parent.then_some(reporter);
    match Workload::new(request, command, None, signals) {
        Ok(mut command) => workload::become_it(&mut command, terminal, tie).failure(&command),
        Err(error) => Failure::new(Stage::LookUpInside, &error.message, Errno::ENOENT),
    }
}

/// What `/` and `.` are for the target; the namespace alone would give its own root. Where there is to be another working
/// directory, this one may be closed to us; only a relative one begins in it.
fn enter_root(joining: &Joining, workdir: Option<&OsStr>) -> Result<(), Failure> {
    if let Some(Opened { path, file, .. }) = &joining.root {
        let entered = fchdir(file).and_then(|()| chroot("."));
        entered.map_err(|errno| Failure::new(Stage::EnterRoot, path, errno))?;
    }
    if let Some(Opened { path, file, .. }) = &joining.directory
        && workdir.is_none_or(|workdir| !workdir.as_bytes().starts_with(b"/"))
    {
        fchdir(file).map_err(|errno| Failure::new(Stage::ChangeDirectory, path, errno))?;
    }
    Ok(())
}

/// The shell that passwd(5) gives a user inside, or else `/bin/sh`.
fn login_shell(user: Option<&str>) -> OsString {
    let user = user.map_or_else(|| getuid().to_string(), ToOwned::to_owned);
    let entry = Accounts { root: None }.user(&user).ok().and_then(|user| user.entry);
    entry.map(|entry| entry.shell).filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into())
}
