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

/// A process that has ended and was not reaped, or one that lives on without the parent that made it.
pub(super) struct Forlorn {
    pub(super) pid: i32,
    pub(super) comm: Vec<u8>,
    /// 0: outside.
    pub(super) ppid: i32,
    pub(super) parent_comm: Vec<u8>,
    /// Whose it is that it was not reaped.
    pub(super) fault: Fault,
    /// Seconds since it started; when it ended, nothing tells.
    pub(super) age: u64,
}

impl Forlorn {
    fn of(seen: &Seen, machine: &Machine) -> Self {
        let parent = machine.parent(seen);
        // A parent in another PID namespace has put it in by setns(2), and is to reap it: the init in here cannot.
        let is_inits = parent.is_some_and(|parent| parent.is_init() && machine.share_pid_namespace(parent, seen));
        Forlorn {
            pid: seen.pid(),
            comm: seen.process.name.clone(),
            ppid: seen.process.parent.as_raw(),
            parent_comm: parent.map(|parent| parent.process.name.clone()).unwrap_or_default(),
            fault: if is_inits { Fault::Init } else { Fault::Parent },
            age: age(seen.process.started),
        }
    }
}

/// How long every process is a zombie that is reaped soon enough.
const MOMENT: Duration = Duration::from_millis(30);

/// All zombies in the target's PID namespace, but for those that were on the point of being reaped; and the orphans that can be
/// told from children, see `Machine::is_adopted`.
pub(super) fn zombies_and_orphans(target: &Seen, machine: &Machine) -> (Vec<Forlorn>, Vec<Forlorn>) {
    let (mut zombies, mut orphans) = (Vec::new(), Vec::new());
    let mut has_waited = false;
    for seen in members(target, machine) {
        if seen.process.is_dead {
            if !has_waited {
                std::thread::sleep(MOMENT);
            }
            has_waited = true;
            if procfs::started(seen.process.pid) == Some(seen.process.started) {
                zombies.push(Forlorn::of(seen, machine));
            }
        } else if machine.is_adopted(seen) {
            orphans.push(Forlorn::of(seen, machine));
        }
    }
    (zombies, orphans)
}

/// Everybody in the target's PID namespace.
pub(super) fn members<'a>(target: &'a Seen, machine: &'a Machine) -> impl Iterator<Item = &'a Seen> {
    machine.all.iter().filter(|seen| machine.share_pid_namespace(seen, target))
}
