//! Whatever ends is reaped, and only the workload's end is the end.

use crate::support::{Place, Running, eventually, play, procfs, rounds, run, shell, sys};
use nix::libc::SIGCHLD;

/// Whether no child of `init` is a zombie.
fn no_zombies(init: i32) -> bool {
    procfs::children(init).into_iter().all(|child| procfs::state(child) != Some('Z'))
}

/// The process that adopts orphans: pidone itself, or the child of outer.
fn init_of(place: Place, running: &Running) -> i32 {
    if place == Place::Subreaper { running.pid() } else { procfs::only_child(running.pid()) }
}

#[test]
fn orphans_are_adopted_and_leave_no_zombies() {
    for place in Place::with_init() {
        let mut running = Running::start(&mut place.pidone(&[], &play("orphans")));
        running.expect("ready");
        let init = init_of(place, &running);
        eventually("all 300 orphans reaped", || {
            (procfs::children(init).len() == 1 && no_zombies(init)).then_some(())
        });
    }
}

#[test]
fn b1_forty_deaths_in_the_instant_of_the_workloads_own_do_not_hide_it() {
    for place in Place::with_init() {
        for _ in 0..rounds(200) {
            run(&mut place.pidone(&[], &play("mass-death"))).exits(7).silently();
        }
    }
}

#[test]
fn b3_an_ignored_sigchld_neither_hangs_pidone_nor_is_lost_for_the_workload() {
    for place in Place::all() {
        let mut command = place.pidone(&[], &["grep", "SigIgn:", "/proc/self/status"]);
        sys::before_exec(&mut command, || sys::ignore(SIGCHLD));
        let ended = run(&mut command);
        ended.exits(0).silently();
        let ignored = u64::from_str_radix(ended.stdout.trim().rsplit('\t').next().unwrap(), 16).unwrap();
        assert_ne!(ignored & (1 << (SIGCHLD - 1)), 0, "{ended:#?}");
    }
}

#[test]
fn b7_children_of_the_program_that_became_pidone_are_not_the_workload() {
    if !crate::support::privilege::has("perl") {
        return;
    }
    for options in ["--in-place", "--isolate", "--as-pid1"] {
        if options != "--in-place" && !crate::support::privilege::privileged() {
            continue;
        }
        // Two children exist before pidone does: one that is a zombie already, with another code, and one that lives as
        // long as the workload does.
        let parent = "exit 9 if !($early = fork); exec qw(sleep 1000) if !($late = fork); \
            for (;;) { open F, qq(/proc/$early/stat); last if <F> =~ /\\) Z/ } \
            $| = 1; print qq($late $$\\n); exec @ARGV";
        let script = format!("exec perl -e '{parent}' $PIDONE {options} -- sh -c 'echo up; read line; exit 4'");
        let (reader, writer) = std::io::pipe().unwrap();
        let mut running = Running::start(shell(&script).stdin(reader));
        let line = running.line();
        let (sleeper, supervisor) = line.split_once(' ').unwrap();
        let supervisor: i32 = supervisor.parse().unwrap();
        running.expect("up");
        eventually("the early child is reaped", || no_zombies(supervisor).then_some(()));
        eventually("the late child sleeps", || (procfs::state(sleeper) == Some('S')).then_some(()));
        sys::kill(sleeper.parse().unwrap(), 9);
        eventually("the late child is reaped", || procfs::state(sleeper).is_none().then_some(()));
        assert!(running.is_running());
        drop(writer);
        running.end().exits(4);
    }
}

#[test]
fn a_workload_that_ends_at_once_is_not_missed() {
    for place in Place::all() {
        for _ in 0..rounds(100) {
            run(&mut place.pidone(&[], &["true"])).exits(0).silently();
        }
    }
}
