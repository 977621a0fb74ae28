//! Runs in: init, workload child. From a plan to a running workload; the only exec.

use crate::error::{Failure, Stage};
use crate::forward::Rules;
use crate::plan::Workload;
use crate::sys;
use crate::terminal::Terminal;
use log::debug;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, Pid, access, getpid, setpgid};
use std::ffi::{CStr, c_int};
use std::os::unix::ffi::OsStrExt;

/// Why no exec succeeded.
pub(super) struct ExecError {
    stage: Stage,
    errno: Errno,
}

impl ExecError {
    pub(super) fn failure(&self, workload: &Workload) -> Failure {
        Failure::new(self.stage, &workload.command, self.errno)
    }
}

/// The child's status when exec failed; nobody sees it, because init knows the reason and reaps it.
const UNSEEN: c_int = 127;

/// Starts the workload as a child, and returns once exec has succeeded or failed. Init is suspended meanwhile and
/// learns the reason through the memory that it shares with the child: no pipe, no guessed code.
///
/// # Errors
/// No process could be made, or exec failed; the child is reaped then.
pub(super) fn start(workload: &mut Workload, rules: Rules, terminal: Option<&Terminal>) -> Result<Pid, Failure> {
    let mut error = None;
    let spawned = sys::spawn_sharing_memory(&mut || {
        leave_group(rules);
        error = Some(become_it(workload, terminal));
        UNSEEN
    });
    let pid = spawned.map_err(|errno| Failure::new(Stage::StartProcess, &workload.command, errno))?;
    if let Some(error) = error {
        sys::wait_for(pid);
        return Err(error.failure(workload));
    }
    debug!("started {} as pid {pid}", workload.command.display());
    Ok(pid)
}

/// Gives the calling process, just made, a process group of its own: Ctrl-C then comes to the workload from the
/// terminal once, and not through pidone as well (B18), and `kill %1` comes to outer only.
///
/// Signals for the old group that came in between were meant for pidone, which has its own copy of each and forwards it
/// when this is done; what is pending here would make them two.
pub(super) fn leave_group(rules: Rules) {
    if rules.shares_group {
        return;
    }
    // It cannot fail in a process that leads no session and has not called exec.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    sys::discard_signals();
}

/// Turns the calling process into the workload: what pidone changed of the process it was started as is put back,
/// and exec replaces the rest. Allocates nothing and comes back only with an error.
pub(super) fn become_it(workload: &mut Workload, terminal: Option<&Terminal>) -> ExecError {
    if let Some(terminal) = terminal {
        // Before exec, so that the workload can read from its first instruction on; SIGTTOU is still blocked.
        terminal.hand_to(getpid());
    }
    if let Some(listen) = workload.listen.take() {
        listen.name_caller(&mut workload.env, sys::own_pidfd_inode);
    }
    // Last: from here on a pending signal acts as it will act on the workload.
    match workload.signals.restore() {
        Ok(()) => exec(workload),
        Err(errno) => ExecError { stage: Stage::RestoreSignals, errno },
    }
}

/// Tries each path, like execvp(3), but keeps "not there" and "there, but does not run" apart.
fn exec(workload: &Workload) -> ExecError {
    let mut refused = None;
    for path in &workload.candidates {
        let errno = sys::execve(path, &workload.argv, &workload.env);
        match errno {
            _ if !is_there(path, errno, workload) => {}
            // Another directory of PATH may have one that runs.
            Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES => {
                refused.get_or_insert(errno);
            }
            _ => return ExecError { stage: Stage::RunCommand, errno },
        }
    }
    match refused {
        Some(errno) => ExecError { stage: Stage::RunCommand, errno },
        None => ExecError { stage: Stage::FindCommand, errno: Errno::ENOENT },
    }
}

/// Whether the file that exec refused exists. ENOENT is also what a missing `#!` interpreter or dynamic loader gives,
/// and EACCES, ENAMETOOLONG and others what a directory of PATH gives that cannot be searched; only where a path was
/// named are the latter taken at their word.
fn is_there(path: &CStr, errno: Errno, workload: &Workload) -> bool {
    let path_was_named = workload.command.as_bytes().contains(&b'/');
    let says_nothing = matches!(errno, Errno::ENOENT | Errno::ENOTDIR);
    access(path, AccessFlags::F_OK).is_ok() || (path_was_named && !says_nothing)
}
