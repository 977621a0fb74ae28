//! Runs in: probe, and outer of a trial. One run of the command: started, given time, sent its signal, and looked at.

use super::known::Known;
use super::orphans::Orphans;
use super::output::Output;
use super::verdict::{Effect, Finding};
use super::{Purpose, Question, Rules, failure};
use crate::errno::reason;
use crate::error::{Failure, Voice};
use crate::exit::{Codes, Outcome};
use crate::files;
use crate::handshake::own_pipe;
use crate::launch;
use crate::namespace::Kinds;
use crate::outer;
use crate::procfs;
use crate::request::{Place, Ready, RunRequest};
use crate::signal::Signal;
use crate::stop;
use crate::sys::{self, Forked, Reaped, SignalState, exit_now, wait_for};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, OpenHow, ResolveFlag, fcntl, openat2};
use nix::poll::{PollFd, PollFlags};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid, read, setsid};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString, c_int};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

pub(super) struct Trial {
    purpose: Purpose,
    outer: Pid,
    /// How outer ended, once it is reaped: as the command did.
    ended: Option<Outcome>,
    /// PID 1 inside, as it is seen from here, and the command.
    inside: Option<(Known, Known)>,
    output: Output,
    /// At its end once the command runs, for then nobody holds the other end of it. What comes out is why it does not.
    complaints: OwnedFd,
    phase: Phase,
    /// When that began.
    since: Duration,
    orphans: Option<Orphans>,
    /// What came of it, once it is over.
    finding: Option<Finding>,
}

/// How long a command gets to settle.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    GettingReady,
    /// The signal was sent, or there are orphans on their way.
    Watching,
}

impl Trial {
    /// Starts a run.
    ///
    /// # Errors
    /// No pipe, no process.
    pub(super) fn start(purpose: Purpose, request: &RunRequest, signals: &SignalState) -> Result<Self, Failure> {
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
                phase: Phase::Starting,
                since: Duration::ZERO,
                orphans: None,
                finding: None,
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
        self.finding.is_none()
    }

    /// What poll(2) is to look at.
    pub(super) fn push_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Some(fd) = self.output.fd().filter(|_| self.runs()) {
            fds.push(PollFd::new(fd, PollFlags::POLLIN));
        }
        if self.phase == Phase::Starting && self.runs() {
            fds.push(PollFd::new(self.complaints.as_fd(), PollFlags::POLLIN));
        }
    }

    /// Does what is due.
    pub(super) fn step(&mut self, now: Duration, rules: &Rules<'_>) -> Result<(), Vec<u8>> {
        if !self.runs() {
            return Ok(());
        }
        if let Reaped::Child(_, status) = sys::reap(Some(self.outer)) {
            self.ended = Some(Outcome::from_wait(status));
        }
        self.output.read(rules.ready_line.as_ref());
        if self.phase == Phase::Starting || self.ended.is_some() {
            let (complaint, is_whole) = self.complaint();
            if !complaint.is_empty() && self.ended.is_some() {
                return Err(complaint);
            }
            if self.phase == Phase::Starting && is_whole {
                (self.phase, self.since) = (Phase::GettingReady, now);
            }
        }
        self.finding = self.find(now, rules);
        if !self.runs() {
            self.end();
        }
        Ok(())
    }

    /// What there is to be found by now; `None`: nothing yet.
    // For the sake of size: a frame of its own is a small one.
    #[inline(never)]
    fn find(&mut self, now: Duration, rules: &Rules<'_>) -> Option<Finding> {
        let since = now - self.since;
        if let Some(outcome) = self.ended {
            if self.phase == Phase::Watching && self.orphans.is_none() {
                return Some(Finding::Effect(Effect::Ended(outcome), since));
            }
            let last = self.output.last_line();
            let words = if last.is_empty() { "" } else { "; its last words: " };
            let why =
                format!("it ended by itself ({outcome}), so there was nothing to send a signal to{words}{last}");
            return Some(Finding::Unknown(why.into()));
        }
        if let Some(orphans) = &mut self.orphans {
            return orphans.step(now, rules.wait);
        }
        match self.phase {
            Phase::Starting => None,
            Phase::GettingReady => {
                if self.is_ready(since, rules) {
                    return self.act(now).err().map(Finding::Unknown);
                }
                if rules.options.ready.is_none() || since < rules.ready_timeout {
                    return None;
                }
                let why = format!("it was not ready within {}", stop::text(rules.ready_timeout));
                Some(Finding::Unknown(why.into()))
            }
            Phase::Watching if since < rules.wait => None,
            Phase::Watching => {
                let is_stopped = self.inside.is_some_and(|(_, command)| command.is_stopped());
                Some(Finding::Effect(if is_stopped { Effect::Stopped } else { Effect::Survived }, since))
            }
        }
    }

    fn is_ready(&mut self, since: Duration, rules: &Rules<'_>) -> bool {
        match &rules.options.ready {
            None => since >= rules.options.settle.unwrap_or(SETTLE),
            Some(Ready::Output(_)) => self.output.has_matched(),
            Some(Ready::File(path)) => self.look_inside().is_some_and(|(_, command)| is_there(command.pid, path)),
        }
    }

    /// It is ready: sends the signal to PID 1, from outside, as an engine does; or puts orphans there.
    ///
    /// # Errors
    /// Why that cannot be.
    fn act(&mut self, now: Duration) -> Result<(), Cow<'static, str>> {
        let (pid_1, command) = self.look_inside().ok_or("its PID 1 is not to be found in /proc")?;
        if command.is_stopped() {
            return Err("it was stopped before there was a signal".into());
        }
        let acted = match self.purpose.question {
            Question::Signal(signal) => pid_1.send(signal),
            Question::Orphans => Orphans::plant(pid_1, now).map(|orphans| self.orphans = Some(orphans)),
        };
        (self.phase, self.since) = (Phase::Watching, now);
        acted.map_err(|errno| format!("out of reach: {}", reason(errno)).into())
    }

    /// PID 1 inside, and the command.
    fn look_inside(&mut self) -> Option<(Known, Known)> {
        if self.inside.is_none() {
            let all = procfs::processes();
            let pid_1 = Known::oldest_child(&all, self.outer)?;
            let is_bare = self.purpose.place == Place::Bare;
            let command = if is_bare { pid_1 } else { Known::oldest_child(&all, pid_1.pid)? };
            self.inside = Some((pid_1, command));
        }
        self.inside
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
        if let Some(orphans) = &mut self.orphans {
            orphans.end();
        }
        if self.ended.is_some() {
            return;
        }
        let pid_1 = self.look_inside().map(|(pid_1, _)| pid_1);
        if pid_1.is_none_or(|pid_1| pid_1.send(Signal::KILL).is_err()) {
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
    pub(super) fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }
}

