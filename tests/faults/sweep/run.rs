//! One run of a scene, with a fault or without: starts it, leads it through its steps, and waits until nothing is left.

use super::ground::{Ground, own_proc};
use super::scenes::{Scene, Start};
use super::support::{procfs, sys as support_sys};
use super::sys;
use super::tracer::{Census, Fault, Tracer};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long a run may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long others may still be there when the process that was started has ended. The kernel kills without waiting.
const GRACE: Duration = Duration::from_secs(2);
/// How the lines begin that say so.
pub const PROCESS_LEFT: &str = "process left";
pub const TERMINAL_NOT_BACK: &str = "the terminal is not given back";

/// What became of it.
pub struct Run {
    /// The process that was started.
    pub root: i32,
    /// The exit status, as a shell has it.
    pub status: Option<i32>,
    /// What the workload has said.
    pub said: Vec<String>,
    pub stderr: String,
    /// How often a signal had to be sent once more.
    pub repeats: u32,
    pub hits: u32,
    pub census: Census,
    /// What is left, and what is not as it was.
    pub left: Vec<String>,
    /// The files that there are now.
    pub files: BTreeSet<PathBuf>,
}

/// What the workload is to be told next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Start,
    Signal,
    Stop,
    Continue,
    End,
}

/// Runs it. Files with names in `allowed` may have been made.
pub fn run(scene: &Scene, ground: &mut Ground, fault: Option<Fault>, allowed: &BTreeSet<PathBuf>) -> Run {
    ground.lay_out(scene);
    let before = ground.state();
    let mut run = Play::start(scene, ground, fault).watch();
    let had = ground.take_terminal();
    if scene.start == Start::OnTerminal && had != Some(run.root) {
        run.left.push(format!("{TERMINAL_NOT_BACK}: {had:?} has it, and not {}", run.root));
    }
    if scene.name == "keep" && !run.said.is_empty() {
        // They are to be kept, and are not this run's to be found.
        ground.release();
    }
    let now = ground.state();
    run.left.extend(ground.difference(&before, &now, allowed));
    run.files = now.files;
    ground.release();
    run
}

fn as_a_shell_has_it(status: i32) -> i32 {
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) }
}

struct Play<'a> {
    scene: &'a Scene,
    ground: &'a Ground,
    tracer: Tracer,
    stdout: Pipe,
    stderr: Pipe,
    step: Step,
    /// When it was last heard of.
    since: Instant,
    repeats: u32,
    said: Vec<String>,
}

impl<'a> Play<'a> {
    fn start(scene: &'a Scene, ground: &'a Ground, fault: Option<Fault>) -> Self {
        let mut command = scene.command(ground);
        let (stderr, its_stderr) = std::io::pipe().expect("make a pipe");
        command.stderr(its_stderr);
        let on_terminal = scene.start == Start::OnTerminal;
        let stdout = if on_terminal {
            let slave = || ground.terminal.slave.try_clone().expect("duplicate the terminal");
            command.stdin(slave()).stdout(slave());
            ground.terminal.master.try_clone().expect("duplicate the terminal")
        } else {
            let (reader, writer) = std::io::pipe().expect("make a pipe");
            command.stdin(Stdio::null()).stdout(writer);
            support_sys::before_exec(&mut command, || Ok(nix::unistd::setsid().map(drop)?));
            reader.into()
        };
        if scene.start == Start::AsPidOne {
            support_sys::before_exec(&mut command, own_proc);
        }
        let in_foreground = |pid| {
            if on_terminal {
                let _ = nix::unistd::setpgid(Pid::from_raw(pid), Pid::from_raw(pid));
                ground.give_terminal(pid);
            }
        };
        let root = sys::start_traced(&mut command, scene.start == Start::AsPidOne, in_foreground);
        Play {
            scene,
            ground,
            tracer: Tracer::new(root.expect("start it"), fault),
            stdout: Pipe::new(stdout),
            stderr: Pipe::new(stderr.into()),
            step: Step::Start,
            since: Instant::now(),
            repeats: 0,
            said: Vec::new(),
        }
    }

    fn watch(mut self) -> Run {
        let left = self.until_nothing_is_left();
        let Play { tracer, mut stderr, said, repeats, .. } = self;
        Run {
            root: tracer.root,
            status: tracer.ended.map(as_a_shell_has_it),
            said,
            stderr: stderr.all(),
            repeats,
            hits: tracer.hits,
            census: tracer.census,
            left,
            files: BTreeSet::new(),
        }
    }

