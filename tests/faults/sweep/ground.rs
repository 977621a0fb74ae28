//! What a run stands on: a directory, a terminal, a namespace to enter; and whether it leaves them as they were.

use super::scenes::Scene;
use super::support::{self, privilege, procfs, sys as support_sys};
use super::sys;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::pty::{OpenptyResult, openpty};
use nix::sched::{CloneFlags, CpuSet, sched_setaffinity, unshare};
use nix::sys::termios::{LocalFlags, OutputFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

/// How long to wait for an answer; and when it is to be sure that there is none, however busy the machine.
const IMPATIENT: Duration = Duration::from_millis(500);
const PATIENT: Duration = Duration::from_secs(3);

/// One for each test process, which must have a single thread.
pub struct Ground {
    /// Where a run may put files; made anew for each.
    pub directory: PathBuf,
    /// After how long without an answer a signal is sent once more.
    pub patience: Duration,
    /// The controlling terminal of this process.
    pub terminal: OpenptyResult,
    /// The namespaces to enter: who keeps them, and their init.
    holder: Option<(Child, i32)>,
    /// Whether the mounts to be seen are nobody else's.
    has_own_mounts: bool,
}

/// What is to be the same after a run as before.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    mounts: String,
    pub files: BTreeSet<PathBuf>,
    /// Of the terminal: all its flags and characters.
    settings: String,
}

impl Ground {
    /// Makes this process, which leads a session, the one that adopts what is left behind, with mounts and a terminal of its
    /// own.
    pub fn prepare(number: usize) -> Self {
        // On one processor what happens is much the same each time; and Linux 6.18 numbers mount namespaces by processor, and
        // refuses to keep one (mount(2), of its file) whose number is lower than the caller's.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut own = CpuSet::new();
        own.set(number % processors).expect("a processor");
        // Ignoring the error: it may be one of those that are not ours.
        let _ = sched_setaffinity(Pid::from_raw(0), &own);
        nix::sys::prctl::set_child_subreaper(true).expect("become a subreaper");
        let has_own_mounts = privilege::privileged();
        if has_own_mounts {
            unshare(CloneFlags::CLONE_NEWNS).expect("make a mount namespace");
            // Cut off from the machine's; but shared with what is made from here, so that what travels out is seen.
            for propagation in [MsFlags::MS_PRIVATE, MsFlags::MS_SHARED] {
                mount(None::<&str>, "/", None::<&str>, propagation | MsFlags::MS_REC, None::<&str>)
                    .expect("share /");
            }
        }
        let terminal = openpty(None, None).expect("open a pseudo-terminal");
        sys::claim_terminal(terminal.slave.as_fd()).expect("have a terminal");
        let mut settings = tcgetattr(&terminal.slave).expect("read the settings");
        settings.local_flags.remove(LocalFlags::ECHO);
        settings.output_flags.remove(OutputFlags::OPOST);
        tcsetattr(&terminal.slave, SetArg::TCSANOW, &settings).expect("change the settings");
        let blocked =
            [libc::SIGCHLD, libc::SIGTTOU, libc::SIGHUP].iter().fold(0, |mask, signal| mask | 1 << (signal - 1));
        support_sys::block(blocked).expect("block SIGCHLD");
        Ground {
            directory: support::scratch("ground"),
            patience: IMPATIENT,
            terminal,
            holder: None,
            has_own_mounts,
        }
    }

