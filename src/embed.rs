//! Runs in: a program that uses this crate as a library. Two things that it can do with it: be safe as PID 1 by one line, and run
//! commands as the `pidone` program does.
//!
//! Limits, for both: the program must have a single thread when it calls them, for a process is forked, and in the child other
//! threads' locks would stay shut. `/proc` must be mounted for that to be checked; where it is not, it is taken on trust.

use crate::cli;
use crate::error::{Failure, Refusal, Stage, UsageError, reason};
use crate::exit::{Codes, Outcome};
use crate::init;
use crate::launch::{self, Refused};
use crate::logging::{self, Half};
use crate::namespace::Kinds;
use crate::plan::LaunchPlan;
use crate::request::{Request, RunRequest};
use crate::signal::Signal;
use crate::sys::{self, Forked, SharedPage, SignalState, WaitStatus, exit_now, wait_for};
use nix::unistd::{Pid, getpid};
use std::error::Error;
use std::ffi::{OsStr, OsString, c_int};
use std::fmt;
use std::fs;

/// Makes the calling program safe as PID 1. Write it in the first line of `main`:
///
/// ```no_run
/// fn main() -> Result<(), pidone::LaunchError> {
///     pidone::supervise()?;
///     // From here on this is a child of PID 1, and not PID 1.
///     Ok(())
/// }
/// ```
///
/// If the process is PID 1, as in a container, it forks. This function returns in the child, which is the program from then on;
/// the parent stays PID 1: it reaps, forwards every signal once, and when the program ends it kills what is left and exits with the
/// program's status, or 128+N if signal N killed it. If the process is not PID 1, nothing happens.
///
/// The program keeps its descriptors, its environment (`LISTEN_PID` is made to name it), its signal mask and dispositions. It gets
/// a process group of its own, and the foreground of the terminal if it had that. What it did before the call happened once, and
/// what it holds then (memory, locks on files by fcntl(2)) is the child's as fork(2) has it; PID 1 closes its descriptors.
///
/// # Errors
/// The program has more than one thread; there can be no more processes (EAGAIN, ENOMEM).
pub fn supervise() -> Result<(), LaunchError> {
    if getpid() != Pid::from_raw(1) {
        return Ok(());
    }
    refuse_threads()?;
    let plan = LaunchPlan::for_supervising().map_err(LaunchError::from)?;
    let signals = sys::block_all_signals().map_err(|errno| Failure::new(Stage::BlockSignals, "1 to 64", errno))?;
    logging::set_up(Half::Init, None);
    match init::supervise_caller(&plan, signals) {
        Ok(Some(outcome)) => exit_now(outcome.status().into()),
        Ok(None) => Ok(()),
        Err(failure) => {
            // Ignoring the error: then nothing would have worked from the start.
            let _ = signals.restore();
            Err(failure.into())
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this status.
    Exited(u8),
    /// This signal killed it, 1 to 64.
    Killed(i32),
}

impl Ended {
    /// As a shell has it: the status, or 128+N.
    #[must_use]
    pub fn status(self) -> u8 {
        Outcome::from(self).status()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Outcome::from(*self).fmt(f)
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Exited(code) => Ended::Exited(code),
            Outcome::Killed(signal) => Ended::Killed(signal.number()),
        }
    }
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Exited(code) => Outcome::Exited(code),
            // A number that is none came from the caller.
            Ended::Killed(number) => Signal::new(number).map_or(Outcome::Exited(u8::MAX), Outcome::Killed),
        }
    }
}

/// Why a command did not run, or a program is not supervised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchError {
    message: String,
    hint: String,
    status: u8,
}

impl LaunchError {
    /// What to do about it; may be empty.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// What the `pidone` program would exit with: 127, the command was not found; 126, it cannot be run; 125, all else.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.status
    }
}

/// One line: what could not be done, to what, and why.
impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for LaunchError {}

impl From<UsageError> for LaunchError {
    fn from(error: UsageError) -> Self {
        LaunchError { message: error.message, hint: error.hint, status: Codes::PIDONE.failed }
    }
}

impl From<Refused> for LaunchError {
    fn from(Refused { refusal, hint }: Refused) -> Self {
        match refusal {
            Refusal::Usage(error) => error.into(),
            Refusal::Failure(failure) => LaunchError { hint: hint.unwrap_or_default(), ..failure.into() },
        }
    }
}

impl From<Failure> for LaunchError {
    fn from(failure: Failure) -> Self {
        let status = Codes::PIDONE.status_of(&failure);
        let Failure { stage, object, errno } = failure;
        let message = format!("{}: {}: {}", stage.text(), object.display(), reason(errno));
        LaunchError { message, hint: String::new(), status }
    }
}

