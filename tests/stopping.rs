//! How a stop goes on: held back, enforced, sent to all; on the parent's death; and a pause, which only waits for one.

use crate::support::runner::Ended;
use crate::support::{Place, Running, eventually, pidone, play, privilege, procfs, run, shell, sys};
use std::time::{Duration, Instant};

const HUP: i32 = 1;
const INT: i32 = 2;
const QUIT: i32 = 3;
const KILL: i32 = 9;
const USR1: i32 = 10;
const TERM: i32 = 15;

/// pidone with a workload that says each signal it gets, and heeds none but SIGKILL.
fn start(place: Place, options: &[&str]) -> Running {
    let mut running = Running::start(&mut place.pidone(options, &play("signals")));
    running.expect("ready");
    running
}

/// Lets this much time pass.
fn pass(time: Duration) {
    let start = Instant::now();
    eventually("time passes", || (start.elapsed() >= time).then_some(()));
}

fn assert_killed(place: Place, ended: &Ended) {
    if place.re_raises() {
        ended.dies_by(KILL);
    } else {
        ended.exits(128 + KILL);
    }
}

#[test]
fn what_outlives_a_stop_signal_is_killed_and_named() {
    for place in Place::all() {
        for signal in [HUP, INT, QUIT, TERM] {
            let running = start(place, &["--stop-timeout", "60ms"]);
            let began = Instant::now();
            sys::kill(place.supervisor(&running), signal);
            let ended = running.end();
            assert!(began.elapsed() >= Duration::from_millis(60), "{place:?}: too early");
            assert_killed(place, &ended);
            let name = ["SIGHUP", "SIGINT", "SIGQUIT"].get(signal as usize - 1).unwrap_or(&"SIGTERM");
            let line = format!("warn: the workload still ran 60ms after {name}: killed ");
            let lines: Vec<_> = ended.stderr.lines().collect();
            assert!(lines[0].contains(&line) && lines[0].ends_with(" (player)"), "{ended:#?}");
            // In place as PID 1 the pidone above has nothing to add, and outer neither.
            assert_eq!(lines.len(), 1, "{ended:#?}");
        }
    }
}

#[test]
fn the_clock_starts_with_a_rewritten_stop_and_not_with_one_that_is_dropped_or_any_other_signal() {
    for place in Place::all() {
        let running = start(place, &["--stop-timeout=60ms", "--rewrite", "TERM:USR1"]);
        sys::kill(place.supervisor(&running), TERM);
        assert_killed(place, &running.end());

        let mut running = start(place, &["--stop-timeout=60ms", "--ignore", "TERM"]);
        let target = place.supervisor(&running);
        sys::kill(target, TERM);
        sys::kill(target, USR1);
        running.expect(&format!("signal {USR1} "));
        pass(Duration::from_millis(200));
        sys::kill(target, 12);
        running.expect("signal 12 ");
    }
}

#[test]
fn who_heeds_in_time_is_left_alone() {
    for place in Place::all() {
        let script = "trap 'sleep 0.05; exit 7' TERM; echo up; while :; do sleep 0.01; done";
        let mut running = Running::start(&mut place.pidone(&["--stop-timeout", "20"], &["sh", "-c", script]));
        running.expect("up");
        sys::kill(place.supervisor(&running), TERM);
        running.end().exits(7).silently();
    }
}

#[test]
fn zero_kills_at_once_and_the_first_stop_counts() {
    for place in Place::all() {
        let running = start(place, &["--stop-timeout", "0"]);
        sys::kill(place.supervisor(&running), TERM);
        let ended = running.end();
        assert_killed(place, &ended);
        assert!(ended.stderr.contains("still ran 0s after SIGTERM"), "{ended:#?}");
    }
    let running = start(Place::Subreaper, &["--stop-timeout", "150ms"]);
    running.signal(TERM);
    pass(Duration::from_millis(20));
    running.signal(INT);
    let ended = running.end();
    assert!(ended.exits(137).stderr.contains("150ms after SIGTERM"), "{ended:#?}");
}

