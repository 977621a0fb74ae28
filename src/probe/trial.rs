//! Runs in: probe, and outer of a trial. One run of the command: started, given time, sent its signal, and looked at.

use super::orphans::Orphans;
use super::output::Output;
use super::verdict::{Effect, Finding};
use super::{Purpose, Question, ReadySign, Rules, failure};
use crate::error::{Failure, Voice, reason};
use crate::exit::{Codes, Outcome};
use crate::forward;
use crate::handshake::own_pipe;
use crate::launch;
use crate::namespace::Kinds;
use crate::outer;
use crate::procfs::{self, Process};
use crate::request::{Place, RunRequest};
use crate::signal::Signal;
use crate::sys::{self, Forked, Reaped, SignalState, exit_now, wait_for};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, OpenHow, ResolveFlag, fcntl, open, openat, openat2};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid, read, setsid};
use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) struct Trial {
    purpose: Purpose,
    outer: Pid,
    /// How outer ended, once it is reaped: as the command did.
    ended: Option<Outcome>,
    /// PID 1 inside, as it is seen from here, and the command.
    inside: Option<(Process, Process)>,
    output: Output,
    /// At its end once the command runs, for then nobody holds the other end of it. What comes out is why it does not.
    complaints: OwnedFd,
    state: State,
}

enum State {
    Starting,
    GettingReady(Instant),
    /// The signal was sent then.
    Watching(Instant),
    Planting(Orphans),
    Over(Finding),
}

impl Trial {
    /// Starts a run.
    ///
    /// # Errors
    /// No pipe, no process.
    pub(super) fn start(purpose: Purpose, request: &RunRequest, signals: SignalState) -> Result<Self, Failure> {
        let (output, output_end) = own_pipe("output of a trial")?;
        let (complaints, complaints_end) = own_pipe("complaints of a trial")?;
        for end in [&output, &complaints] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|errno| failure("O_NONBLOCK", errno))?;
        }
        let probe = getpid();
        let number = complaints.as_raw_fd();
        match sys::clone_process(Kinds::NONE.clone_flags()).map_err(|errno| failure("clone", errno))? {
            Forked::Parent(outer) => Ok(Trial {
                purpose,
                outer,
                ended: None,
                inside: None,
                output: Output::new(output),
                complaints,
                state: State::Starting,
            }),
            Forked::Child => {
                drop((output, complaints));
                let _held = complaints_end;
                exit_now(run(request, signals, &output_end, (probe, number)));
            }
        }
    }

    /// Whether there is something left to wait for.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.state, State::Over(_))
    }

    /// What poll(2) is to look at.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let starting = matches!(self.state, State::Starting).then(|| self.complaints.as_fd());
        self.output.fd().into_iter().chain(starting).filter(|_| self.runs())
    }

    /// Does what is due.
    pub(super) fn step(&mut self, now: Instant, rules: &Rules) -> Result<(), Vec<u8>> {
        if !self.runs() {
            return Ok(());
        }
        let pattern = match &rules.ready {
            Some(ReadySign::Line(pattern)) => Some(pattern),
            _ => None,
        };
        if let Reaped::Child(_, status) = sys::reap(Some(self.outer)) {
            self.ended = Some(Outcome::from_wait(status));
        }
        self.output.read(pattern);
        if matches!(self.state, State::Starting) || self.ended.is_some() {
            let (complaint, is_whole) = self.complaint();
            if !complaint.is_empty() && self.ended.is_some() {
                return Err(complaint);
            }
            if matches!(self.state, State::Starting) && is_whole {
                self.state = State::GettingReady(now);
            }
        }
        self.advance(now, rules);
        if !self.runs() {
            self.end();
        }
        Ok(())
    }

    fn advance(&mut self, now: Instant, rules: &Rules) {
        let over = match (&mut self.state, self.ended) {
            (State::Over(_), _) => return,
            (State::Watching(since), Some(outcome)) => Finding::Effect(Effect::Ended(outcome), now - *since),
            (_, Some(outcome)) => Finding::Unknown(ended_by_itself(outcome, &self.output)),
            (State::Starting, None) => return,
            (State::GettingReady(since), None) => {
                let since = now - *since;
                if self.is_ready(since, rules) {
                    return self.act(now);
                }
                if rules.ready.is_none() || since < rules.ready_timeout {
                    return;
                }
                Finding::Unknown(format!("it was not ready within {}", forward::text(rules.ready_timeout)))
            }
            (State::Watching(since), None) => {
                let since = now - *since;
                if since < rules.wait {
                    return;
                }
                let is_stopped = self.inside.as_ref().is_some_and(|(_, command)| procfs::is_stopped(command));
                Finding::Effect(if is_stopped { Effect::Stopped } else { Effect::Survived }, since)
            }
            (State::Planting(orphans), None) => match orphans.step(now, rules.wait) {
                Some(finding) => finding,
                None => return,
            },
        };
        self.state = State::Over(over);
    }

    fn is_ready(&mut self, since: Duration, rules: &Rules) -> bool {
        match &rules.ready {
            None => since >= rules.settle,
            Some(ReadySign::Line(_)) => self.output.has_matched(),
            Some(ReadySign::File(path)) => {
                self.look_inside().is_some_and(|(_, command)| is_there(command.pid, path))
            }
        }
    }

    /// It is ready: sends the signal to PID 1, from outside, as an engine does; or puts orphans there.
    fn act(&mut self, now: Instant) {
        let Some((pid_1, command)) = self.look_inside() else {
            self.state = State::Over(Finding::Unknown("its PID 1 is not to be found in /proc".into()));
            return;
        };
        if procfs::is_stopped(&command) {
            self.state = State::Over(Finding::Unknown("it was stopped before there was a signal".into()));
            return;
        }
        let acted = match self.purpose.question {
            Question::Signal(signal) => send(&pid_1, signal).map(|()| State::Watching(now)),
            Question::Orphans => Orphans::plant(&pid_1).map(State::Planting),
        };
        self.state =
            acted.unwrap_or_else(|errno| State::Over(Finding::Unknown(format!("out of reach: {}", reason(errno)))));
    }

    /// PID 1 inside, and the command.
    fn look_inside(&mut self) -> Option<(Process, Process)> {
        if self.inside.is_none() {
            let all = procfs::processes();
            let oldest = |parent| procfs::of_parent(&all, parent).iter().min_by_key(|child| child.started).cloned();
            let pid_1 = oldest(self.outer)?;
            let command = if self.purpose.place == Place::Bare { pid_1.clone() } else { oldest(pid_1.pid)? };
            self.inside = Some((pid_1, command));
        }
        self.inside.clone()
    }

    /// Why the command does not run, as far as it has been said, and whether nobody is there to say more.
    fn complaint(&self) -> (Vec<u8>, bool) {
        let mut buffer = [0; 4096];
        match read(&self.complaints, &mut buffer) {
            Ok(length) => (buffer.get(..length).unwrap_or_default().to_vec(), length == 0),
            // EAGAIN: somebody still could.
            Err(_) => (Vec::new(), false),
        }
    }

    /// Ends it, if it has not ended yet: PID 1 inside is killed, and with it everybody there; outer, which waits for that, is
    /// reaped, and so nobody is left.
    pub(super) fn end(&mut self) {
        if let State::Planting(orphans) = &mut self.state {
            orphans.end();
        }
        if self.ended.is_some() {
            return;
        }
        let pid_1 = self.look_inside().map(|(pid_1, _)| pid_1);
        let killed = pid_1.as_ref().is_some_and(|pid_1| send(pid_1, Signal::KILL).is_ok());
        if !killed {
            // Inside notices, and ends. Ignoring the error: it has just ended by itself.
            let _ = sys::send(sys::Recipient::Process(self.outer), Signal::KILL);
        }
        self.ended = Some(Outcome::from_wait(wait_for(self.outer)));
        if let Some(pid_1) = pid_1 {
            // It has come to us, if outer was killed before it could reap.
            wait_for(pid_1.pid);
        }
    }

    /// What came of it.
    pub(super) fn take_finding(&mut self) -> Finding {
        match std::mem::replace(&mut self.state, State::Starting) {
            State::Over(finding) => finding,
            _ => Finding::Unknown("it was not tried".into()),
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.end();
    }
}

