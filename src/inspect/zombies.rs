//! Runs in: any thread-free process. Zombies and orphans in the PID namespace of the process in question.

use super::machine::{Machine, Seen};
use crate::procfs;
use std::fmt::{self, Display, Formatter};
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
#[derive(Clone, Copy)]
pub(super) struct Forlorn<'a> {
    pub(super) seen: &'a Seen,
    /// `None`: not to be seen, which is so for one outside.
    pub(super) parent: Option<&'a Seen>,
    /// Whose it is that it was not reaped.
    pub(super) fault: Fault,
}

impl<'a> Forlorn<'a> {
    fn of(seen: &'a Seen, machine: &'a Machine) -> Self {
        let parent = machine.parent(seen);
        // A parent in another PID namespace has put it in by setns(2), and is to reap it: the init in here cannot.
        let is_inits = parent.is_some_and(|parent| parent.is_init() && machine.share_pid_namespace(parent, seen));
        Forlorn { seen, parent, fault: if is_inits { Fault::Init } else { Fault::Parent } }
    }
}

/// Its parent, whom /proc need not show.
impl Display for Forlorn<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.parent, self.seen.process.parent.as_raw()) {
            (Some(parent), _) => parent.fmt(f),
            (None, 0) => f.write_str("outside"),
            (None, ppid) => write!(f, "{ppid} ()"),
        }
    }
}

/// How long every process is a zombie that is reaped soon enough.
const MOMENT: Duration = Duration::from_millis(30);

/// Adds all zombies in the target's PID namespace, but for those that were on the point of being reaped; and the orphans that can
/// be told from children, see `Machine::is_adopted`.
#[inline(never)]
pub(super) fn find_forlorn<'a>(
    target: &Seen,
    machine: &'a Machine,
    zombies: &mut Vec<Forlorn<'a>>,
    orphans: &mut Vec<Forlorn<'a>>,
) {
    let mut has_waited = false;
    for seen in members(target, machine) {
        let found = if !seen.process.is_dead {
            if !machine.is_adopted(seen) {
                continue;
            }
            &mut *orphans
        } else {
            if !has_waited {
                std::thread::sleep(MOMENT);
            }
            has_waited = true;
            if procfs::started(seen.process.pid) != Some(seen.process.started) {
                continue;
            }
            &mut *zombies
        };
        found.push(Forlorn::of(seen, machine));
    }
}

/// Everybody in the target's PID namespace.
pub(super) fn members<'a>(target: &Seen, machine: &'a Machine) -> impl Iterator<Item = &'a Seen> {
    machine.all.iter().filter(|seen| machine.share_pid_namespace(seen, target))
}
