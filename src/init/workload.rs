//! Runs in: init, workload child. From a plan to a running workload; the only exec.

use super::dress::{self, Misfit, Subject};
use crate::environment::inherited_value;
use crate::error::{Failure, Stage};
use crate::exit::PIDONE_FAILED;
use crate::handshake::Reporter;
use crate::logging::debug;
use crate::plan::{SHELL, SHELL_PATH_INDEX, Workload};
use crate::request::Grouping;
use crate::sys;
use crate::terminal::Terminal;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal as StandardSignal;
use nix::unistd::{AccessFlags, Pid, access, getpid, setpgid, setsid};
use std::ffi::{CStr, OsStr, c_int};
use std::os::unix::ffi::OsStrExt;

/// Why no exec succeeded.
pub(crate) struct ExecError {
    stage: Stage,
    /// `None`: the command itself.
    subject: Option<Subject>,
    errno: Errno,
}

impl ExecError {
    fn of_command(stage: Stage, errno: Errno) -> Self {
        ExecError { stage, subject: None, errno }
    }

    pub(crate) fn failure(&self, workload: &Workload) -> Failure {
        match self.subject {
            None => Failure::new(self.stage, workload.command, self.errno),
            Some(subject) => Failure::new(self.stage, subject.name(workload), self.errno),
        }
    }
}

impl From<Misfit> for ExecError {
    fn from(misfit: Misfit) -> Self {
        ExecError { stage: misfit.stage, subject: Some(misfit.subject), errno: misfit.errno }
    }
}

/// The child's status when exec failed; nobody sees it, because init knows the reason and reaps it.
pub(crate) const UNSEEN: c_int = PIDONE_FAILED as c_int;

/// Starts the workload as a child, and returns once exec has succeeded or failed. Init is suspended meanwhile and
/// learns the reason through the memory that it shares with the child: no pipe, no guessed code.
///
/// # Errors
/// No process could be made, it could not become whom it is to be, or exec failed; the child is reaped then.
pub(super) fn start(
    workload: &mut Workload,
    grouping: Grouping,
    terminal: Option<&Terminal>,
) -> Result<Pid, Failure> {
    let mut error = None;
    let was_dumpable = workload.identity.changes_credentials() && sys::is_dumpable();
    let spawned = sys::spawn_sharing_memory(&mut || {
        error = Some(match leave_group(grouping) {
            Ok(()) => become_it(workload, terminal, None),
            Err(errno) => ExecError::of_command(Stage::MakeSession, errno),
        });
        UNSEEN
    });
    if was_dumpable {
        // A change of credentials makes the memory undumpable (PR_SET_DUMPABLE, prctl(2)), so that the new user cannot
        // get at it; but it is init's memory too, and now init's alone. Ignoring the error: it takes no privilege.
        let _ = prctl::set_dumpable(true);
    }
    let pid = spawned.map_err(|errno| Failure::new(Stage::StartProcess, workload.command, errno))?;
    if let Some(error) = error {
        sys::wait_for(pid);
        return Err(error.failure(workload));
    }
    debug!("started {} as pid {pid}", workload.command.display());
    Ok(pid)
}

/// Gives the calling process, just made, a process group of its own: Ctrl-C then comes to the workload from the
/// terminal once, and not through pidone as well (B18), and `kill %1` comes to outer only. Or a session, with the
/// terminal if nobody else has it.
///
/// Signals for the old group that came in between were meant for pidone, which has its own copy of each and forwards it
/// when this is done; what is pending here would make them two.
///
/// # Errors
/// Of setsid(2), which cannot fail in a process that has just been made.
pub(crate) fn leave_group(grouping: Grouping) -> nix::Result<()> {
    match grouping {
        Grouping::Shared => return Ok(()),
        Grouping::Own => {
            // It cannot fail in a process that leads no session and has not called exec.
            let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
        }
        Grouping::Session => {
            setsid()?;
            // Ignoring the error: no terminal, or another session's.
            let _ = sys::claim_terminal();
        }
    }
    sys::discard_signals();
    Ok(())
}