fn send(process: &Process, signal: Signal) -> nix::Result<()> {
    sys::send_checked(process.pid, signal, || procfs::started(process.pid) == Some(process.started))
}

/// Whether there is a file for this process: links on the way are those of its own root.
fn is_there(process: Pid, path: &Path) -> bool {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let Ok(root) = open(format!("/proc/{process}/root").as_str(), flags, Mode::empty()) else { return false };
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    match openat2(&root, path, how) {
        // Before Linux 5.6: as far as links do not lead out.
        Err(Errno::ENOSYS) => openat(&root, path.strip_prefix("/").unwrap_or(path), flags, Mode::empty()).is_ok(),
        found => found.is_ok(),
    }
}

fn ended_by_itself(outcome: Outcome, output: &Output) -> String {
    let last = output.last_line();
    let words = if last.is_empty() { String::new() } else { format!("; its last words: {last}") };
    format!("it ended by itself ({outcome}), so there was nothing to send a signal to{words}")
}

/// What becomes outer of a trial: in a session of its own, without a terminal, and with nothing to read. When probe dies it kills
/// everybody inside, and ends. Returns its exit status.
fn run(request: &RunRequest, signals: SignalState, output: &OwnedFd, (probe, complaints): (Pid, RawFd)) -> c_int {
    let failed = c_int::from(Codes::PIDONE.failed);
    // Until outer watches its parent. Ignoring the error: there is no filter that forbids this and lets clone pass.
    let _ = sys::set_parent_death_signal(Signal::KILL);
    if getppid() != probe {
        return failed;
    }
    // Fails for nobody who has just been made.
    let _ = setsid();
    let nothing = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
    let connected =
        nothing.and_then(dup2_stdin).and_then(|()| dup2_stdout(output)).and_then(|()| dup2_stderr(output));
    if connected.is_err() {
        return failed;
    }
    // SIGQUIT and its like would leave a file. Ignoring errors: to ask for less is always allowed.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
    match launch::carry_out(request, Codes::PIDONE, signals) {
        Ok((outcome, _)) => outer::end_like(outcome).into(),
        Err(refused) => {
            // All descriptors but stdio have been let go by now.
            let path = format!("/proc/{probe}/fd/{complaints}");
            let _ = open(path.as_str(), OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty()).and_then(dup2_stderr);
            refused.print(Voice::Pidone, Codes::PIDONE).into()
        }
    }
}
