//! Runs in: probe, and processes that it puts into a trial. Orphans for PID 1 of a namespace: one is a zombie already, the other
//! lives, and ends later.
//!
//! ```text
//! probe ─── helper ═══ parent ─┬─ zombie      The parent ends without having reaped: both come to PID 1 inside.
//!                              └─ live one    It ends then.
//! ```

use super::verdict::Finding;
use crate::handshake::{Gate, GateKeeper, gate};
use crate::namespace::{Kind, Kinds};
use crate::procfs::{self, Process};
use crate::sys::{self, Forked, Reaped, exit_now, wait_for};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Orphans on their way.
pub(super) struct Orphans {
    helper: Option<Pid>,
    /// Lets the parent go.
    leave: Option<GateKeeper>,
    /// Lets the live one go.
    end: Option<GateKeeper>,
    /// Who they are.
    children: Vec<Process>,
    since: Instant,
}

impl Orphans {
    /// Puts the helper on its way into the namespace of this PID 1.
    ///
    /// # Errors
    /// No right to do so (EPERM, EACCES), or it has ended (ENOENT).
    pub(super) fn plant(pid_1: &Process) -> Result<Self, Errno> {
        let open_namespace = |kind: Kind| -> Result<OwnedFd, Errno> {
            let path = format!("/proc/{}/ns/{}", pid_1.pid, kind.name());
            open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        };
        let is_ours = |kind: Kind| {
            let link = |process: &str| fs::read_link(format!("/proc/{process}/ns/{}", kind.name())).ok();
            link("self") == link(&pid_1.pid.to_string())
        };
        let user = if is_ours(Kind::User) { None } else { Some(open_namespace(Kind::User)?) };
        let pid = open_namespace(Kind::Pid)?;
        let make_gate = || gate().map_err(|failure| failure.errno);
        let ((leave, leave_keeper), (end, end_keeper)) = (make_gate()?, make_gate()?);
        match sys::clone_process(Kinds::NONE.clone_flags())? {
            Forked::Parent(helper) => Ok(Orphans {
                helper: Some(helper),
                leave: Some(leave_keeper),
                end: Some(end_keeper),
                children: Vec::new(),
                since: Instant::now(),
            }),
            Forked::Child => {
                drop((leave_keeper, end_keeper));
                exit_now(i32::from(help(user.as_ref(), &pid, leave, end).is_err()));
            }
        }
    }

    /// Looks how far they are. `None`: not there yet, or not reaped yet.
    pub(super) fn step(&mut self, now: Instant, wait: Duration) -> Option<Finding> {
        if let Some(helper) = self.helper {
            if self.children.is_empty() {
                self.children = made(helper).unwrap_or_default();
            }
            if !self.children.is_empty()
                && let Some(keeper) = self.leave.take()
            {
                keeper.open();
            }
            match sys::reap(Some(helper)) {
                Reaped::Child(_, status) => {
                    self.helper = None;
                    self.since = now;
                    if status.0 != 0 || self.children.is_empty() {
                        return Some(Finding::Unknown(NOT_PUT_IN.into()));
                    }
                }
                _ if now - self.since >= PATIENCE => return Some(Finding::Unknown(NOT_PUT_IN.into())),
                _ => return None,
            }
        }
        if let Some(keeper) = self.end.take() {
            keeper.open();
        }
        let is_there = |child: &Process| procfs::started(child.pid) == Some(child.started);
        match self.children.iter().any(is_there) {
            false => Some(Finding::Reaps(true)),
            true if now - self.since >= wait.max(LEAST_WAIT) => Some(Finding::Reaps(false)),
            true => None,
        }
    }

    /// Lets all of them go. (The helper ends when its child does, which PID 1's end brings about at the latest.)
    pub(super) fn end(&mut self) {
        (self.leave, self.end) = (None, None);
        if let Some(helper) = self.helper.take() {
            wait_for(helper);
        }
    }
}

const NOT_PUT_IN: &str = "no orphans could be put into its PID namespace";
/// How long it may take to put them there; the command may kill them as fast as they are made.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long PID 1 gets to reap, even if a signal would get less.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// The zombie and the live one, once both are there.
fn made(helper: Pid) -> Option<Vec<Process>> {
    let all = procfs::processes();
    let parent = procfs::of_parent(&all, helper).first()?;
    let children = procfs::of_parent(&all, parent.pid);
    let dead = children.iter().filter(|child| child.is_dead).count();
    (children.len() == 2 && dead == 1).then(|| children.to_vec())
}

/// The helper: enters, makes the parent, and reaps it.
fn help(user: Option<&OwnedFd>, pid: &OwnedFd, leave: Gate, end: Gate) -> Result<(), Errno> {
    if let Some(user) = user {
        sys::enter(user, Kinds::of(&[Kind::User]))?;
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
