//! Runs in: init, workload child (bare, and in place). What is set in new namespaces before the workload runs, and in which
//! order: ids first, for without them there is no right to anything.

use super::{furnish, mounts};
use crate::error::{Failure, Stage};
use crate::files;
use crate::handshake::Gate;
use crate::idmap::IdMaps;
use crate::namespace::{Kind, Kinds};
use crate::plan::NamespacePlan;
use crate::sys;
use nix::fcntl::OFlag;
use nix::sys::prctl;
use std::ffi::OsStr;

/// Everything between the clone and the workload, in the process that stands in the new namespaces.
///
/// # Errors
/// What could not be set, and why.
pub(super) fn set_up(plan: &NamespacePlan, gate: Option<Gate>) -> Result<(), Failure> {
    if let Some(gate) = gate {
        // Until somebody outside has written the maps, this process has no ids of its own to act under.
        gate.pass().map_err(|errno| Failure::new(Stage::AwaitIds, "gate pipe", errno))?;
    }
    if let Some(maps) = &plan.id_maps {
        become_somebody(maps)?;
    }
    set_names(plan)?;
    if plan.kinds.has(Kind::Net) {
        sys::bring_up_loopback().map_err(|errno| Failure::new(Stage::BringUpLoopback, "lo", errno))?;
    }
    if plan.kinds.has(Kind::Time) {
        make_time_namespace(&plan.clocks)?;
    }
    if plan.kinds.has(Kind::Mount) { furnish_mounts(plan) } else { Ok(()) }
}

/// The new mount namespace: first nothing may travel out of it, and then it is filled.
fn furnish_mounts(plan: &NamespacePlan) -> Result<(), Failure> {
    mounts::set_propagation(plan.propagation)?;
    if plan.furnishing.is_empty() {
        return mounts::mount_proc(plan.proc, plan.propagation);
    }
    furnish::set_up(plan.furnishing, plan.proc, plan.propagation)
}

/// Where the caller's own ids are not mapped they stand for nobody, who loses every right by exec; then it becomes root, if
/// there is one.
fn become_somebody(maps: &IdMaps) -> Result<(), Failure> {
    let failure = |object: &str| {
        let object = object.to_owned();
        move |errno| Failure::new(Stage::BecomeRootInside, object, errno)
    };
    let (user_is_lost, group_is_lost) = maps.wants_root();
    let was_dumpable = sys::is_dumpable();
    if user_is_lost || group_is_lost {
        // Ignoring the error: setgroups(2) may have been given up for the map's sake.
        let _ = sys::set_groups(&[]);
    }
    if group_is_lost {
        sys::set_gid(0).map_err(failure("gid 0"))?;
    }
    if user_is_lost {
        sys::set_uid(0).map_err(failure("uid 0"))?;
    }
    if was_dumpable && (user_is_lost || group_is_lost) {
        // A change of credentials makes undumpable, and what is below /proc/self then belongs to a root outside
        // (PR_SET_DUMPABLE, prctl(2); proc(5)). Ignoring the error: it takes no privilege.
        let _ = prctl::set_dumpable(true);
    }
    Ok(())
}

fn set_names(plan: &NamespacePlan) -> Result<(), Failure> {
    let set = |stage, name: Option<&OsStr>, call: fn(&OsStr) -> nix::Result<()>| {
        name.map_or(Ok(()), |name| call(name).map_err(|errno| Failure::new(stage, name, errno)))
    };
    set(Stage::SetHostName, plan.hostname, sys::set_host_name)?;
    set(Stage::SetDomainName, plan.domainname, sys::set_domain_name)
}

/// clone(2) has no flag for it, and its clocks cannot be set any more once somebody is in it: so it is made for the children
/// that this process is going to have.
fn make_time_namespace(clocks: &str) -> Result<(), Failure> {
    sys::unshare_time().map_err(|errno| Failure::new(Stage::MakeTimeNamespace, "time", errno))?;
    if clocks.is_empty() {
        return Ok(());
    }
    files::write(format_args!("/proc/self/timens_offsets"), clocks)
        .map_err(|errno| Failure::new(Stage::SetClocks, clocks.trim_end(), errno))
}

/// For a process that is going to be the workload itself: enters the time namespace that it has made for its children.
///
/// # Errors
/// As above.
pub(super) fn enter_time_namespace(plan: &NamespacePlan) -> Result<(), Failure> {
    if !plan.kinds.has(Kind::Time) {
        return Ok(());
    }
    let enter = || {
        let file = files::open(OsStr::new("/proc/self/ns/time_for_children"), OFlag::O_RDONLY)?;
        sys::enter(file, Kinds::of(&[Kind::Time]))
    };
    enter().map_err(|errno| Failure::new(Stage::MakeTimeNamespace, "time", errno))
}
