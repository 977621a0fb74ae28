//! Runs in: any thread-free process. Who a process is, and what stands above it.

use super::dispositions::Standing;
use super::machine::{Machine, Seen};
use super::reading::{Gaps, Status, wchan};
use crate::namespace::Kind;
use crate::procfs;

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
pub(super) struct Above<'a> {
    pub(super) seen: &'a Seen,
    pub(super) role: Option<Role>,
}

/// Who it is.
pub(super) struct Who<'a> {
    pub(super) seen: &'a Seen,
    pub(super) wchan: Option<String>,
    pub(super) threads: Option<u32>,
    pub(super) tracer: Option<u32>,
    /// The real one, as seen from here.
    pub(super) uid: Option<u32>,
    /// Its parent is not the one that made it.
    pub(super) is_adopted: bool,
    /// Nearest first.
    pub(super) above: Vec<Above<'a>>,
    pub(super) standing: Standing,
}

impl<'a> Who<'a> {
    #[inline(never)]
    pub(super) fn of(seen: &'a Seen, status: &Status, machine: &'a Machine, gaps: &mut Gaps) -> Self {
        let pid = seen.pid();
        let wchan = wchan(pid);
        // The kernel writes 0 where we may not know, and where it sleeps nowhere.
        if wchan.is_none()
            && seen.process.state == 'S'
            && let Err(errno) = procfs::link(format_args!("/proc/{pid}/cwd"))
        {
            gaps.note("where in the kernel it sleeps (wchan)", errno);
        }
        let mut above = Vec::new();
        for seen in machine.line(seen).into_iter().skip(1) {
            above.push(Above { seen, role: role(seen, machine) });
        }
        Who {
            seen,
            wchan,
            threads: status.number("Threads"),
            tracer: status.number("TracerPid").filter(|tracer| *tracer != 0),
            uid: status.number("Uid"),
            is_adopted: machine.is_adopted(seen),
            above,
            standing: standing(seen, machine),
        }
    }
}

#[inline(never)]
fn role(seen: &Seen, machine: &Machine) -> Option<Role> {
    if seen.is_init() {
        Some(Role::Init)
    } else if machine.is_init_here(seen) {
        Some(Role::InitProgram)
    } else if seen.is_shell_command() {
        Some(Role::ShellCommand)
    } else {
        machine.has_adopted(seen).then_some(Role::Subreaper)
    }
}

/// The inode of the first PID namespace of a machine, which the kernel numbers at build time (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Whether this is the outermost PID namespace, so that nobody can send a signal from outside.
pub(super) fn has_no_outside(seen: &Seen) -> bool {
    seen.namespace(Kind::Pid) == Some(FIRST_PID_NAMESPACE)
}

#[inline(never)]
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
#[inline(never)]
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
