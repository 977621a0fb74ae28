//! The death of outer, at any instant, is the death of everything inside; and that of init is never passed over in silence.

use crate::support::{Place, Running, eventually, privilege, procfs, rounds, run, shell, sys};

/// A command that can be told from all others on this machine, with a child that has left its session.
fn marked_script(marker: &str) -> String {
    format!("setsid sleep {marker} & exec sleep {marker}")
}

/// A number of seconds that nobody else sleeps.
fn marker(test: u32, place: Place) -> String {
    format!("{}.{test}{}", 80_000 + std::process::id() % 10_000, place as u32)
}

fn kill_at_random_instants(options: &[&str], test: u32) {
    for place in Place::all().into_iter().filter(|place| !matches!(place, Place::Subreaper | Place::PidOne)) {
        let marker = marker(test, place);
        for round in 0..rounds(500) {
            let mut command = place.pidone(options, &["sh", "-c", &marked_script(&marker)]);
            let running = Running::start(&mut command);
            let start = std::time::Instant::now();
            // Spread over the whole start, which takes a few milliseconds.
            while start.elapsed().as_micros() < (round as u128 * 7919) % 6000 {
                std::hint::spin_loop();
            }
            running.signal(9);
            running.end().dies_by(9);
        }
        eventually("nobody is left", || procfs::marked(&marker).is_empty().then_some(()));
    }
}

#[test]
fn killing_outer_at_500_random_instants_leaves_nobody() {
    kill_at_random_instants(&[], 1);
}

#[test]
fn stopping_outer_keeps_the_inside_and_killing_it_then_does_not() {
    for place in Place::all().into_iter().filter(|place| !matches!(place, Place::Subreaper | Place::PidOne)) {
        let marker = marker(2, place);
        let mut running = Running::start(&mut place.shell(&format!("sleep {marker} & echo up; wait")));
        running.expect("up");
        running.signal(19);
        eventually("outer is stopped", || (procfs::state(running.pid()) == Some('T')).then_some(()));
        assert!(!procfs::marked(&marker).is_empty());
        running.signal(9);
        running.end().dies_by(9);
        eventually("nobody is left", || procfs::marked(&marker).is_empty().then_some(()));
    }
}

#[test]
fn a_change_of_ids_does_not_shed_the_tie() {
    if !privilege::privileged() {
        return;
    }
    let elsewhere = ["--map-users", "0:100000:10", "--map-groups", "0:100000:10"];
    for place in [Place::Isolated, Place::Bare] {
        for options in [&["--uid", "65534"][..], &elsewhere] {
            let marker = marker(4, place);
            let script = format!("echo up; exec sleep {marker}");
            let mut running = Running::start(&mut place.pidone(options, &["sh", "-c", &script]));
            running.expect("up");
            running.signal(9);
            running.end().dies_by(9);
            eventually("nobody is left", || procfs::marked(&format!("sleep\0{marker}")).is_empty().then_some(()));
        }
    }
}

#[test]
fn b43_init_notices_outers_death_without_pdeathsig() {
    if !privilege::privileged() || !privilege::has("strace") {
        return;
    }
    let marker = marker(3, Place::Isolated);
    // Every prctl of pidone is answered with success and not done, so only the pipe is left to tell.
    let script = format!(
        "exec strace -f -o /dev/null --inject=prctl:retval=0 $PIDONE -- sh -c 'echo up; exec sleep {marker}'"
    );
    let mut running = Running::start(&mut shell(&script));
    running.expect("up");
    let outer = procfs::only_child(running.pid());
    let init = procfs::only_child(outer);
    sys::kill(outer, 9);
    eventually("init is gone", || procfs::state(init).is_none_or(|state| state == 'Z').then_some(()));
    eventually("the workload is gone", || procfs::marked(&format!("sleep\0{marker}")).is_empty().then_some(()));
    drop(running);
}

#[test]
fn no_die_with_parent_lets_the_inside_live() {
    for place in Place::all().into_iter().filter(|place| !matches!(place, Place::Subreaper | Place::PidOne)) {
        let marker = marker(4, place);
        let script = format!("echo up; exec sleep {marker}");
        let mut running = Running::start(&mut place.pidone(&["--no-die-with-parent"], &["sh", "-c", &script]));
        running.expect("up");
        let child = procfs::only_child(running.pid());
        running.signal(9);
        // Dropped while it runs, it would take along what the test is about.
        eventually("outer is dead", || (!running.is_running()).then_some(()));
        drop(running);
        assert!(procfs::state(child).is_some_and(|state| state != 'Z'), "{place:?}");
        // Its PID 1 is what keeps the namespace; killing it ends the rest.
        sys::kill(child, 9);
        eventually("nobody is left", || procfs::marked(&marker).is_empty().then_some(()));
    }
}

#[test]
fn what_the_workload_leaves_behind_in_a_namespace_goes_with_it() {
    for place in Place::all().into_iter().filter(|place| *place != Place::Subreaper) {
        let marker = marker(5, place);
        let ended = run(&mut place.shell(&format!("setsid sleep {marker} >/dev/null 2>&1 & exit 8")));
        ended.exits(8);
        assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
    }
}

#[test]
fn an_init_that_dies_in_whatever_way_is_told_and_mirrored() {
    for place in [Place::Isolated, Place::MapRoot].into_iter().filter(|place| Place::with_init().contains(place)) {
        let marker = marker(6, place);
        for signal in [4, 6, 7, 8, 9, 11] {
            let script = format!("setsid sleep {marker} & echo up; exec sleep {marker}");
            let mut running = Running::start(&mut place.shell(&script));
            running.expect("up");
            sys::kill(procfs::only_child(running.pid()), signal);
            let ended = running.end();
            ended.dies_by(signal);
            // All but SIGKILL are for the workload when somebody sends them: that is how a core dump is asked for.
            let expected = if signal == 9 { "pidone[outer] warn: init was killed by SIGKILL" } else { "" };
            assert!(
                ended.stderr.starts_with(expected) && ended.stderr.is_empty() == expected.is_empty(),
                "{ended:#?}"
            );
            assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
        }
    }
}

#[test]
fn an_init_that_is_killed_while_it_waits_for_others_is_told_too() {
    for place in [Place::Isolated, Place::MapRoot].into_iter().filter(|place| Place::with_init().contains(place)) {
        let marker = marker(7, place);
        let script = format!("sleep {marker} & echo up; exit 0");
        let mut command = place.pidone(&["--on-exit", "wait"], &["sh", "-c", &script]);
        let mut running = Running::start(&mut command);
        running.expect("up");
        let init = procfs::only_child(running.pid());
        eventually("only the other one is left", || {
            let name = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let left = procfs::children(init);
            (left.iter().map(name).collect::<Vec<_>>() == ["sleep\n"]).then_some(())
        });
        sys::kill(init, 9);
        let ended = running.end();
        ended.dies_by(9);
        assert_eq!(ended.stderr, "pidone[outer] warn: init was killed by SIGKILL, and everything inside with it\n");
        assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
    }
}
