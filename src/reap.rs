//! Runs in: outer, init. The one owner of wait: reaps whatever has ended, and knows the main child among it.

use crate::exit::Outcome;
use crate::logging::{debug, info};
use crate::procfs;
use crate::signal::Signal;
use crate::sys::{self, Reaped};
use crate::trace::Trace;
use log::{Level, log_enabled};
use nix::unistd::Pid;

/// What a round of reaping says about the main child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MainChild {
    Running,
    /// This signal stopped it.
    Stopped(Signal),
    Ended(Outcome),
    /// There is no child left, and yet the main child's end was never seen. Cannot happen while SIGCHLD has its
    /// default action; waiting on would mean to wait for ever (B3).
    Lost,
}

/// Reaps every child that has ended. Called on each SIGCHLD, it goes on until none is left, because signals
/// coalesce: one SIGCHLD may stand for any number of deaths, the main child's among them (B1, B6).
///
/// Other children are orphans that the kernel gave us, or children of the program that became pidone by exec; only
/// the pid tells them from `main` (B7).
/// `orphan_reaped` is called for each of them.
pub(crate) fn drain(main: Pid, trace: &Trace, mut orphan_reaped: impl FnMut(Pid)) -> MainChild {
    let mut found = MainChild::Running;
    loop {
        match reap_one(trace) {
            Reaped::Child(pid, status) if pid == main => found = MainChild::Ended(Outcome::from_wait(status)),
            Reaped::Stopped(pid, signal) if pid == main => found = MainChild::Stopped(signal),
            Reaped::Child(pid, _) => orphan_reaped(pid),
            Reaped::Stopped(..) => {}
            Reaped::NoneEnded => return found,
            Reaped::NoChildren if matches!(found, MainChild::Ended(_)) => return found,
            Reaped::NoChildren => return MainChild::Lost,
        }
    }
}

/// Reaps every child that has ended, where none of them is the main child: before there is one, when it is gone, or where
/// there never is one. What had ended before pidone even began belonged to the program that became it by exec, which had
/// its SIGCHLD for them: nobody will be told again (B7). True if there are others.
pub(crate) fn drain_rest(trace: &Trace) -> bool {
    loop {
        match reap_one(trace) {
            Reaped::Child(..) | Reaped::Stopped(..) => {}
            Reaped::NoneEnded => return true,
            Reaped::NoChildren => return false,
        }
    }
}

/// Looks at the zombie before reaping it only if somebody wants to read about it: it costs several more system calls.
fn reap_one(trace: &Trace) -> Reaped {
    let is_logged = log_enabled!(Level::Info);
    if !is_logged && !trace.is_on() {
        return sys::reap(None);
    }
    let zombie = match sys::peek_zombie() {
        Ok(Some(zombie)) => zombie,
        Ok(None) => return sys::hear_of_stop(),
        // There is none (ECHILD); or a filter forbids the look.
        Err(_) => return sys::reap(None),
    };
    let name = is_logged.then(|| procfs::comm(zombie));
    let witness = trace.look_at(zombie);
    let (reaped, usage) = sys::reap_with_usage(Some(zombie));
    if let Reaped::Child(pid, status) = reaped {
        trace.reaped(pid, status, usage, witness);
    }
    match (reaped, name) {
        (Reaped::Child(pid, status), Some(name)) => info!("reaped {pid} ({name}): {}", Outcome::from_wait(status)),
        (_, Some(name)) => debug!("{zombie} ({name}) was there to reap, and then was not"),
        (_, None) => {}
    }
    reaped
}
