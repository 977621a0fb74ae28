//! Runs in: any thread-free process. The kinds of namespaces, namespaces(7), sets of them, and their files.

use crate::files;
use crate::sys;
use nix::fcntl::OFlag;
use nix::libc::{self, c_int};
use std::ffi::OsStr;
use std::fmt;
use std::os::fd::OwnedFd;

/// A kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Mount,
    Pid,
    Uts,
    Ipc,
    Net,
    Cgroup,
    Time,
}

/// Opens a namespace's file, of whatever kind it is. Never waits, as opening a FIFO would.
///
/// # Errors
/// ENOTTY: it is no namespace's. Those of open(2).
pub(crate) fn open(path: &OsStr, flags: OFlag) -> nix::Result<(Kind, OwnedFd)> {
    let file = files::open(path, flags | OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)?;
    Ok((sys::kind_of(&file)?, file))
}

impl Kind {
    /// All of them, in the order in which messages name them.
    pub(crate) const ALL: [Kind; 8] =
        [Kind::User, Kind::Pid, Kind::Mount, Kind::Uts, Kind::Ipc, Kind::Net, Kind::Cgroup, Kind::Time];

    /// The one of this name, as it stands below /proc/PID/ns.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The one with this flag.
    pub(crate) fn of_flag(flag: c_int) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.flag() == flag)
    }

    /// Its file below /proc/PID/ns.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Mount => "mnt",
            Kind::Pid => "pid",
            Kind::Uts => "uts",
            Kind::Ipc => "ipc",
            Kind::Net => "net",
            Kind::Cgroup => "cgroup",
            Kind::Time => "time",
        }
    }

    /// For clone(2), unshare(2) and setns(2).
    pub(crate) fn flag(self) -> c_int {
        match self {
            Kind::User => libc::CLONE_NEWUSER,
            Kind::Mount => libc::CLONE_NEWNS,
            Kind::Pid => libc::CLONE_NEWPID,
            Kind::Uts => libc::CLONE_NEWUTS,
            Kind::Ipc => libc::CLONE_NEWIPC,
            Kind::Net => libc::CLONE_NEWNET,
            Kind::Cgroup => libc::CLONE_NEWCGROUP,
            // The same bit as in clone(2)'s exit signal, which is why clone cannot make one.
            Kind::Time => 0x80,
        }
    }
}

/// Some kinds of namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(c_int);

impl Kinds {
    /// None.
    pub(crate) const NONE: Self = Kinds(0);

    pub(crate) fn of(kinds: &[Kind]) -> Self {
        kinds.iter().fold(Kinds::NONE, |set, kind| set.with(*kind))
    }

    pub(crate) fn with(self, kind: Kind) -> Self {
        Kinds(self.0 | kind.flag())
    }

    pub(crate) fn without(self, kind: Kind) -> Self {
        Kinds(self.0 & !kind.flag())
    }

    pub(crate) fn and(self, others: Self) -> Self {
        Kinds(self.0 | others.0)
    }

    pub(crate) fn has(self, kind: Kind) -> bool {
        self.0 & kind.flag() != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set that a list names: `pid,mnt`.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        list.split(',').try_fold(Kinds::NONE, |set, name| Some(set.with(Kind::parse(name)?)))
    }

    /// For setns(2).
    pub(crate) fn flags(self) -> c_int {
        self.0
    }

    /// For clone(2), which cannot make time namespaces.
    pub(crate) fn clone_flags(self) -> c_int {
        self.without(Kind::Time).0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

/// `user, pid, mnt`.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for kind in self.iter() {
            write!(f, "{comma}{}", kind.name())?;
            comma = ", ";
        }
        Ok(())
    }
}
