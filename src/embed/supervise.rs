//! Runs in: a program that uses this crate as a library, as PID 1. One line that makes the program a child of PID 1.

use super::asked::Asked;
use super::launch::OnExit;
use super::{LaunchError, block_signals, refuse_threads};
use crate::init;
use crate::plan::LaunchPlan;
use crate::sys::exit_now;
use nix::unistd::{Pid, getpid};
use std::ffi::OsStr;
use std::time::Duration;

/// Makes the calling program safe as PID 1. Write it in the first line of `main`:
///
/// ```
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if let Err(error) = pidone::supervise() {
///         return error.report();
///     }
///     // In a container this is now a child of PID 1, and not PID 1.
///     assert_ne!(std::process::id(), 1);
///     ExitCode::SUCCESS
/// }
/// ```
///
/// If the process is PID 1, as in a container, it forks. This function returns in the child, which is the program from then on;
/// the parent stays PID 1: it reaps, forwards every signal once, and when the program ends it kills what is left and exits with
/// the program's status, or 128+N if signal N killed it. If the process is not PID 1, nothing happens.
///
/// The program keeps its descriptors, its environment (`LISTEN_PID` is made to name it), its signal mask and dispositions. It
/// gets a process group of its own, and the foreground of the terminal if it had that. What it did before the call happened once,
/// and what it holds then (memory, locks on files by fcntl(2)) is the child's as fork(2) has it; PID 1 closes its descriptors.
///
/// [`Supervise`] arranges more than that.
///
/// # Errors
/// The program has more than one thread; there can be no more processes (EAGAIN, ENOMEM).
pub fn supervise() -> Result<(), LaunchError> {
    Supervise::new().start()
}

/// What PID 1 does for the program beyond what [`supervise`] has it do.
///
/// ```
/// use pidone::{OnExit, Supervise};
/// use std::time::Duration;
///
/// Supervise::new().stop_timeout(Duration::from_secs(8)).on_exit(OnExit::Term).start()?;
/// # Ok::<(), pidone::LaunchError>(())
/// ```
///
/// `PIDONE_OPTIONS` is not read: it is for who starts the `pidone` program, and this is another one.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before start"]
pub struct Supervise {
    asked: Asked,
}

impl Supervise {
    /// What [`supervise`] does.
    pub fn new() -> Self {
        Supervise { asked: Asked::nothing() }
    }

    /// SIGKILL to a program that still runs so long after a SIGTERM, SIGINT, SIGQUIT or SIGHUP was forwarded to it.
    pub fn stop_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.asked.stop_timeout(timeout);
        self
    }

    /// What becomes of the others when the program is gone.
    pub fn on_exit(&mut self, what: OnExit) -> &mut Self {
        self.asked.on_exit(what);
        self
    }

    /// An option of the `pidone` program, as one word: `--rewrite=TERM:INT`, `--stop-all`. Only those about signals, the end and
    /// messages can be carried out; [`start`](Supervise::start) returns an error for any other.
    pub fn option(&mut self, option: impl AsRef<OsStr>) -> &mut Self {
        self.options([option])
    }

    /// Options of the `pidone` program; here the value of one may also be a word of its own.
    pub fn options<S: AsRef<OsStr>>(&mut self, options: impl IntoIterator<Item = S>) -> &mut Self {
        self.asked.options(options);
        self
    }

    /// Makes the calling program safe as PID 1; see [`supervise`].
    ///
    /// # Errors
    /// As `supervise`; and an option that is none or cannot be carried out, also where the process is not PID 1.
    pub fn start(&self) -> Result<(), LaunchError> {
        let request = self.asked.checked()?;
        let plan = LaunchPlan::for_supervising(request)?;
        if getpid() != Pid::from_raw(1) {
            return Ok(());
        }
        refuse_threads()?;
        let signals = block_signals()?;
        match init::supervise_caller(&plan, request.level, signals) {
            Ok(Some(outcome)) => exit_now(outcome.mapped(&request.exit_map).status().into()),
            Ok(None) => Ok(()),
            Err(failure) => {
                // Ignoring the error: then nothing would have worked from the start.
                let _ = signals.restore();
                Err(failure.into())
            }
        }
    }
}

impl Default for Supervise {
    fn default() -> Self {
        Self::new()
    }
}
