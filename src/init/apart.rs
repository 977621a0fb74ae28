//! Runs in: init, workload child. Starts a workload that cannot share init's memory until exec, because it gets namespaces of
//! its own; the reason for a failure comes over a pipe, as it comes to outer.

use super::{namespaces, workload};
use crate::error::{Failure, Stage};
use crate::handshake::{self, Gate, Report};
use crate::idmap;
use crate::logging::debug;
use crate::namespace::Kinds;
use crate::plan::{NamespacePlan, Workload};
use crate::request::Grouping;
use crate::sys::{self, Forked, exit_now};
use crate::terminal::Terminal;
use nix::unistd::Pid;

/// Starts the workload, in the namespaces of `own` if given, and returns once exec has succeeded or failed.
///
/// # Errors
/// As `workload::start`; or the namespaces could not be made, or not be furnished.
pub(super) fn start(
    workload: &mut Workload,
    grouping: Grouping,
    terminal: Option<&Terminal>,
    own: Option<&NamespacePlan>,
) -> Result<Pid, Failure> {
    let kinds = own.map_or(Kinds::NONE, |own| own.kinds);
    let maps = own.and_then(|own| own.id_maps.as_ref());
    let (listener, reporter) = handshake::pipe()?;
    let (gate, gate_keeper) = handshake::gate_if(maps.is_some())?;
    // Each side drops, and so closes, what belongs to the other.
    let forked = sys::clone_process(kinds.clone_flags())
        .map_err(|errno| Failure::new(Stage::CloneNamespaces, kinds.to_string(), errno))?;
    let pid = match forked {
        Forked::Parent(pid) => pid,
        Forked::Child => {
            drop((listener, gate_keeper));
            let failure = become_workload(workload, grouping, terminal, own, gate);
            reporter.fail(failure);
            exit_now(workload::UNSEEN);
        }
    };
    drop((reporter, gate));
    let mapped = maps.map_or(Ok(()), |maps| idmap::write(pid, maps));
    // Shut and not opened when the maps failed: the child then ends by itself, and is reaped below.
    if let (Ok(()), Some(gate_keeper)) = (&mapped, gate_keeper) {
        gate_keeper.open();
    }
    // Exec closes the pipe without a word.
    let reported = match listener.next() {
        Some(Report::Failed(failure)) => Err(failure),
        _ => Ok(pid),
    };
    let started = mapped.and(reported);
    match &started {
        Ok(pid) => debug!("started {} as pid {pid}", workload.command.display()),
        Err(_) => drop(sys::wait_for(pid)),
    }
    started
}

/// What the child does; comes back only with the reason why it is not the workload.
fn become_workload(
    workload: &mut Workload,
    grouping: Grouping,
    terminal: Option<&Terminal>,
    own: Option<&NamespacePlan>,
    gate: Option<Gate>,
) -> Failure {
    let furnished = workload::leave_group(grouping)
        .map_err(|errno| Failure::new(Stage::MakeSession, "setsid", errno))
        .and_then(|()| own.map_or(Ok(()), |own| namespaces::set_up(own, gate)))
        .and_then(|()| own.map_or(Ok(()), namespaces::enter_time_namespace));
    match furnished {
        Ok(()) => workload::become_it(workload, terminal, None).failure(workload),
        Err(failure) => failure,
    }
}
