//! Runs in: outer, or init in place. The death of the process that started pidone (`--pdeathsig`).

use crate::error::{Failure, Stage};
use crate::signal::{PARENT_DIED, Signal};
use crate::sys::{self, SignalInfo};
use nix::unistd::{Pid, getppid};

/// A watch over the parent.
pub(crate) struct Parent {
    /// What to forward when it dies.
    signal: Signal,
    /// Its pid; 0 if it is outside our PID namespace.
    pid: Pid,
    /// It has died while the watch was being set up.
    already_gone: bool,
}

/// What a signal says of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is dead: forward this.
    Died(Signal),
    /// Only the thread of it that made us has ended, and the watch goes on (B43).
    LivesOn,
    /// Nothing: the signal is no news of it.
    None,
}

impl Parent {
    /// Begins to watch. A parent that dies after pidone's first look at it is never missed: the look is repeated when
    /// the kernel has promised to tell (B42).
    ///
    /// # Errors
    /// A filter forbids it.
    pub(crate) fn watch(signal: Signal) -> Result<Self, Failure> {
        let pid = getppid();
        let asked = sys::set_parent_death_signal(PARENT_DIED);
        asked.map_err(|errno| Failure::new(Stage::TieToParent, "PR_SET_PDEATHSIG", errno))?;
        Ok(Parent { signal, pid, already_gone: getppid() != pid })
    }

    /// What to forward if it was too late to watch; once.
    pub(crate) fn take_early_death(&mut self) -> Option<Signal> {
        std::mem::take(&mut self.already_gone).then_some(self.signal)
    }

    /// Whether `info` is the kernel's notice, and of what. It comes in the name of the parent, and also when a mere
    /// thread ends; by then a dead process is no longer our parent. One outside our PID namespace cannot be told apart
    /// like that, and the notice is taken at its word.
    pub(crate) fn news(&self, info: &SignalInfo) -> News {
        let is_notice = info.signal() == Some(PARENT_DIED) && info.sender().is_some_and(|(pid, _)| pid == self.pid);
        if !is_notice {
            News::None
        } else if self.pid.as_raw() != 0 && getppid() == self.pid {
            News::LivesOn
        } else {
            News::Died(self.signal)
        }
    }
}
