//! A fork bomb in a cgroup that holds it: the stop gets the better of it.

use crate::census::Census;
use crate::support::{Place, Running, eventually, play, privilege, procfs, sys};
use crate::{report, size};
use nix::libc::pid_t;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

const TERM: i32 = 15;

/// A cgroup in which there can be only so many processes, cgroups(7); removed when dropped, which needs it to be empty.
struct Fence {
    directory: PathBuf,
}

impl Fence {
    /// Below the root of version 1's hierarchy of `pids`, or of version 2's only one.
    fn new(most: usize) -> std::io::Result<Self> {
        let own = format!("pidone-storms-{}", std::process::id());
        let is_version_1 = Path::new("/sys/fs/cgroup/pids").is_dir();
        let root = if is_version_1 { "/sys/fs/cgroup/pids" } else { "/sys/fs/cgroup" };
        let directory = Path::new(root).join(own);
        fs::create_dir(&directory)?;
        let fence = Fence { directory };
        fs::write(fence.directory.join("pids.max"), most.to_string())?;
        Ok(fence)
    }

    fn current(&self) -> usize {
        let current = fs::read_to_string(self.directory.join("pids.current")).expect("count the fence's processes");
        current.trim().parse().expect("a number")
    }

    /// Whoever the command starts is inside.
    fn put_around(&self, command: &mut std::process::Command) {
        // Opened here: rights count as they were then, and the command may be an ordinary user's.
        let file = File::options().write(true).open(self.directory.join("cgroup.procs")).expect("open the fence");
        sys::before_exec(command, move || (&file).write_all(b"0"));
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.directory);
    }
}

/// The fence, if there can be one.
fn fence(most: usize) -> Option<Fence> {
    let fence = Fence::new(most);
    privilege::granted("a cgroup of pids", fence.as_ref().map(drop).map_err(|error| error.kind().into()));
    fence.ok()
}

fn is_stopped(census: &Census, place: Place, options: &[&str], signal: i32) {
    let most = size(60, 200);
    let Some(fence) = fence(most) else { return };
    let mut command = place.pidone(options, &play("fork-bomb"));
    fence.put_around(&mut command);
    let mut running = Running::start(&mut command);
    drop(command);
    running.expect("ready");
    let target: pid_t = place.supervisor(&running);
    eventually("the bomb has filled the fence", || (fence.current() == most).then_some(()));
    let start = Instant::now();
    sys::kill(target, signal);
    let ended = running.end();
    let took = start.elapsed();
    report(&format!("{place:?} {options:?}: {most} processes of a bomb stopped by {signal} after {took:?}"));
    if place.re_raises() {
        ended.dies_by(signal)
    } else {
        ended.exits(128 + signal)
    };
    assert_eq!(fence.current(), 0, "{}", procfs::tree());
    census.check(|_, _| ());
    fs::remove_dir(&fence.directory).expect("the fence is empty");
}

#[test]
fn a_fork_bomb_in_a_cgroup_is_stopped() {
    let census = Census::begin();
    for place in Place::with_init() {
        is_stopped(&census, place, &["--on-exit", "kill"], TERM);
        is_stopped(&census, place, &["--on-exit", "term", "--stop-timeout", "1s"], TERM);
    }
}
