//! Runs in: any thread-free process. The namespaces of one process, and what ioctl_ns(2) tells of them.

use super::machine::{Machine, Seen, inode_of_link};
use super::reading::Gaps;
use crate::namespace::{self, Kind};
use crate::sys;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A namespace that a process is in, or that its children will be in.
pub(super) struct Row {
    /// As below /proc/PID/ns: `pid`, `pid_for_children`.
    pub(super) name: &'static str,
    pub(super) inode: Option<u64>,
    pub(super) same_as_caller: Option<bool>,
    /// Of PID and user namespaces. `None` also where it is beyond the caller's.
    pub(super) parent: Option<u64>,
    /// Of a user namespace, the one it was made in. `None` also where it is beyond the caller's.
    pub(super) owner_userns: Option<u64>,
    /// Who made that; of a user namespace, who made it.
    pub(super) owner_uid: Option<u32>,
    /// How many are in it, as far as that can be read.
    pub(super) processes: Option<usize>,
}

/// One for each kind, and those for children where they differ.
pub(super) fn rows(target: &Seen, machine: &Machine, gaps: &mut Gaps) -> Vec<Row> {
    let mut rows: Vec<Row> = Kind::ALL.iter().map(|kind| row(target, *kind, kind.name(), machine, gaps)).collect();
    for (kind, name) in [(Kind::Pid, "pid_for_children"), (Kind::Time, "time_for_children")] {
        let directory = format!("/proc/{}", target.pid());
        let differs = inode_of_link(&directory, name).is_some_and(|inode| target.namespace(kind) != Some(inode));
        if differs {
            rows.push(row(target, kind, name, machine, gaps));
        }
    }
    rows
}

fn row(target: &Seen, kind: Kind, name: &'static str, machine: &Machine, gaps: &mut Gaps) -> Row {
    let path = format!("/proc/{}/ns/{name}", target.pid());
    let opened = namespace::open(Path::new(&path), OFlag::empty()).map(|(_, file)| file);
    let opened = opened.map_err(|errno| gaps.note("its namespaces", &errno.into())).ok();
    let inode = match &opened {
        Some(file) => inode_of(file.as_fd()),
        None => target.namespace(kind).filter(|_| name == kind.name()),
    };
    let caller = inode_of_link("/proc/self", kind.name());
    let related = opened.as_ref().map(|file| related(kind, file.as_fd()));
    let (parent, owner_userns, owner_uid) = related.unwrap_or_default();
    Row {
        name,
        inode,
        same_as_caller: inode.zip(caller).map(|(inode, caller)| inode == caller),
        parent,
        owner_userns,
        owner_uid,
        processes: inode.map(|inode| machine.count(kind, inode)),
    }
}

/// Parent, owning user namespace, and who made that.
pub(super) fn related(kind: Kind, file: BorrowedFd<'_>) -> (Option<u64>, Option<u64>, Option<u32>) {
    let parent = parent(kind, file).and_then(|parent| inode_of(parent.as_fd()));
    let owner = sys::owning_user_namespace(file).ok();
    let maker = if kind == Kind::User { Some(file) } else { owner.as_ref().map(AsFd::as_fd) };
    let uid = maker.and_then(|namespace| sys::owner_uid(namespace).ok());
    (parent, owner.as_ref().and_then(|owner| inode_of(owner.as_fd())), uid)
}

/// The parent of a PID or user namespace; other kinds have none.
pub(super) fn parent(kind: Kind, file: BorrowedFd<'_>) -> Option<OwnedFd> {
    sys::parent_namespace(file).ok().filter(|_| matches!(kind, Kind::Pid | Kind::User))
}

pub(super) fn inode_of(file: BorrowedFd<'_>) -> Option<u64> {
    fstat(file).ok().map(|stat| stat.st_ino)
}
