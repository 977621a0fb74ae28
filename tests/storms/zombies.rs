//! As many zombies as there are pids, all at once: somebody does not wait for its children, and then dies.

use crate::census::Census;
use crate::support::{Place, Running, eventually, play, privilege, procfs, sys};
use crate::{is_full, report, size};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

const TERM: i32 = 15;

struct Crowd {
    running: Running,
    init: i32,
    /// Who has made them, a child of the workload.
    parent: i32,
    /// To let the parent die.
    word: std::process::ChildStdin,
}

/// All zombies are there, and their parent lives.
fn gather(place: Place, count: usize) -> Crowd {
    let mut command = place.pidone(&[], &play("zombies"));
    command.arg(count.to_string()).stdin(Stdio::piped());
    let mut running = Running::start(&mut command);
    running.expect("ready");
    let init = if place == Place::Subreaper { running.pid() } else { procfs::only_child(running.pid()) };
    let workload = procfs::only_child(init);
    let parent = procfs::only_child(workload);
    eventually("all of them are zombies", || {
        let children = procfs::children(parent);
        let are_zombies = children.iter().all(|child| procfs::state(child) == Some('Z'));
        (are_zombies && children.len() == count).then_some(())
    });
    Crowd { word: running.stdin().expect("a piped stdin"), running, init, parent }
}

fn init_reaps(census: &Census, place: Place, count: usize) {
    let Crowd { running, init, parent, mut word } = gather(place, count);
    let start = Instant::now();
    word.write_all(b"\n").expect("let the parent die");
    // The workload reaps their parent, which has handed them over before, and stays.
    eventually("the parent is gone", || procfs::state(parent).is_none().then_some(()));
    eventually("all zombies are reaped", || (procfs::children(init).len() == 1).then_some(()));
    report(&format!("{place:?}: {count} zombies reaped within {:?}", start.elapsed()));
    sys::kill(place.supervisor(&running), TERM);
    running.end().exits(4).silently();
    census.check(|_, _| ());
}

fn stop_works_meanwhile(census: &Census, place: Place, count: usize) {
    let Crowd { running, mut word, .. } = gather(place, count);
    let target = place.supervisor(&running);
    let start = Instant::now();
    word.write_all(b"\n").expect("let the parent die");
    sys::kill(target, TERM);
    running.end().exits(4).silently();
    let took = start.elapsed();
    report(&format!("{place:?}: stopped among {count} zombies after {took:?}"));
    assert!(took < Duration::from_secs(20), "{took:?}");
    census.check(|_, _| ());
}

/// In a single place at full size, which leaves hardly a pid to the rest of the machine.
fn places() -> Vec<Place> {
    match (is_full(), privilege::privileged()) {
        (true, true) => vec![Place::Isolated],
        (true, false) => vec![Place::Subreaper],
        (false, _) => Place::with_init(),
    }
}

#[test]
fn all_zombies_of_a_parent_that_dies_are_reaped() {
    let census = Census::begin();
    places().into_iter().for_each(|place| init_reaps(&census, place, size(3000, 30_000)));
}

#[test]
fn a_stop_passes_while_the_zombies_are_reaped() {
    let census = Census::begin();
    places().into_iter().for_each(|place| stop_works_meanwhile(&census, place, size(3000, 30_000)));
}
