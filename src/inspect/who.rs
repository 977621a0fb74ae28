//! Runs in: any thread-free process. Who a process is, and what stands above it.

use super::dispositions::Standing;
use super::machine::{Machine, Seen};
use super::reading::{Gaps, Status, text, wchan};
use crate::namespace::Kind;
use std::fs;

/// What a process above the one in question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The init of its PID namespace.
    Init,
    /// A program that is made to be an init, and is none here.
    InitProgram,
    /// It has adopted an orphan, and is no init.
    Subreaper,
    /// `sh -c`.
    ShellCommand,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Role::Init => "init",
            Role::InitProgram => "init-program",
            Role::Subreaper => "subreaper",
            Role::ShellCommand => "shell-command",
        }
    }
}

/// A process above: its parent, the parent of that, and so on.
pub(super) struct Above {
    pub(super) pid: i32,
    pub(super) comm: Vec<u8>,
    pub(super) role: Option<Role>,
}

/// Who it is.
pub(super) struct Who {
    pub(super) pid: i32,
    pub(super) comm: Vec<u8>,
    pub(super) command: Vec<Vec<u8>>,
    pub(super) state: char,
    pub(super) is_dying: bool,
    pub(super) wchan: Option<String>,
    pub(super) threads: Option<u32>,
    pub(super) tracer: Option<i32>,
    /// The real one, as seen from here.
    pub(super) uid: Option<u32>,
    pub(super) ppid: i32,
    pub(super) nspids: Vec<i32>,
    pub(super) is_init: bool,
    /// Its parent is not the one that made it.
    pub(super) is_adopted: bool,
    /// In seconds.
    pub(super) age: u64,
    /// Nearest first.
    pub(super) above: Vec<Above>,
    pub(super) standing: Standing,
}

impl Who {
    pub(super) fn of(target: &Seen, status: &Status, machine: &Machine, gaps: &mut Gaps) -> Self {
        let pid = target.pid();
        let wchan = wchan(pid);
        // The kernel writes 0 where we may not know, and where it sleeps nowhere.
        if wchan.is_none()
            && target.process.state == 'S'
            && let Err(error) = fs::read_link(format!("/proc/{pid}/cwd"))
        {
            gaps.note("where in the kernel it sleeps (wchan)", &error);
        }
        let above = machine.above(target).into_iter();
        Who {
            pid,
            comm: target.process.name.clone(),
            command: target.command.clone(),
            state: target.process.state,
            is_dying: target.process.is_exiting && !target.process.is_dead,
            wchan,
            threads: status.number("Threads"),
            tracer: status.number("TracerPid").filter(|tracer| *tracer != 0).map(u32::cast_signed),
            uid: status.number("Uid"),
            ppid: target.process.parent.as_raw(),
            nspids: target.nspids.clone(),
            is_init: target.is_init(),
            is_adopted: machine.is_adopted(target),
            age: age(target.process.started),
            above: above.map(|seen| Above::of(seen, machine)).collect(),
            standing: standing(target, machine),
        }
    }
}

impl Above {
    fn of(seen: &Seen, machine: &Machine) -> Self {
        let role = if seen.is_init() {
            Some(Role::Init)
        } else if machine.is_init_here(seen) {
            Some(Role::InitProgram)
        } else if seen.is_shell_command() {
            Some(Role::ShellCommand)
        } else {
            machine.has_adopted(seen).then_some(Role::Subreaper)
        };
        Above { pid: seen.pid(), comm: seen.process.name.clone(), role }
    }
}

/// The inode of the first PID namespace of a machine, which the kernel numbers at build time (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Whether this is the outermost PID namespace, so that nobody can send a signal from outside.
pub(super) fn has_no_outside(seen: &Seen) -> bool {
    seen.namespace(Kind::Pid) == Some(FIRST_PID_NAMESPACE)
}

fn standing(target: &Seen, machine: &Machine) -> Standing {
    // The kernel has killed one that is on its way out, and gives it no signal any more.
    match (target.process.is_dead || target.process.is_exiting, target.is_init()) {
        (true, _) => Standing::Dead,
        (false, true) if has_no_outside(target) => Standing::MachineInit,
        (false, true) => Standing::Init,
        (false, false) if is_in_orphaned_group(target, machine) => Standing::InOrphanedGroup,
        (false, false) => Standing::Ordinary,
    }
}

/// No member of its process group has a parent in another group of the same session, who could continue it (setpgid(2)).
/// Where a parent is outside of what /proc shows, one cannot know, and there may be.
fn is_in_orphaned_group(target: &Seen, machine: &Machine) -> bool {
    let process = &target.process;
    let mut members = machine.all.iter().filter(|seen| seen.process.group == process.group);
    process.group.as_raw() != 0
        && members.all(|seen| {
            machine.parent(seen).is_some_and(|parent| {
                parent.is_init()
                    || parent.process.group == process.group
                    || parent.process.session != process.session
            })
        })
}

/// Seconds since a process started; /proc/uptime and the start time are by the same clock.
#[inline(never)]
pub(super) fn age(started: u64) -> u64 {
    /// `USER_HZ`, the same on both architectures that pidone knows.
    const TICKS_PER_SECOND: u64 = 100;
    let uptime = text("/proc", "uptime").unwrap_or_default();
    let uptime: u64 = uptime.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    uptime.saturating_sub(started / TICKS_PER_SECOND)
}
