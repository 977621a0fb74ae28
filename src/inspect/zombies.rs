//! Runs in: any thread-free process. Zombies and orphans in the PID namespace of the process in question.

use super::machine::{Machine, Seen};
use super::who::age;
use crate::procfs;
use std::time::Duration;

/// Who does not wait(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A live parent, which is not the init: nobody else can reap it.
    Parent,
    /// The init, whose child it is, or has become.
    Init,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Fault::Parent => "parent",
            Fault::Init => "init",
        }
    }
}

/// A process that has ended and was not reaped.
pub(super) struct Zombie {
    pub(super) pid: i32,
    pub(super) comm: Vec<u8>,
    /// 0: outside.
    pub(super) ppid: i32,
    pub(super) parent_comm: Vec<u8>,
    pub(super) fault: Fault,
    /// Seconds since it started; when it ended, nothing tells.
    pub(super) age: u64,
}

/// A process that lives on without the parent that made it.
pub(super) struct Orphan {
    pub(super) pid: i32,
    pub(super) comm: Vec<u8>,
    pub(super) ppid: i32,
    pub(super) parent_comm: Vec<u8>,
    pub(super) age: u64,
}

/// How long every process is a zombie that is reaped soon enough.
const MOMENT: Duration = Duration::from_millis(30);

/// All zombies in the target's PID namespace, but for those that were on the point of being reaped.
pub(super) fn zombies(target: &Seen, machine: &Machine) -> Vec<Zombie> {
    let mut dead: Vec<&Seen> = members(target, machine).filter(|seen| seen.process.is_dead).collect();
    if !dead.is_empty() {
        std::thread::sleep(MOMENT);
        dead.retain(|seen| procfs::started(seen.process.pid) == Some(seen.process.started));
    }
    let zombie = |seen: &Seen| {
        let parent = machine.parent(seen);
        // A parent in another PID namespace has put it in by setns(2), and is to reap it: the init in here cannot.
        let is_inits = parent.is_some_and(|parent| parent.is_init() && machine.share_pid_namespace(parent, seen));
        Zombie {
            pid: seen.pid(),
            comm: seen.process.name.clone(),
            ppid: seen.process.parent.as_raw(),
            parent_comm: parent.map(|parent| parent.process.name.clone()).unwrap_or_default(),
            fault: if is_inits { Fault::Init } else { Fault::Parent },
            age: age(seen.process.started),
        }
    };
    dead.into_iter().map(zombie).collect()
}

/// The orphans in the target's PID namespace that can be told from children: see `Machine::is_adopted`.
pub(super) fn orphans(target: &Seen, machine: &Machine) -> Vec<Orphan> {
    let adopted = members(target, machine).filter(|seen| !seen.process.is_dead && machine.is_adopted(seen));
    let orphan = |seen: &Seen| Orphan {
        pid: seen.pid(),
        comm: seen.process.name.clone(),
        ppid: seen.process.parent.as_raw(),
        parent_comm: machine.parent(seen).map(|parent| parent.process.name.clone()).unwrap_or_default(),
        age: age(seen.process.started),
    };
    adopted.map(orphan).collect()
}

/// Everybody in the target's PID namespace.
pub(super) fn members<'a>(target: &'a Seen, machine: &'a Machine) -> impl Iterator<Item = &'a Seen> {
    machine.all.iter().filter(|seen| machine.share_pid_namespace(seen, target))
}