#[test]
fn a_stop_is_held_back_and_other_signals_pass_meanwhile() {
    for place in Place::all() {
        let mut running = start(place, &["--stop-delay", "150ms"]);
        let target = place.supervisor(&running);
        let began = Instant::now();
        sys::kill(target, TERM);
        sys::kill(target, USR1);
        running.expect(&format!("signal {USR1} "));
        running.expect(&format!("signal {TERM} "));
        assert!(began.elapsed() >= Duration::from_millis(150), "{place:?}: too early");
        // It has waited once; what follows does not.
        sys::kill(target, HUP);
        running.expect(&format!("signal {HUP} "));
    }
}

#[test]
fn a_second_stop_ends_the_wait_and_nothing_is_lost_or_doubled() {
    for place in Place::all() {
        for (second, expected) in [(INT, &[INT][..]), (TERM, &[INT, TERM])] {
            let mut running = start(place, &["--stop-delay", "1h"]);
            let target = place.supervisor(&running);
            sys::kill(target, INT);
            let taken = || (procfs::signal_mask(target, "ShdPnd")? & (1 << (INT - 1)) == 0).then_some(());
            eventually("the first is taken", taken);
            // In new namespaces init takes it, after outer: show that it has, by a signal that overtakes it.
            sys::kill(target, USR1);
            running.expect(&format!("signal {USR1} "));
            sys::kill(target, second);
            for signal in expected {
                running.expect(&format!("signal {signal} "));
            }
            sys::kill(target, USR1);
            running.expect(&format!("signal {USR1} "));
        }
    }
}

