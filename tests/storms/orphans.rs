//! More orphans than there are pids, one after the other.

use crate::census::Census;
use crate::support::{Place, Running, eventually, play, privilege, procfs};
use crate::{report, size};
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

/// How many orphans lie between two looks at init.
const STEP: usize = 1000;

/// What init holds of memory, in kB. Not VmRSS, which the kernel counts in batches.
fn resident(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("read the memory of init");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).expect("Rss");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
}

/// The process that adopts, as far as this place lets one see it.
fn init_of(place: Place, running: &Running) -> i32 {
    if place == Place::Subreaper { running.pid() } else { procfs::only_child(running.pid()) }
}

fn all_are_reaped(census: &Census, place: Place, count: usize) {
    let mut command = place.pidone(&[], &play("orphan-storm"));
    command.args([count.to_string(), STEP.to_string()]).stdin(Stdio::piped());
    let mut running = Running::start(&mut command);
    let mut word = running.stdin().expect("a piped stdin");
    let start = Instant::now();
    let (mut memory, mut files) = (Vec::new(), Vec::new());
    for made in (STEP..=count).step_by(STEP) {
        running.expect(&format!("made {made}"));
        let init = init_of(place, &running);
        // Who made them stays, and is the only child.
        eventually("all orphans are reaped", || (procfs::children(init).len() == 1).then_some(()));
        memory.push(resident(init));
        files.push(procfs::fds(init));
        word.write_all(b"\n").expect("go on");
    }
    running.end().exits(3).silently();
    census.check(|_, _| ());
    let (least, most) = memory.iter().fold((u64::MAX, 0), |(least, most), kb| (least.min(*kb), most.max(*kb)));
    let took = start.elapsed();
    report(&format!("{place:?}: {count} orphans in {took:?}; RSS {least} to {most} kB, {} fds", files[0].len()));
    assert!(files.iter().all(|fds| *fds == files[0]), "{place:?}: {files:?}");
    // A page or a few: the kernel may map what lies around, from the page cache, at any later fault.
    assert!(most <= least + 16, "{place:?}: RSS in kB after each {STEP}: {memory:?}");
}

#[test]
fn a_million_orphans_leave_nothing_in_init() {
    let census = Census::begin();
    if privilege::privileged() {
        all_are_reaped(&census, Place::Isolated, size(20_000, 1_000_000));
    }
    for place in Place::with_init() {
        all_are_reaped(&census, place, size(5_000, 100_000));
    }
}