    /// Does it with more patience.
    pub fn patiently<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        self.patience = PATIENT;
        let result = what(self);
        self.patience = IMPATIENT;
        result
    }

    /// Makes the files that a scene needs.
    pub fn lay_out(&mut self, scene: &Scene) {
        self.directory = support::scratch("ground");
        let place = |name: &str| self.directory.join(name);
        if scene.name.starts_with("rootfs") {
            support::scratch("ground/root");
            support::scratch("ground/from");
            let [player, _] = support::play("steps");
            fs::hard_link(player, place("root/player")).expect("link the workload");
            fs::write(place("root/secret"), "secret").expect("write a file");
            support::scratch("ground/root/secrets");
        }
        if scene.name == "enter" && self.holder.is_none() {
            self.hold();
        }
    }

    /// Starts who keeps the namespaces to enter.
    fn hold(&mut self) {
        let mut command = support::pidone(["--isolate", "--"]);
        let mut child =
            command.args(support::play("hold")).stdout(Stdio::piped()).spawn().expect("start the holder");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("hear of the holder");
        let init = procfs::only_child(child.id().cast_signed());
        self.holder = Some((child, init));
    }

    /// Gives up what was kept.
    pub fn release(&self) {
        let kept = self.directory.join("kept");
        if kept.exists() {
            let released = support::pidone(["release"]).arg(kept).output().expect("start the release");
            assert!(released.status.success(), "{released:?}");
        }
    }

    /// The init of the namespaces to enter.
    pub fn target(&self) -> i32 {
        self.holder.as_ref().map_or(0, |(_, init)| *init)
    }

    /// What is not to change.
    pub fn state(&self) -> State {
        let mountinfo = || fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
        let mut files = BTreeSet::new();
        collect(&self.directory, &mut files);
        State {
            mounts: if self.has_own_mounts { mountinfo() } else { String::new() },
            files,
            settings: describe(&tcgetattr(&self.terminal.slave).expect("read the settings")),
        }
    }

    /// How `now` differs from this, if files with these names may have been made.
    pub fn difference(&self, before: &State, now: &State, allowed: &BTreeSet<PathBuf>) -> Vec<String> {
        let mut found = Vec::new();
        let old: BTreeSet<_> = before.mounts.lines().collect();
        let changed = now.mounts.lines().filter(|line| !old.contains(line)).map(|line| format!("mounted: {line}"));
        found.extend(changed);
        if now.mounts.lines().count() < old.len() {
            found.push("a mount is gone".to_owned());
        }
        let made = now.files.difference(&before.files).filter(|path| !allowed.contains(*path));
        found.extend(made.map(|path| format!("made: {}", path.display())));
        found.extend(before.files.difference(&now.files).map(|path| format!("removed: {}", path.display())));
        if before.settings != now.settings {
            found.push("the settings of the terminal have changed".to_owned());
        }
        found
    }

    /// Makes `group` the foreground group of the terminal.
    pub fn give_terminal(&self, group: i32) {
        let _ = tcsetpgrp(&self.terminal.slave, Pid::from_raw(group));
    }

    /// Takes the terminal back; who had it.
    pub fn take_terminal(&self) -> Option<i32> {
        let had = tcgetpgrp(&self.terminal.slave).ok().map(Pid::as_raw);
        self.give_terminal(getpgrp().as_raw());
        had
    }

    /// The children of this process, those included that it has adopted, without who keeps the namespaces.
    pub fn children(&self) -> Vec<i32> {
        let list = fs::read_to_string("/proc/thread-self/children").expect("read the list of children");
        let holder = self.holder.as_ref().map_or(0, |(child, _)| child.id().cast_signed());
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != holder).collect()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.holder {
            support_sys::kill_if_there(child.id().cast_signed(), 15);
            let _ = child.wait();
        }
    }
}

fn describe(settings: &Termios) -> String {
    // The rest of the C library's array is nobody's.
    const OF_THE_KERNEL: usize = 19;
    let Termios { input_flags, output_flags, control_flags, local_flags, control_chars, .. } = settings;
    format!(
        "{input_flags:?} {output_flags:?} {control_flags:?} {local_flags:?} {:?}",
        &control_chars[..OF_THE_KERNEL]
    )
}

/// The paths below a directory, links not followed.
fn collect(directory: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), into);
        }
        into.insert(entry.path());
    }
}

/// For a PID 1 before its exec: mounts of its own, and the `/proc` of its PID namespace.
pub fn own_proc() -> std::io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_PRIVATE | MsFlags::MS_REC, None::<&str>)?;
    Ok(mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>)?)
}
