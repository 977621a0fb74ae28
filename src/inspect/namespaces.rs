//! Runs in: any thread-free process. The namespaces of one process, and what ioctl_ns(2) tells of them.

use super::machine::{Machine, Seen, inode_of_link};
use super::reading::Gaps;
use crate::namespace::{self, Kind};
use crate::sys;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A namespace that a process is in, or that its children will be in.
pub(super) struct Row {
    /// As below /proc/PID/ns: `pid`, `pid_for_children`.
    pub(super) name: &'static str,
    pub(super) inode: Option<u64>,
    pub(super) same_as_caller: Option<bool>,
    pub(super) relations: Relations,
    /// How many are in it, as far as that can be read.
    pub(super) processes: Option<usize>,
}

/// What ioctl_ns(2) tells of a namespace.
#[derive(Clone, Copy, Default)]
pub(super) struct Relations {
    /// Of PID and user namespaces. `None` also where it is beyond the caller's.
    pub(super) parent: Option<u64>,
    /// Of a user namespace, the one it was made in. `None` also where it is beyond the caller's.
    pub(super) owner_userns: Option<u64>,
    /// Who made that; of a user namespace, who made it.
    pub(super) owner_uid: Option<u32>,
}

/// One for each kind, and those for children where they differ.
#[inline(never)]
pub(super) fn rows(target: &Seen, machine: &Machine, gaps: &mut Gaps) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in &Kind::ALL {
        rows.push(row(target, *kind, kind.name(), machine, gaps));
    }
    for (kind, name) in &[(Kind::Pid, "pid_for_children"), (Kind::Time, "time_for_children")] {
        let inode = inode_of_link(&target.pid(), name);
        if inode.is_some() && inode != target.namespace(*kind) {
            rows.push(row(target, *kind, name, machine, gaps));
        }
    }
    rows
}

#[inline(never)]
fn row(target: &Seen, kind: Kind, name: &'static str, machine: &Machine, gaps: &mut Gaps) -> Row {
    let (inode, relations) = match file(target, name) {
        Ok(file) => (inode_of(file.as_fd()), Relations::of(kind, file.as_fd())),
        Err(errno) => {
            gaps.note("its namespaces", errno);
            (target.namespace(kind).filter(|_| name == kind.name()), Relations::default())
        }
    };
    let caller = inode_of_link(&"self", kind.name());
    Row {
        name,
        inode,
        same_as_caller: inode.zip(caller).map(|(inode, caller)| inode == caller),
        relations,
        processes: inode.map(|inode| machine.in_namespace(kind, inode).count()),
    }
}

/// The file of a process's namespace.
///
/// # Errors
/// Those of open(2).
pub(super) fn file(seen: &Seen, name: &str) -> nix::Result<OwnedFd> {
    let path = format!("/proc/{}/ns/{name}", seen.pid());
    namespace::open(OsStr::new(&path), OFlag::empty()).map(|(_, file)| file)
}

impl Relations {
    #[inline(never)]
    pub(super) fn of(kind: Kind, file: BorrowedFd<'_>) -> Self {
        let parent = parent(kind, file);
        let owner = sys::owning_user_namespace(file).ok();
        let owner = owner.as_ref().map(AsFd::as_fd);
        let maker = if kind == Kind::User { Some(file) } else { owner };
        Relations {
            parent: parent.and_then(|parent| inode_of(parent.as_fd())),
            owner_userns: owner.and_then(inode_of),
            owner_uid: maker.and_then(|namespace| sys::owner_uid(namespace).ok()),
        }
    }
}

/// The parent of a PID or user namespace; other kinds have none.
pub(super) fn parent(kind: Kind, file: BorrowedFd<'_>) -> Option<OwnedFd> {
    sys::parent_namespace(file).ok().filter(|_| matches!(kind, Kind::Pid | Kind::User))
}

#[inline(never)]
pub(super) fn inode_of(file: BorrowedFd<'_>) -> Option<u64> {
    fstat(file).ok().map(|stat| stat.st_ino)
}