/// A command to run as `pidone [OPTIONS] -- COMMAND` does: by default in new PID and mount namespaces, under an init that reaps and
/// forwards.
///
/// ```no_run
/// let ended = pidone::Launch::new("make").arg("test").option("--map-root").run()?;
/// println!("make {ended}");
/// # Ok::<(), pidone::LaunchError>(())
/// ```
///
/// Like system(3), and unlike [`std::process::Command`], it runs to its end: signals that reach the calling process meanwhile wait
/// until then, but for SIGKILL, which ends the command, too. `PIDONE_OPTIONS` is not read.
#[derive(Clone, Debug)]
pub struct Launch {
    options: Vec<OsString>,
    command: Vec<OsString>,
}

impl Launch {
    /// The program, looked for in PATH unless there is a slash in it.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Launch { options: Vec::new(), command: vec![program.as_ref().to_owned()] }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// An option of the `pidone` program, as one word: `--in-place`, `--hostname=lab`, `--bind=/srv:/srv`. They act in the order
    /// given.
    #[must_use]
    pub fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        self.options.push(option.as_ref().to_owned());
        self
    }

    /// Runs the command, and returns how it ended.
    ///
    /// # Errors
    /// Why it did not run: an option that is none, or that cannot be carried out; a command that is not there.
    pub fn run(&self) -> Result<Ended, LaunchError> {
        refuse_threads()?;
        let request = self.request()?;
        let page = SharedPage::new().map_err(|errno| Failure::new(Stage::MakePipe, "mmap", errno))?;
        let signals =
            sys::block_all_signals().map_err(|errno| Failure::new(Stage::BlockSignals, "1 to 64", errno))?;
        let ended = match sys::clone_process(Kinds::NONE.clone_flags()) {
            Ok(Forked::Child) => exit_now(run_noted(request, signals, &page)),
            Ok(Forked::Parent(child)) => Ok(wait_for(child)),
            Err(errno) => Err(Failure::new(Stage::StartProcess, "fork", errno)),
        };
        // Ignoring the error: as for blocking them, which went well.
        let _ = signals.restore();
        answer(&page.read(), ended?)
    }

    fn request(&self) -> Result<RunRequest, LaunchError> {
        let words = std::iter::once(OsString::from("run")).chain(self.options.iter().cloned());
        let words = words.chain([OsString::from("--")]).chain(self.command.iter().cloned());
        match cli::parse(words, None)? {
            Request::Run(request) => Ok(*request),
            _ => Err(UsageError::with_hint("an option asks for something else than to run", "leave it out").into()),
        }
    }
}

/// What the page begins with: how the command ended, or why it did not run.
const ENDED: u8 = 1;
const FAILED: u8 = 2;

/// In the child, which is pidone: runs the command, and notes what came of it in the page.
fn run_noted(request: RunRequest, signals: SignalState, page: &SharedPage) -> c_int {
    // Rust's runtime ignores it, and a command would inherit that.
    sys::reset_action(Signal::PIPE);
    // Whoever asked is not there any more if this process is left alone. Ignoring the error: a filter forbids it.
    let _ = sys::set_parent_death_signal(Signal::KILL);
    let answer = match launch::carry_out(&request, Codes::PIDONE, signals).map_err(LaunchError::from) {
        Ok((outcome, _)) => [&[ENDED][..], &outcome.to_wait().0.to_ne_bytes()].concat(),
        Err(LaunchError { message, hint, status }) => {
            [&[FAILED, status][..], message.as_bytes(), b"\n", hint.as_bytes()].concat()
        }
    };
    page.write(&answer);
    0
}

/// What came of it, from the page; if there is nothing in it, the child was killed.
fn answer(noted: &[u8], status: WaitStatus) -> Result<Ended, LaunchError> {
    match noted {
        [ENDED, number @ ..] => {
            let number = number.first_chunk().map_or(0, |bytes| c_int::from_ne_bytes(*bytes));
            Ok(Outcome::from_wait(WaitStatus(number)).into())
        }
        [FAILED, status, text @ ..] => {
            let text = String::from_utf8_lossy(text);
            let (message, hint) = text.split_once('\n').unwrap_or((&text, ""));
            Err(LaunchError { message: message.to_owned(), hint: hint.to_owned(), status: *status })
        }
        _ => Ok(Outcome::from_wait(status).into()),
    }
}

/// Other threads would not be there in the child, but their locks would.
fn refuse_threads() -> Result<(), LaunchError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        let message = format!("this program has {threads} threads, and only one can be taken into a new process");
        return Err(
            UsageError::with_hint(message, "call it first of all in main, before any thread is made").into()
        );
    }
    Ok(())
}
