//! Runs in: a program that uses this crate as a library. What is to be launched, and how; in the manner of
//! `std::process::Command`.

use super::asked::Asked;
use super::child::{self, Streams};
use super::launched::Launched;
use super::wait;
use super::{LaunchError, block_signals, refuse_threads};
use crate::error::UsageError;
use crate::exit::Outcome;
use crate::job::Job;
use crate::plan;
use crate::request::{self, Grouping, Place, RunRequest};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// What becomes of the other processes when the command, or the program that is supervised, is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExit {
    /// SIGKILL at once. The default.
    Kill,
    /// SIGTERM, and SIGKILL to what is left after the time for a stop, or after ten seconds.
    Term,
    /// Nothing, until the last one has ended by itself; meanwhile signals go to all of them.
    Wait,
}

impl From<OnExit> for request::OnExit {
    fn from(what: OnExit) -> Self {
        match what {
            OnExit::Kill => request::OnExit::Kill,
            OnExit::Term => request::OnExit::Term,
            OnExit::Wait => request::OnExit::Wait,
        }
    }
}

/// A command to run as `pidone [OPTIONS] -- COMMAND` does: by default in new PID and mount namespaces, under an init that reaps
/// and forwards.
///
/// ```no_run
/// let outcome = pidone::Launch::new("make").arg("test").map_root().run()?;
/// println!("make {outcome}");
/// # Ok::<(), pidone::LaunchError>(())
/// ```
///
/// The command finds what the calling program has: environment, working directory, open descriptors that are not close-on-exec,
/// stdin, stdout, stderr, signal mask; but for what is changed here. It dies when the calling program does. `PIDONE_OPTIONS` is
/// not read.
///
/// What is wrong with one of the values is told by [`run`](Launch::run) and [`spawn`](Launch::spawn), so that calls can be
/// chained.
#[derive(Debug)]
#[must_use = "nothing happens before run or spawn"]
pub struct Launch {
    asked: Asked,
    command: Vec<OsString>,
    streams: Streams,
    forwards: bool,
}

