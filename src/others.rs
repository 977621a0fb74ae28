//! Runs in: init. The processes besides the workload that init answers for: as PID 1 all of its namespace, which kill(2)
//! reaches as −1; as a subreaper its own descendants, which have to be found.

use crate::error::reason;
use crate::procfs::{self, Process};
use crate::reap;
use crate::signal::Signal;
use crate::sys::{self, Recipient};
use log::warn;
use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

/// Whom init answers for.
pub(crate) struct Others {
    reach: Reach,
}

enum Reach {
    /// Everybody in the PID namespace. The kernel kills them when init ends.
    Namespace,
    /// Every descendant, but for these children and theirs: they were there before the workload.
    Descendants { spared: Vec<Pid> },
}

impl Others {
    /// Of a PID 1.
    pub(crate) fn in_namespace() -> Self {
        Others { reach: Reach::Namespace }
    }

    /// Of a process that is not PID 1, before it starts the workload. The children it has by then are the program's that
    /// became pidone by exec, as in `exec pidone < <(command)`: not ours to end (B7).
    pub(crate) fn descendants() -> Self {
        let spared = if reap::drain_rest() { procfs::children(&procfs::processes()) } else { Vec::new() };
        Others { reach: Reach::Descendants { spared } }
    }

    /// Whether they end when init does.
    pub(crate) fn end_with_init(&self) -> bool {
        matches!(self.reach, Reach::Namespace)
    }

    /// Sends `signal` to each.
    pub(crate) fn signal(&self, signal: Signal) {
        match &self.reach {
            Reach::Namespace => match sys::send(Recipient::Everyone, signal) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => warn!("cannot send {signal} to everyone: {}", reason(errno)),
            },
            Reach::Descendants { spared } => {
                for process in procfs::descendants(&procfs::processes(), spared) {
                    // Who has no pidfd (ENOSYS) is an old kernel's problem; who has gone meanwhile is nobody's.
                    let is_the_same = || procfs::started(process.pid) == Some(process.started);
                    if let Err(errno @ (Errno::EPERM | Errno::EINVAL)) =
                        sys::send_checked(process.pid, signal, is_the_same)
                    {
                        warn!("cannot send {signal} to {process}: {}", reason(errno));
                    }
                }
            }
        }
    }

    /// Reaps who has ended, and says whether nobody is left. Those in the namespace that are not our children (somebody
    /// outside put them in) raise no SIGCHLD when they end: ask again.
    pub(crate) fn are_gone(&self) -> bool {
        let has_children = reap::drain_rest();
        match &self.reach {
            Reach::Namespace => !has_children && !sys::anyone_is_left(),
            Reach::Descendants { spared } if has_children => !spared.is_empty() && self.children().is_empty(),
            Reach::Descendants { .. } => true,
        }
    }

    /// The children of init that are not spared: an adopted one is a child, too.
    pub(crate) fn children(&self) -> Vec<Pid> {
        let mut children = procfs::children(&procfs::processes());
        if let Reach::Descendants { spared } = &self.reach {
            children.retain(|child| !spared.contains(child));
        }
        children
    }

    /// Who they are, for a message: `7 (sleep), 9 (nginx)`; only so many.
    pub(crate) fn names(&self) -> String {
        const MOST: usize = 10;
        let all = procfs::processes();
        let listed: Vec<&Process> = match &self.reach {
            Reach::Namespace => {
                all.iter().filter(|process| process.pid != getpid() && !process.is_zombie).collect()
            }
            Reach::Descendants { spared } => procfs::descendants(&all, spared),
        };
        let mut names: Vec<String> = listed.iter().take(MOST).map(ToString::to_string).collect();
        match listed.len() {
            0 => names.push("somebody whom /proc does not show".into()),
            count if count > MOST => names.push(format!("and {} more", count - MOST)),
            _ => {}
        }
        names.join(", ")
    }
}
