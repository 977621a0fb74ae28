//! Each signal exactly once, with its value, from any instant on.

use crate::support::{Place, Running, eventually, play, privilege, procfs, rounds, shell, sys};

const USR1: i32 = 10;
const PIPE: i32 = 13;
const TERM: i32 = 15;
/// SIGRTMIN+1 of glibc.
const REAL_TIME: i32 = 35;

/// All that is forwarded: 1 to 64 without KILL, CHLD and STOP.
fn forwarded() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| !matches!(signal, 9 | 17 | 19))
}

/// pidone with a workload that says each signal it gets.
fn start(place: Place, options: &[&str]) -> Running {
    let mut running = Running::start(&mut place.pidone(options, &play("signals")));
    running.expect("ready");
    running
}

#[test]
fn every_signal_arrives_exactly_once_in_every_place() {
    for place in Place::all() {
        let mut running = start(place, &[]);
        let target = place.supervisor(&running);
        for signal in forwarded() {
            sys::kill(target, signal);
            // The next line being the next signal's is what shows that none arrives twice.
            running.expect(&format!("signal {signal} code 0 "));
        }
    }
}

#[test]
fn three_thousand_queued_signals_keep_count_order_and_value() {
    for place in Place::all() {
        let mut running = start(place, &[]);
        let target = place.supervisor(&running);
        for value in 0..3000 {
            eventually("room in the queue", || sys::sigqueue(target, REAL_TIME, value).then_some(()));
        }
        for value in 0..3000 {
            let line = running.expect(&format!("signal {REAL_TIME} code -1 value {value} "));
            if place == Place::Subreaper {
                assert!(line.contains(&format!(" pid {} ", std::process::id())), "the sender is passed on: {line}");
            }
        }
        sys::kill(target, USR1);
        running.expect(&format!("signal {USR1} "));
    }
}

#[test]
fn a_full_queue_delays_but_loses_nothing_and_standard_signals_pass() {
    for place in Place::with_init() {
        let mut running = Running::start(&mut place.pidone(&[], &play("reluctant")));
        running.expect("ready");
        let target = place.supervisor(&running);
        for value in 0..50 {
            eventually("room in the queue", || sys::sigqueue(target, REAL_TIME, value).then_some(()));
        }
        sys::kill(target, USR1);
        running.expect(&format!("signal {USR1} "));
        for value in 0..50 {
            running.expect(&format!("signal {REAL_TIME} code -1 value {value} "));
        }
    }
}

#[test]
fn what_halves_tell_each_other_while_signals_are_held_back_reaches_nobody_else() {
    if !privilege::privileged() {
        return;
    }
    let mut running = Running::start(&mut Place::Isolated.pidone(&[], &play("reluctant")));
    running.expect("ready");
    for value in 0..20 {
        eventually("room in the queue", || sys::sigqueue(running.pid(), REAL_TIME, value).then_some(()));
    }
    // A stop is reported from half to half, which is itself done by a real-time signal.
    let workload = procfs::only_child(procfs::only_child(running.pid()));
    sys::kill(workload, 19);
    eventually("the workload is stopped", || (procfs::state(workload) == Some('T')).then_some(()));
    running.signal(18);
    running.signal(USR1);
    running.expect(&format!("signal {USR1} "));
    running.expect("signal 18 ");
    for value in 0..20 {
        running.expect(&format!("signal {REAL_TIME} code -1 value {value} "));
    }
    running.signal(USR1);
    running.expect(&format!("signal {USR1} "));
}

#[test]
fn a_signal_at_any_instant_of_the_start_is_not_lost() {
    // Not as PID 1: the kernel drops what reaches one that has not got round to blocking it.
    for place in Place::with_init().into_iter().filter(|place| *place != Place::PidOne) {
        for round in 0..rounds(150) {
            let running = Running::start(&mut place.pidone(&[], &["sleep", "1000"]));
            busy_wait(round * 40 % 6000);
            // Before pidone has blocked it, it kills pidone; afterwards the workload. One of the two, always.
            running.signal(TERM);
            let ended = running.end();
            if ended.status.code().is_none() {
                ended.dies_by(TERM)
            } else {
                ended.exits(128 + TERM)
            };
        }
    }
}

/// Spends about this many microseconds without giving up the processor.
fn busy_wait(micros: usize) {
    let start = std::time::Instant::now();
    while start.elapsed().as_micros() < micros as u128 {
        std::hint::spin_loop();
    }
}

/// A shell that has a child in its process group, which tells when TERM arrives.
const PARENT_AND_CHILD: &str = "trap 'echo parent; exit 0' TERM; \
    sh -c 'trap \"echo child; exit\" TERM; echo child-ready; while :; do sleep 0.01; done' & \
    echo parent-ready; while :; do wait; done";

#[test]
fn by_default_only_the_workload_is_signalled() {
    for place in Place::with_init() {
        let mut running = Running::start(&mut place.shell(PARENT_AND_CHILD));
        let mut started = [running.line(), running.line()];
        started.sort();
        assert_eq!(started, ["child-ready", "parent-ready"]);
        let target = place.supervisor(&running);
        let all = procfs::descendants(running.pid());
        sys::kill(target, TERM);
        running.expect("parent");
        // As a subreaper pidone is not there any more to end the child, which still holds stdout.
        if place == Place::Subreaper {
            all.into_iter().for_each(|pid| sys::kill_if_there(pid, 9));
        }
        let ended = running.end();
        assert!(!ended.stdout.contains("child"), "{ended:#?}");
    }
}