#[test]
fn the_clock_of_a_stop_runs_from_when_it_is_forwarded() {
    let running = start(Place::Subreaper, &["--stop-delay=100ms", "--stop-timeout=100ms"]);
    let began = Instant::now();
    running.signal(TERM);
    let ended = running.end();
    ended.exits(137);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn stop_all_reaches_every_process_and_other_signals_the_workload_alone() {
    // One child in the workload's group, one in a session of its own, and one that is an orphan.
    let member = "trap 'echo got; exit' TERM; trap 'echo wrong' USR1; echo up; while :; do sleep 0.01; done";
    let script = format!(
        "trap 'echo main' TERM; trap 'echo usr1' USR1; m=\"{member}\"; \
         sh -c \"$m\" & setsid sh -c \"$m\" & (setsid sh -c \"$m\" &); \
         while [ ! -e /nonexistent ]; do wait; sleep 0.01; [ \"$stop\" ] && exit 5; done"
    );
    let script = script.replace("echo main", "echo main; stop=1");
    for place in Place::with_init() {
        let options = ["--stop-all", "--on-exit", "wait"];
        let mut running = Running::start(&mut place.pidone(&options, &["sh", "-c", &script]));
        (0..3).for_each(|_| drop(running.expect("up")));
        let target = place.supervisor(&running);
        sys::kill(target, USR1);
        running.expect("usr1");
        sys::kill(target, TERM);
        let mut ended = running.end().exits(5).stdout.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
        ended.sort();
        assert_eq!(ended, ["got", "got", "got", "main"], "{place:?}");
    }
}

#[test]
fn the_death_of_the_parent_is_forwarded() {
    for place in ["--in-place", "--map-root"] {
        if place == "--map-root" && !privilege::user_namespaces() {
            continue;
        }
        for (signal, number) in [("TERM", 15), ("RTMIN+1", 35), ("USR1", 10)] {
            let [player, role] = play("signals");
            let marker = format!("parent-{}-{number}{place}", std::process::id());
            let script = format!("$PIDONE {place} --pdeathsig {signal} -- {player} {role} {marker} & wait");
            let mut running = Running::start(privilege::as_nobody(&mut shell(&script)));
            running.expect("ready");
            running.signal(KILL);
            running.expect(&format!("signal {number} "));
            procfs::marked(&format!("{role}\0{marker}")).into_iter().for_each(|pid| sys::kill_if_there(pid, KILL));
            eventually("all is gone", || procfs::marked(&marker).is_empty().then_some(()));
        }
    }
}

#[test]
fn the_death_of_the_parent_can_kill_everything() {
    let marker = format!("parent-kill-{}", std::process::id());
    let [player, role] = play("signals");
    let script = format!(
        "$PIDONE --in-place --pdeathsig KILL -- sh -c '{player} {role} {marker} & {player} {role} {marker}' & wait"
    );
    let mut running = Running::start(&mut shell(&script));
    (0..2).for_each(|_| drop(running.expect("ready")));
    running.signal(KILL);
    eventually("all is gone", || procfs::marked(&marker).is_empty().then_some(()));
}

#[test]
fn b43_the_end_of_a_thread_is_no_death() {
    for place in Place::with_init().into_iter().filter(|place| *place != Place::PidOne) {
        let maker = std::thread::spawn(move || start(place, &["--pdeathsig", "TERM"]));
        let mut running = maker.join().expect("start it");
        sys::kill(running.pid(), USR1);
        running.expect(&format!("signal {USR1} "));
        pass(Duration::from_millis(50));
        sys::kill(running.pid(), 12);
        running.expect("signal 12 ");
    }
}

#[test]
fn a_pause_reaps_until_term_or_int() {
    for place in Place::with_init() {
        for (options, signal) in
            [(&["--pause"][..], TERM), (&["--pause"], INT), (&["--pause", "--rewrite", "HUP:INT"], HUP)]
        {
            let mut command = place.pidone(options, &[""; 0]);
            let mut running = Running::start(&mut command);
            let target = place.supervisor(&running);
            eventually("it waits", || {
                let init = if place.re_raises() { procfs::children(target).first().copied()? } else { target };
                let place_in_kernel = std::fs::read_to_string(format!("/proc/{init}/wchan")).ok()?;
                place_in_kernel.contains("sigtimedwait").then_some(())
            });
            for other in [USR1, QUIT, 35] {
                sys::kill(target, other);
            }
            assert!(running.is_running());
            sys::kill(target, signal);
            running.end().exits(0).silently();
        }
    }
    if privilege::has("bash") {
        let mut command = std::process::Command::new("bash");
        command
            .args(["-c", "exec 3<&0; (read -r _ <&3) & exec $PIDONE --in-place --pause"])
            .env("PIDONE", crate::support::binary())
            .stdin(std::process::Stdio::piped());
        let mut running = Running::start(&mut command);
        eventually("the child is there", || (procfs::children(running.pid()).len() == 1).then_some(()));
        drop(running.stdin());
        eventually("and reaped", || procfs::children(running.pid()).is_empty().then_some(()));
        running.signal(TERM);
        running.end().exits(0).silently();
    }
}

#[test]
fn what_needs_an_init_or_a_command_is_refused_without() {
    for option in ["--on-exit=wait", "--stop-all"] {
        let name = option.split('=').next().unwrap();
        run(&mut pidone(["--as-pid1", option, "--", "true"]))
            .exits(125)
            .says(&[name, "--as-pid1"], Some("--isolate"));
    }
    run(&mut pidone(["--as-pid1", "--pause"])).exits(125).says(&["--pause", "--as-pid1"], Some("--isolate"));
    run(&mut pidone(["--pause", "--uid", "0"])).exits(125).says(&["--pause"], Some("--uid"));
    run(&mut pidone(["--pause", "--stop-timeout", "1"])).exits(125).says(&["--pause"], Some("--stop-timeout"));
    run(&mut pidone(["--pause", "--", "true"]))
        .exits(125)
        .says(&["--pause runs no command"], Some("PIDONE_OPTIONS"));
}

#[test]
fn stopping_can_be_asked_for_in_the_environment() {
    let mut command = Place::Subreaper.pidone(&[], &play("signals"));
    command.env("PIDONE_OPTIONS", "--stop-timeout 50ms --map-exit 137:9");
    let mut running = Running::start(&mut command);
    running.expect("ready");
    running.signal(TERM);
    running.end().exits(9);
}