    /// Returns what was left when all should have been over.
    fn until_nothing_is_left(&mut self) -> Vec<String> {
        let start = Instant::now();
        let news = support_sys::signalfd(1 << (libc::SIGCHLD - 1)).expect("make a signalfd");
        let mut news = File::from(news);
        let mut ended_at = None;
        loop {
            self.tracer.go_on();
            for line in self.stdout.lines() {
                self.has_said(&line);
                self.said.push(line);
            }
            self.stderr.fill();
            let mut others = Vec::new();
            if self.tracer.ended.is_some() {
                others = self.ground.children();
                if others.is_empty() {
                    return Vec::new();
                }
            } else {
                self.go_on();
            }
            let since_the_end =
                self.tracer.ended.map(|_| ended_at.get_or_insert_with(Instant::now).elapsed()).unwrap_or_default();
            if since_the_end > GRACE || start.elapsed() > DEADLINE {
                return self.break_off(others);
            }
            let pause = PollTimeout::from(if self.step == Step::Stop || !others.is_empty() { 1u8 } else { 100 });
            let mut fds = [news.as_fd(), self.stdout.file.as_fd(), self.stderr.file.as_fd()]
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            // What is at its end would be ready for ever.
            let _ = poll(if self.stdout.is_at_end { &mut fds[..1] } else { &mut fds }, pause);
            let is_news = fds[0].any() == Some(true);
            if is_news {
                let _ = news.read(&mut [0; 128 * 8]);
            }
        }
    }

    /// A line of the workload's, and what it is to be told thereupon.
    fn has_said(&mut self, line: &str) {
        let next = match line {
            "stopping" => Step::Stop,
            "continued" => Step::End,
            _ if line.starts_with("ready") => Step::Signal,
            _ => return,
        };
        self.take(next);
    }

    fn take(&mut self, step: Step) {
        self.step = step;
        self.since = Instant::now();
        self.tell();
    }

    /// Sends what belongs to this step to the process that was started; or, if it has been asked often enough in vain, to the
    /// workload itself.
    fn tell(&mut self) {
        const OFTEN: u32 = 2;
        let whom = self.tracer.workload.filter(|_| self.repeats > OFTEN).unwrap_or(self.tracer.root);
        match self.step {
            Step::Start | Step::Stop => {}
            Step::Signal => support_sys::kill_if_there(whom, libc::SIGUSR1),
            Step::Continue => {
                if self.scene.start == Start::OnTerminal {
                    // As a shell's `fg` does.
                    self.ground.give_terminal(self.tracer.root);
                }
                support_sys::kill_if_there(whom, libc::SIGCONT);
            }
            Step::End => support_sys::kill_if_there(whom, libc::SIGTERM),
        }
    }

    /// What time brings: a stop is looked for, and a signal sent again that seems to have got lost.
    fn go_on(&mut self) {
        let is_late = self.since.elapsed() > self.ground.patience;
        if self.step == Step::Stop {
            let has_stopped = self.tracer.workload.and_then(procfs::state).is_some_and(|state| state == 'T');
            let is_seen = self.scene.start != Start::OnTerminal || self.tracer.is_stopped;
            if is_late || (has_stopped && is_seen) {
                self.repeats += u32::from(is_late);
                self.take(Step::Continue);
            }
        } else if is_late && self.scene.start == Start::OnTerminal && self.tracer.is_stopped {
            // The job has stopped after all, or again: `fg`.
            self.repeats += 1;
            self.ground.give_terminal(self.tracer.root);
            support_sys::kill_if_there(self.tracer.root, libc::SIGCONT);
            self.tell();
        } else if is_late && self.step != Step::Start {
            self.repeats += 1;
            self.since = Instant::now();
            self.tell();
        }
    }

    /// Kills whoever is left, and says who that was.
    fn break_off(&mut self, others: Vec<i32>) -> Vec<String> {
        let own = std::process::id().cast_signed();
        let mut left: Vec<String> = Vec::new();
        if self.tracer.ended.is_none() {
            left.push(format!("still runs, at step {:?}", self.step));
            support_sys::kill_if_there(self.tracer.root, libc::SIGKILL);
        }
        let describe = |pid: i32| {
            let name = procfs::status(pid, "Name").unwrap_or_default();
            format!("{PROCESS_LEFT}: {pid} ({name}), {:?}", procfs::state(pid))
        };
        left.extend(others.into_iter().map(describe));
        let start = Instant::now();
        while !self.ground.children().is_empty() && start.elapsed() < DEADLINE {
            for pid in self
                .ground
                .children()
                .into_iter()
                .flat_map(|child| [vec![child], procfs::descendants(child)].concat())
            {
                assert_ne!(pid, own);
                support_sys::kill_if_there(pid, libc::SIGKILL);
            }
            self.tracer.go_on();
            std::thread::sleep(Duration::from_millis(2));
        }
        left
    }
}

/// Output that is read as it comes.
struct Pipe {
    file: File,
    bytes: Vec<u8>,
    is_at_end: bool,
}

impl Pipe {
    fn new(file: OwnedFd) -> Self {
        let file = File::from(file);
        fcntl(&file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("do not wait for output");
        Pipe { file, bytes: Vec::new(), is_at_end: false }
    }

    fn fill(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => break self.is_at_end = true,
                Ok(length) => self.bytes.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }

    /// The whole lines that have come.
    fn lines(&mut self) -> Vec<String> {
        self.fill();
        let whole = self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.bytes.drain(..whole).collect();
        String::from_utf8_lossy(&lines).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    fn all(&mut self) -> String {
        self.fill();
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}