#[test]
fn with_group_the_whole_process_group_is_signalled() {
    // The parent outlives the child, and with it the namespace, until that has told.
    const PARENT_WAITS: &str = "trap 'echo parent; t=1' TERM; \
        sh -c 'trap \"echo child; exit\" TERM; echo child-ready; while :; do sleep 0.01; done' & \
        echo parent-ready; while [ -z \"$t\" ] || kill -0 $! 2>/dev/null; do wait; done; exit 0";
    for place in Place::all() {
        let mut running = Running::start(&mut place.pidone(&["-g"], &["sh", "-c", PARENT_WAITS]));
        let mut lines = vec![running.line(), running.line()];
        sys::kill(place.supervisor(&running), TERM);
        lines.extend([running.line(), running.line()]);
        lines.sort();
        assert_eq!(lines, ["child", "child-ready", "parent", "parent-ready"], "{place:?}");
        running.end().exits(0);
    }
}

#[test]
fn with_group_a_queued_value_arrives_too() {
    for place in Place::with_init() {
        let mut running = start(place, &["--group"]);
        let target = place.supervisor(&running);
        eventually("room in the queue", || sys::sigqueue(target, REAL_TIME, 42).then_some(()));
        running.expect(&format!("signal {REAL_TIME} code -1 value 42 "));
    }
}

#[test]
fn b13_a_workload_that_changed_its_uid_does_not_bring_init_down() {
    if !privilege::privileged() || !privilege::has("setpriv") {
        return;
    }
    let script = "exec setpriv --bounding-set -kill --inh-caps -kill $PIDONE --in-place -- \
        setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo ready $$; exec sleep 1000'";
    let mut running = Running::start(&mut shell(script));
    let workload: i32 = running.expect("ready ")[6..].parse().unwrap();
    running.signal(TERM);
    running.signal(USR1);
    // Both are through init when the second has been tried: nothing is left pending there.
    eventually("init has taken both", || {
        let pending = procfs::signal_mask(running.pid(), "ShdPnd")?;
        (pending == 0 && procfs::state(running.pid()) == Some('S')).then_some(())
    });
    assert!(running.is_running() && procfs::state(workload).is_some_and(|state| state != 'Z'));
    sys::kill(workload, 9);
    let ended = running.end();
    ended.exits(137);
    for name in ["SIGTERM", "SIGUSR1"] {
        let warning = format!("cannot forward {name} to the workload: Operation not permitted (EPERM)");
        assert!(ended.stderr.contains(&warning), "{ended:#?}");
    }
}

#[test]
fn a_log_nobody_reads_does_not_turn_into_a_sigpipe_for_the_workload() {
    for place in [Place::Subreaper, Place::Isolated] {
        if place == Place::Isolated && !privilege::privileged() {
            continue;
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.pidone(&["-vvv"], &play("signals"));
        sys::pass_fd(&mut command, writer.into(), 2);
        let mut running = Running::start(&mut command);
        running.expect("ready");
        for _ in 0..3 {
            running.signal(USR1);
            running.expect(&format!("signal {USR1} "));
        }
        running.signal(PIPE);
        running.expect(&format!("signal {PIPE} "));
        running.signal(USR1);
        running.expect(&format!("signal {USR1} "));
    }
}

#[test]
fn an_alarm_set_before_exec_still_reaches_the_workload() {
    if !privilege::has("perl") {
        return;
    }
    for option in ["--in-place", "--isolate"] {
        if option == "--isolate" && !privilege::privileged() {
            continue;
        }
        let script = format!("exec perl -e 'alarm 1; exec @ARGV' $PIDONE {option} -- sleep 1000");
        let ended = Running::start(&mut shell(&script)).end();
        if option == "--isolate" {
            ended.dies_by(14)
        } else {
            ended.exits(128 + 14)
        };
    }
}

#[test]
fn a_signal_for_the_process_group_during_the_start_arrives_once() {
    for place in Place::all().into_iter().filter(|place| *place != Place::PidOne) {
        for round in 0..rounds(60) {
            let mut command = place.pidone(&[], &play("signals"));
            // Queued where it is blocked, it would be counted twice; blocked from the start, it also waits for the player.
            sys::before_exec(&mut command, || sys::block(1 << (REAL_TIME - 1)));
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            let mut running = Running::start(&mut command);
            busy_wait(round * 50 % 3000);
            sys::kill(-running.pid(), REAL_TIME);
            running.expect("ready");
            running.expect(&format!("signal {REAL_TIME} "));
            running.signal(USR1);
            running.expect(&format!("signal {USR1} "));
        }
    }
}

#[test]
fn signals_are_rewritten_or_dropped_as_asked() {
    for place in Place::all() {
        let options =
            ["--rewrite", "USR1:RTMIN+2", "--ignore", "SIGUSR2", "--rewrite", "35:12", "--rewrite", "HUP:0"];
        let mut running = start(place, &options);
        let target = place.supervisor(&running);
        // What comes between, and is dropped, would be said before what comes after.
        for (sent, arrives) in [(USR1, Some(36)), (12, None), (TERM, Some(TERM)), (1, None), (2, Some(2))] {
            sys::kill(target, sent);
            if let Some(arrives) = arrives {
                running.expect(&format!("signal {arrives} code 0 "));
            }
        }
        eventually("room in the queue", || sys::sigqueue(target, REAL_TIME, 7).then_some(()));
        running.expect("signal 12 code -1 value 7 ");
    }
}