/// Whether there is a file for this process: links on the way are those of its own root.
fn is_there(process: Pid, path: &OsStr) -> bool {
    let mut there = OsString::from(format!("/proc/{process}/root"));
    let (Ok(root), Ok(name)) = (files::open(&there, OFlag::O_PATH), files::c_path(path)) else { return false };
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    match openat2(&root, name.as_c_str(), how) {
        // Before Linux 5.6: as far as links do not lead out.
        Err(Errno::ENOSYS) => {
            there.push(path);
            files::open(&there, OFlag::O_PATH).is_ok()
        }
        found => found.is_ok(),
    }
}

/// What becomes outer of a trial: in a session of its own, without a terminal, and with nothing to read. When probe dies it kills
/// everybody inside, and ends. Returns its exit status.
fn run(request: &RunRequest, signals: &SignalState, output: &OwnedFd, (probe, complaints): (Pid, RawFd)) -> c_int {
    let failed = c_int::from(Codes::PIDONE.failed);
    // Until outer watches its parent. Ignoring the error: there is no filter that forbids this and lets clone pass.
    let _ = sys::set_parent_death_signal(Signal::KILL);
    if getppid() != probe {
        return failed;
    }
    // Fails for nobody who has just been made.
    let _ = setsid();
    let nothing = files::open(OsStr::new("/dev/null"), OFlag::O_RDONLY);
    let connected =
        nothing.and_then(dup2_stdin).and_then(|()| dup2_stdout(output)).and_then(|()| dup2_stderr(output));
    if connected.is_err() {
        return failed;
    }
    // SIGQUIT and its like would leave a file. Ignoring errors: to ask for less is always allowed.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = sys::set_limit(Resource::RLIMIT_CORE, 0, hard);
    }
    match launch::carry_out(request, Codes::PIDONE, *signals) {
        Ok((outcome, _)) => outer::end_like(outcome).into(),
        Err(refused) => {
            // All descriptors but stdio have been let go by now.
            let path = format!("/proc/{probe}/fd/{complaints}");
            let _ = files::open(OsStr::new(&path), OFlag::O_WRONLY).and_then(dup2_stderr);
            refused.print(Voice::Pidone, Codes::PIDONE).into()
        }
    }
}
