//! Runs in: init, workload child (bare). The new mount namespace: propagation first, then /proc, where the root stays.

use crate::error::{Failure, Stage};
use crate::request::{ProcMount, Propagation};
use crate::sys::retry_interrupted;
use nix::Result as SysResult;
use nix::mount::{MsFlags, mount};
use std::ffi::CStr;

/// What proc(5) is mounted with everywhere: it holds no programs, no devices.
const PROC_FLAGS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// No argument. (nix would copy anything but a `CStr` to a page of stack first.)
const NONE: Option<&CStr> = None;

/// Mounts what is to stand at /proc. It cannot be seen in the caller's mount namespace.
///
/// # Errors
/// EPERM, EACCES: not allowed, or /proc is masked. ENOENT: no `/proc`.
pub(super) fn mount_proc(proc: ProcMount, propagation: Propagation) -> Result<(), Failure> {
    match proc {
        ProcMount::None => return Ok(()),
        ProcMount::Fresh | ProcMount::Bind => confine_proc(propagation)?,
    }
    if proc == ProcMount::Fresh {
        fresh_proc().map_err(|errno| Failure::new(Stage::MountProc, "/proc", errno))
    } else {
        bind_proc().map_err(|errno| Failure::new(Stage::BindProc, "/proc", errno))
    }
}

/// The new namespace starts as a copy in which shared mounts are still peers of the caller's (mount_namespaces(7)):
/// before anything is mounted the whole tree is cut off (B48).
///
/// # Errors
/// EPERM, EACCES: not allowed. EINVAL: `/` is no mount point (a chroot).
pub(super) fn set_propagation(propagation: Propagation) -> Result<(), Failure> {
    let (flag, name) = match propagation {
        Propagation::Private => (MsFlags::MS_PRIVATE, "private"),
        Propagation::Slave => (MsFlags::MS_SLAVE, "slave"),
        Propagation::Shared => (MsFlags::MS_SHARED, "shared"),
        Propagation::Unchanged => return Ok(()),
    };
    change(flag | MsFlags::MS_REC, c"/")
        .map_err(|errno| Failure::new(Stage::SetPropagation, format!("/ ({name})"), errno))
}

/// A mount appears with the peers of the mount it stands *on*: for a mount at /proc that is the old /proc, which is
/// therefore made private where the rest stays shared.
fn confine_proc(propagation: Propagation) -> Result<(), Failure> {
    match propagation {
        Propagation::Private | Propagation::Slave => Ok(()),
        Propagation::Shared | Propagation::Unchanged => change(MsFlags::MS_PRIVATE | MsFlags::MS_REC, c"/proc")
            .map_err(|errno| Failure::new(Stage::ConfineProc, "/proc", errno)),
    }
}

fn change(propagation: MsFlags, target: &CStr) -> SysResult<()> {
    retry_interrupted(|| mount(NONE, target, NONE, propagation, NONE))
}

fn fresh_proc() -> SysResult<()> {
    retry_interrupted(|| mount(Some(c"proc"), c"/proc", Some(c"proc"), PROC_FLAGS, NONE))
}

/// Recursive, so that what masks parts of it (in containers) goes on masking them.
fn bind_proc() -> SysResult<()> {
    retry_interrupted(|| mount(Some(c"/proc"), c"/proc", NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE))
}