/// Makes the calling process, just forked, a workload without exec: it goes on as the program that PID 1, `parent`, was.
pub(super) fn become_program(grouping: Grouping, terminal: Option<&Terminal>, parent: Pid) {
    // Ignoring the error: as in `leave_group`.
    let _ = leave_group(grouping);
    if let Some(terminal) = terminal {
        terminal.hand_to(getpid());
    }
    let names_parent = inherited_value("LISTEN_PID").is_some_and(|pid| pid == OsStr::new(&parent.to_string()));
    if names_parent {
        sys::set_variable("LISTEN_PID", &getpid().to_string());
        match (inherited_value("LISTEN_PIDFDID"), sys::own_pidfd_inode()) {
            (Some(_), Some(inode)) => sys::set_variable("LISTEN_PIDFDID", &inode.to_string()),
            _ => sys::remove_variable("LISTEN_PIDFDID"),
        }
    }
}

/// Turns the calling process into the workload: what pidone changed of the process it was started as is put back, what
/// was asked for is put on, and exec replaces the rest. Allocates nothing and comes back only with an error. With a `tie`
/// it dies with outer, whoever it is by then.
pub(crate) fn become_it(workload: &mut Workload, terminal: Option<&Terminal>, tie: Option<&Reporter>) -> ExecError {
    if let Some(terminal) = terminal {
        // Before exec, so that the workload can read from its first instruction on; SIGTTOU is still blocked.
        terminal.hand_to(getpid());
    }
    if let Some(listen) = workload.listen.take() {
        listen.name_caller(&mut workload.env, sys::own_pidfd_inode);
    }
    if let Err(misfit) = dress::put_on(&workload.identity) {
        return misfit.into();
    }
    if let Some(reporter) = tie
        && let Err(errno) = tie_to_outer(reporter)
    {
        return ExecError::of_command(Stage::TieToOuter, errno);
    }
    // Last: from here on a pending signal acts as it will act on the workload.
    match workload.signals.restore() {
        Ok(()) => exec(workload),
        Err(errno) => ExecError::of_command(Stage::RestoreSignals, errno),
    }
}

/// Arranges for SIGKILL at outer's death, and looks whether it is already too late for that: getppid(2) cannot tell, it is
/// 0 in a new PID namespace from the start (B42). A change of user or group undoes it, so it is done again after one
/// (`PR_SET_PDEATHSIG`, prctl(2); B43).
///
/// # Errors
/// Of prctl(2).
pub(crate) fn tie_to_outer(reporter: &Reporter) -> nix::Result<()> {
    prctl::set_pdeathsig(StandardSignal::SIGKILL)?;
    if !reporter.outer_lives() {
        sys::exit_now(PIDONE_FAILED.into());
    }
    Ok(())
}

/// Tries each path, like execvp(3), but keeps "not there" and "there, but does not run" apart.
fn exec(workload: &mut Workload) -> ExecError {
    let mut refused = None;
    for &path in &workload.candidates {
        let mut errno = sys::execve(path, &workload.argv, &workload.env);
        if let (Errno::ENOEXEC, Some(shell)) = (errno, &mut workload.shell) {
            shell.replace(SHELL_PATH_INDEX, path);
            errno = sys::execve(SHELL, shell, &workload.env);
        }
        match errno {
            _ if !is_there(path, errno, workload) => {}
            // Another directory of PATH may have one that runs.
            Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES => {
                refused.get_or_insert(errno);
            }
            _ => return ExecError::of_command(Stage::RunCommand, errno),
        }
    }
    match refused {
        Some(errno) => ExecError::of_command(Stage::RunCommand, errno),
        None => ExecError::of_command(Stage::FindCommand, Errno::ENOENT),
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
