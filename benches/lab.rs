//! Runs in: the benchmark. Builds what is measured, and runs it.

use crate::contestants::{self, Built, Contestant, Place};
use crate::sys::{self, Handle, Prepared};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything may take that is not measured.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Lab {
    pub built: Built,
    pub quick: bool,
    directory: PathBuf,
    null: File,
    processors: CpuSet,
}

impl Lab {
    /// Compiles the floors and copies the rest next to them, so that all lie in one place.
    pub fn set_up(quick: bool) -> io::Result<Self> {
        let directory = work_directory()?;
        let built = Built {
            pidone: directory.join("pidone"),
            floor_in_place: directory.join("in_place"),
            floor_isolated: directory.join("isolated"),
            nothing: directory.join("nothing"),
            player: directory.join("player"),
        };
        let pidone = std::env::var_os("PIDONE_BIN").unwrap_or(env!("CARGO_BIN_EXE_pidone").into());
        std::fs::copy(pidone, &built.pidone)?;
        std::fs::copy(std::env::current_exe()?, &built.player)?;
        for program in [&built.floor_in_place, &built.floor_isolated, &built.nothing] {
            compile(program)?;
        }
        // What is not yet written to the disk would count as dirty in whoever maps it.
        for entry in std::fs::read_dir(&directory)? {
            File::open(entry?.path())?.sync_all()?;
        }
        // Three descriptors for each of 500 instances.
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, most.min(4096), most)?;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let processors = sched_getaffinity(Pid::from_raw(0))?;
        Ok(Lab { built, quick, directory, null, processors })
    }

    /// How often to do something: as often as the figure needs, or `--quick`.
    pub fn runs(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn player(&self, role: &str, count: usize) -> Vec<String> {
        vec![self.built.player.display().to_string(), format!("play:{role}"), count.to_string()]
    }

    pub fn nothing(&self) -> Vec<String> {
        vec![self.built.nothing.display().to_string()]
    }

    /// Keeps this process, and all that it starts, on one processor or lets them go again. On one, what is measured is the
    /// work; on many, also how long an idle processor takes to wake up, which is a matter of the machine's.
    pub fn stay_on_one_processor(&self, stay: bool) -> io::Result<()> {
        let mut one = CpuSet::new();
        let last = (0..CpuSet::count()).rev().find(|cpu| self.processors.is_set(*cpu).unwrap_or(false));
        one.set(last.unwrap_or(0))?;
        Ok(sched_setaffinity(Pid::from_raw(0), if stay { &one } else { &self.processors })?)
    }

    /// Prepares a contestant for running a command that needs no input, and whose output nobody wants.
    pub fn prepare(&self, contestant: &Contestant, place: Place, command: &[String]) -> Prepared {
        let null = self.null.as_raw_fd();
        Prepared::new(&contestant.running(command), place == Place::PidOne, [null; 3])
    }

    /// Those that can run a command here; the others with the reason.
    pub fn entrants(&self, place: Place) -> (Vec<Contestant>, Vec<(&'static str, String)>) {
        let (found, missing) = contestants::all(place, &self.built);
        let mut fit = Vec::new();
        let mut unfit: Vec<_> = missing.into_iter().map(|name| (name, "not installed".to_owned())).collect();
        for contestant in found {
            match self.try_out(&contestant, place) {
                Ok(()) => fit.push(contestant),
                Err(why) => unfit.push((contestant.name, why)),
            }
        }
        (fit, unfit)
    }

    fn try_out(&self, contestant: &Contestant, place: Place) -> Result<(), String> {
        let path = self.directory.join("stderr");
        let stderr = File::create(&path).map_err(|error| error.to_string())?;
        let null = self.null.as_raw_fd();
        let words = contestant.running(&self.nothing());
        let prepared = Prepared::new(&words, place == Place::PidOne, [null, null, stderr.as_raw_fd()]);
        let status = prepared.start().and_then(sys::wait_for).map_err(|error| error.to_string())?;
        if status == 0 {
            return Ok(());
        }
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        Err(format!("exits with {status}: {}", said.lines().next().unwrap_or("no message")))
    }

    /// Starts a contestant with a role of `workloads.rs` in it, and waits until that is ready.
    pub fn play(&self, contestant: &Contestant, place: Place, role: &str, count: usize) -> io::Result<Playing> {
        let (stdin, orders) = io::pipe()?;
        let (answers, stdout) = io::pipe()?;
        let words = contestant.running(&self.player(role, count));
        let stdio = [stdin.as_raw_fd(), stdout.as_raw_fd(), self.null.as_raw_fd()];
        let pid = Prepared::new(&words, place == Place::PidOne, stdio).start()?;
        let mut playing = Playing { pid, inside: None, orders, answers };
        drop((stdin, stdout));
        playing.answers.read_exact(&mut [0])?;
        playing.inside = Some(Handle::of(child_of(pid)?)?);
        Ok(playing)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A contestant with a workload in it that does what it is told. Killed when dropped, and what is inside with it.
pub struct Playing {
    pub pid: i32,
    /// Its child, which not everybody takes along.
    inside: Option<Handle>,
    orders: PipeWriter,
    pub answers: PipeReader,
}

impl Playing {
    /// Has the workload do its work once. Returns what it answers.
    pub fn work(&mut self) -> io::Result<u64> {
        self.orders.write_all(b".")?;
        self.answer()
    }

    pub fn answer(&mut self) -> io::Result<u64> {
        let mut answer = [0; 8];
        self.answers.read_exact(&mut answer)?;
        Ok(u64::from_ne_bytes(answer))
    }

    /// The process that does the job of an init: itself, or the first that it has started.
    pub fn init(&self, place: Place) -> io::Result<i32> {
        if place == Place::Isolated { child_of(self.pid) } else { Ok(self.pid) }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = sys::kill(self.pid, nix::libc::SIGKILL);
        if let Some(inside) = &self.inside {
            inside.kill();
        }
        let _ = sys::wait_for(self.pid);
    }
}

/// The only child of a process, or the first.
pub fn child_of(pid: i32) -> io::Result<i32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let first = children.split_whitespace().next().and_then(|child| child.parse().ok());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{pid} has no child")))
}

/// Waits until a process sleeps, and has done so for a while: it has settled.
pub fn settle(pid: i32) -> io::Result<()> {
    let begin = Instant::now();
    let mut before = None;
    while begin.elapsed() < PATIENCE {
        let now = (proc_field(pid, "State")?, proc_field(pid, "voluntary_ctxt_switches")?);
        if now.0.starts_with('S') && before.as_ref() == Some(&now) {
            return Ok(());
        }
        before = Some(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("{pid} does not come to rest")))
}

/// A line of /proc/PID/status (proc(5)), without its name.
pub fn proc_field(pid: i32, name: &str) -> io::Result<String> {
    field(&format!("/proc/{pid}/status"), name)
}

pub fn field(file: &str, name: &str) -> io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{file} has no {name}"));
    Ok(line.ok_or_else(missing)?.trim().to_owned())
}

/// A directory in cargo's own, or where temporary files go if that belongs to another user.
fn work_directory() -> io::Result<PathBuf> {
    let name = format!("side-by-side-{}", std::process::id());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    if std::fs::create_dir(&directory).is_ok() {
        return Ok(directory);
    }
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory)?;
    Ok(directory)
}

/// With musl if there is a compiler for it: its start-up code is what pidone has, too, and as short as it can be.
fn compile(program: &Path) -> io::Result<()> {
    let name = program.file_name().unwrap_or_default();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/floor").join(name).with_extension("c");
    let compiler = compiler();
    let made = Command::new(compiler).args(["-static", "-O2", "-s", "-o"]).args([program, &source]).status()?;
    if made.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{compiler} cannot compile {}", source.display())))
    }
}

/// What the floors are compiled with.
pub fn compiler() -> &'static str {
    if contestants::find("musl-gcc").is_some() { "musl-gcc" } else { "gcc" }
}
