//! Runs in: probe, and processes that it puts into a trial. Orphans for PID 1 of a namespace: one is a zombie already, the other
//! lives, and ends later.
//!
//! ```text
//! probe ─── helper ═══ parent ─┬─ zombie      The parent ends without having reaped: both come to PID 1 inside.
//!                              └─ live one    It ends then.
//! ```

use super::known::Known;
use super::verdict::Finding;
use crate::files;
use crate::handshake::{Gate, GateKeeper, gate};
use crate::namespace::{Kind, Kinds};
use crate::procfs;
use crate::sys::{self, Forked, Reaped, exit_now, wait_for};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Orphans on their way.
pub(super) struct Orphans {
    helper: Option<Pid>,
    /// Lets the parent go.
    leave: Option<GateKeeper>,
    /// Lets the live one go.
    end: Option<GateKeeper>,
    /// Who they are.
    children: Option<[Known; 2]>,
    since: Duration,
}

impl Orphans {
    /// Puts the helper on its way into the namespace of this PID 1.
    ///
    /// # Errors
    /// No right to do so (EPERM, EACCES), or it has ended (ENOENT).
    pub(super) fn plant(pid_1: Known, now: Duration) -> Result<Self, Errno> {
        let open_namespace = |kind: Kind| -> Result<OwnedFd, Errno> {
            let path = format!("/proc/{}/ns/{}", pid_1.pid, kind.name());
            files::open(OsStr::new(&path), OFlag::O_RDONLY)
        };
        let user = match open_namespace(Kind::User) {
            // Where the kernel knows of none.
            Err(Errno::ENOENT) => None,
            opened => Some(opened?),
        };
        let pid = open_namespace(Kind::Pid)?;
        let make_gate = || gate().map_err(|failure| failure.errno);
        let ((leave, leave_keeper), (end, end_keeper)) = (make_gate()?, make_gate()?);
        match sys::clone_process(Kinds::NONE.clone_flags())? {
            Forked::Parent(helper) => Ok(Orphans {
                helper: Some(helper),
                leave: Some(leave_keeper),
                end: Some(end_keeper),
                children: None,
                since: now,
            }),
            Forked::Child => {
                drop((leave_keeper, end_keeper));
                exit_now(i32::from(help(user.as_ref(), &pid, leave, end).is_err()));
            }
        }
    }

    /// Looks how far they are. `None`: not there yet, or not reaped yet.
    pub(super) fn step(&mut self, now: Duration, wait: Duration) -> Option<Finding> {
        if let Some(helper) = self.helper {
            self.children = self.children.or_else(|| made(helper));
            if self.children.is_some()
                && let Some(keeper) = self.leave.take()
            {
                keeper.open();
            }
            let is_put_in = match sys::reap(Some(helper)) {
                Reaped::Child(_, status) => {
                    self.helper = None;
                    status.0 == 0 && self.children.is_some()
                }
                _ if now - self.since < PATIENCE => return None,
                _ => false,
            };
            if !is_put_in {
                return Some(Finding::Unknown("no orphans could be put into its PID namespace".into()));
            }
            self.since = now;
        }
        if let Some(keeper) = self.end.take() {
            keeper.open();
        }
        if !self.children.is_some_and(|[one, other]| one.is_there() || other.is_there()) {
            return Some(Finding::Reaps(true));
        }
        if now - self.since < wait.max(LEAST_WAIT) { None } else { Some(Finding::Reaps(false)) }
    }

    /// Lets all of them go. (The helper ends when its child does, which PID 1's end brings about at the latest.)
    pub(super) fn end(&mut self) {
        (self.leave, self.end) = (None, None);
        if let Some(helper) = self.helper.take() {
            wait_for(helper);
        }
    }
}

/// How long it may take to put them there; the command may kill them as fast as they are made.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long PID 1 gets to reap, even if a signal would get less.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// The zombie and the live one, once both are there.
fn made(helper: Pid) -> Option<[Known; 2]> {
    let all = procfs::processes();
    let parent = Known::oldest_child(&all, helper)?;
    match procfs::of_parent(&all, parent.pid) {
        [one, other] if one.is_dead != other.is_dead => Some([Known::of(one), Known::of(other)]),
        _ => None,
    }
}

/// The helper: enters, makes the parent, and reaps it.
fn help(user: Option<&OwnedFd>, pid: &OwnedFd, leave: Gate, end: Gate) -> Result<(), Errno> {
    match user.map(|user| sys::enter(user, Kinds::of(&[Kind::User]))) {
        // It is ours already.
        None | Some(Ok(()) | Err(Errno::EINVAL)) => {}
        Some(Err(errno)) => return Err(errno),
    }
    sys::enter(pid, Kinds::of(&[Kind::Pid]))?;
    let make = || sys::clone_process(Kinds::NONE.clone_flags());
    match make()? {
        Forked::Parent(parent) => match wait_for(parent).0 {
            0 => Ok(()),
            _ => Err(Errno::ECHILD),
        },
        Forked::Child => {
            match make() {
                Ok(Forked::Parent(_)) => {}
                Ok(Forked::Child) => exit_now(0),
                Err(_) => exit_now(1),
            }
            match make() {
                Ok(Forked::Parent(_)) => drop(end),
                Ok(Forked::Child) => {
                    drop(leave);
                    // An error means that probe has gone; so does this process, then.
                    let _ = end.pass();
                    exit_now(0);
                }
                Err(_) => exit_now(1),
            }
            let _ = leave.pass();
            exit_now(0);
        }
    }
}