impl Launch {
    /// The program, looked for in PATH unless there is a slash in it.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let command = vec![program.as_ref().to_owned()];
        Launch { asked: Asked::nothing(), command, streams: Streams::default(), forwards: true }
    }

    /// One more argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.command.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Self {
        self.command.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// What the command finds as its own name, in place of the program's.
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.set("--argv0=", name)
    }

    /// Sets a variable. PATH also decides where the program is looked for.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.as_bytes().contains(&b'=') {
            let message = format!("this is no name of a variable: {}", name.display());
            self.asked.note(UsageError::with_hint(message, "there can be no '=' in one"));
            return self;
        }
        self.set("--env=", [name, value].join(OsStr::new("=")))
    }

    /// Sets variables.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(&mut self, vars: impl IntoIterator<Item = (N, V)>) -> &mut Self {
        vars.into_iter().fold(self, |launch, (name, value)| launch.env(name, value))
    }

    /// Takes a variable away.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.set("--unset-env=", name)
    }

    /// Takes all variables away; those set after it stay.
    pub fn env_clear(&mut self) -> &mut Self {
        self.option("--clear-env")
    }

    /// The directory to start in, with the rights of the user that the command becomes.
    pub fn current_dir(&mut self, directory: impl AsRef<OsStr>) -> &mut Self {
        self.set("--workdir=", directory)
    }

    /// The command's stdin, if not the caller's: a [`File`](std::fs::File), a [`PipeReader`](std::io::PipeReader), a socket.
    pub fn stdin(&mut self, from: impl Into<OwnedFd>) -> &mut Self {
        self.streams.stdin = Some(from.into());
        self
    }

    /// The command's stdout, if not the caller's. The reader of a pipe comes to its end when this `Launch` is gone, too, which
    /// holds the other end.
    ///
    /// ```no_run
    /// let (mut reader, writer) = std::io::pipe()?;
    /// let mut echo = pidone::Launch::new("echo").arg("hello").in_place().stdout(writer).spawn()?;
    /// assert_eq!(std::io::read_to_string(reader)?, "hello\n");
    /// assert!(echo.wait()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stdout(&mut self, to: impl Into<OwnedFd>) -> &mut Self {
        self.streams.stdout = Some(to.into());
        self
    }

    /// The command's stderr, if not the caller's; pidone's warnings go there, too.
    pub fn stderr(&mut self, to: impl Into<OwnedFd>) -> &mut Self {
        self.streams.stderr = Some(to.into());
        self
    }

    /// Runs it as this user, by name or number, or as this `USER:GROUP`. One that stands in `/etc/passwd` brings group,
    /// supplementary groups and HOME along.
    pub fn user(&mut self, user: impl Display) -> &mut Self {
        self.set("--uid=", user.to_string())
    }

    /// Runs it with this group, by name or number.
    pub fn group(&mut self, group: impl Display) -> &mut Self {
        self.set("--gid=", group.to_string())
    }

    /// No new PID namespace: init becomes a child subreaper beside the calling program. Needs no privilege.
    pub fn in_place(&mut self) -> &mut Self {
        self.asked.request.place = Some(Place::InPlace);
        self
    }

    /// New PID and mount namespaces, in which init is PID 1. The default. Needs CAP_SYS_ADMIN, or [`map_root`](Launch::map_root),
    /// or [`map_current`](Launch::map_current).
    pub fn isolate(&mut self) -> &mut Self {
        self.asked.request.place = Some(Place::Isolated);
        self
    }

    /// The same, but there is no init: the command itself is PID 1, and has to reap; signals that it has no handler for are
    /// dropped.
    pub fn as_pid1(&mut self) -> &mut Self {
        self.asked.request.place = Some(Place::Bare);
        self
    }

    /// The command is root in a new user namespace.
    pub fn map_root(&mut self) -> &mut Self {
        self.option("--map-root")
    }

    /// The command keeps its ids in a new user namespace.
    pub fn map_current(&mut self) -> &mut Self {
        self.option("--map-current")
    }

    /// The host name in a new UTS namespace.
    pub fn hostname(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.set("--hostname=", name)
    }

    /// SIGKILL to a command that still runs so long after a SIGTERM, SIGINT, SIGQUIT or SIGHUP was forwarded to it.
    pub fn stop_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.asked.stop_timeout(timeout);
        self
    }

    /// What becomes of the others when the command is gone.
    pub fn on_exit(&mut self, what: OnExit) -> &mut Self {
        self.asked.on_exit(what);
        self
    }

    /// An option of the `pidone` program, as one word: `--new-session`, `--bind=/srv:/srv`. They act in the order given, and
    /// override what was set before. A word that is no option is an error; it never becomes the command.
    pub fn option(&mut self, option: impl AsRef<OsStr>) -> &mut Self {
        self.options([option])
    }

    /// Options of the `pidone` program; here the value of one may also be a word of its own.
    pub fn options<S: AsRef<OsStr>>(&mut self, options: impl IntoIterator<Item = S>) -> &mut Self {
        self.asked.options(options);
        self
    }

    /// Whether signals that come to the calling process while it waits are forwarded to the command. The default is that they
    /// are; what that means is told at [`run`](Launch::run). If not, they act on the calling process as they always do. The
    /// command has the foreground of the terminal in any case: Ctrl-C reaches it alone, of which the caller hears by the
    /// [`Outcome`], and Ctrl-Z stops both.
    pub fn forward_signals(&mut self, forward: bool) -> &mut Self {
        self.forwards = forward;
        self
    }

    /// Runs the command, waits, and returns how it ended.
    ///
    /// While it waits, the calling process acts as an init does: each signal that comes to it is forwarded to the command, once
    /// and with its value; Ctrl-Z stops both, and the shell's `fg` continues both. The command has the foreground of the
    /// terminal, if the caller had it. Signals that the caller blocks stay pending for it, as does what the kernel says of the
    /// caller itself (SIGCHLD of other children, SIGALRM, SIGIO). Afterwards its mask, its handlers and the foreground are what
    /// they were.
    ///
    /// # Errors
    /// Why it did not run: more than one thread; an option that is none, or that cannot be carried out; a command that is not
    /// there.
    pub fn run(&self) -> Result<Outcome, LaunchError> {
        let request = self.checked()?;
        let grouping = if self.forwards { plan::possible(Grouping::Own) } else { Grouping::Shared };
        let signals = block_signals()?;
        let job = Job::new(grouping);
        let started = child::start(request, &self.streams, grouping, job.terminal(), signals);
        match started {
            Ok(started) if self.forwards => started.outcome(wait::for_end(started.pid, job, &signals)),
            started => {
                wait::give_back(&signals);
                Launched::new(started?, grouping, false).wait()
            }
        }
    }

    /// Starts the command, and leaves it to itself: as a shell does with `&`, it does not get the terminal before
    /// [`wait`](Launched::wait). That it could not be run is told by [`wait`](Launched::wait), too.
    ///
    /// # Errors
    /// More than one thread; an option that is none; there can be no more processes.
    pub fn spawn(&self) -> Result<Launched, LaunchError> {
        let request = self.checked()?;
        let grouping = plan::possible(Grouping::Own);
        let signals = block_signals()?;
        let started = child::start(request, &self.streams, grouping, None, signals);
        wait::give_back(&signals);
        Ok(Launched::new(started?, grouping, self.forwards))
    }

    fn set(&mut self, option: &str, value: impl AsRef<OsStr>) -> &mut Self {
        let mut word = OsString::from(option);
        word.push(value);
        self.option(word)
    }

    fn checked(&self) -> Result<RunRequest, LaunchError> {
        refuse_threads()?;
        Ok(RunRequest { command: self.command.clone(), ..self.asked.checked()?.clone() })
    }
}
