//! What becomes of the other processes when the workload is gone.

use crate::support::{Place, Running, copy, eventually, play, privilege, procfs, run, scratch, sys};
use std::time::{Duration, Instant};

const KILL: i32 = 9;
const USR1: i32 = 10;
const TERM: i32 = 15;

/// A number of seconds that nobody else sleeps.
fn marker(test: u32, place: Place) -> String {
    format!("{}.{test}{}", 60_000 + std::process::id() % 10_000, place as u32)
}

/// Waits until init has reaped the workload, and has only so many children left.
fn until_the_workload_is_gone(place: Place, running: &Running, left: usize) {
    let target = place.supervisor(running);
    let init = if place.re_raises() { procfs::only_child(target) } else { target };
    eventually("the workload is gone", || (procfs::children(init).len() == left).then_some(()));
}

#[test]
fn nobody_is_left_when_the_workload_is_gone() {
    for place in Place::with_init() {
        let marker = marker(1, place);
        // In sessions of their own, orphans, orphans of orphans, one that is stopped.
        let script = format!(
            "setsid sleep {marker} & (setsid sh -c 'sleep {marker} & sleep {marker} & wait' &); \
             (sh -c 'kill -STOP $$; sleep {marker}' &) ; \
             f() {{ if [ $1 -gt 0 ]; then (f $(($1 - 1)) & sleep {marker}) & fi; sleep {marker}; }}; f 20 & \
             sleep 0.1; exit 7"
        );
        run(&mut place.shell(&script)).exits(7).silently();
        assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
    }
}

#[test]
fn with_term_they_are_told_and_may_take_their_time() {
    for place in Place::with_init() {
        let member = "trap 'sleep 0.1; echo told; exit' TERM; echo up; while :; do sleep 0.01; done";
        let script = format!("m=\"{member}\"; setsid sh -c \"$m\" & (setsid sh -c \"$m\" &); read x; exit 7");
        let mut command = place.pidone(&["--on-exit", "term"], &["sh", "-c", &script]);
        let (reader, writer) = std::io::pipe().expect("make a pipe");
        let mut running = Running::start(command.stdin(reader));
        drop(command);
        (0..2).for_each(|_| drop(running.expect("up")));
        drop(writer);
        let ended = running.end();
        assert_eq!(ended.exits(7).stdout, "told\ntold\n", "{place:?}");
        assert!(!ended.stderr.contains("pidone"), "{ended:#?}");
    }
}

#[test]
fn with_term_the_stubborn_are_killed_and_named() {
    for place in Place::with_init() {
        let marker = marker(2, place);
        let script = format!(
            "(trap '' TERM; setsid sleep {marker} & setsid sleep {marker} & wait) & \
             while [ $(ps -eo comm,args | grep -c '^sleep .*{marker}') -lt 2 ]; do :; done; kill -USR1 $$"
        );
        let began = Instant::now();
        let options = ["--on-exit", "term", "--stop-timeout", "100ms"];
        let ended = run(&mut place.pidone(&options, &["sh", "-c", &script]));
        assert!(began.elapsed() >= Duration::from_millis(100));
        if place.re_raises() {
            ended.dies_by(USR1)
        } else {
            ended.exits(128 + USR1)
        };
        assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
        let lines: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{ended:#?}");
        assert!(lines[0].contains("warn: some still ran 100ms after SIGTERM: killed "), "{ended:#?}");
        assert_eq!(lines[0].matches("(sleep)").count(), 2, "{ended:#?}");
    }
}

#[test]
fn with_wait_the_last_one_ends_it_and_signals_reach_all() {
    for place in Place::with_init() {
        let member = "trap 'echo usr1' USR1; trap 'echo term; exit' TERM; echo up; while :; do sleep 0.01; done";
        let script = format!("m=\"{member}\"; (setsid sh -c \"$m\" &); (setsid sh -c \"$m\" &); exit 7");
        let mut running = Running::start(&mut place.pidone(&["--on-exit", "wait"], &["sh", "-c", &script]));
        (0..2).for_each(|_| drop(running.expect("up")));
        until_the_workload_is_gone(place, &running, 2);
        let target = place.supervisor(&running);
        // Those that have no handler for it would die of it: their sleeps do, and they go on.
        sys::kill(target, USR1);
        (0..2).for_each(|_| drop(running.expect("usr1")));
        assert!(running.is_running());
        sys::kill(target, TERM);
        assert_eq!(running.end().exits(7).stdout, "term\nterm\n", "{place:?}");
    }
}

#[test]
fn a_stop_during_wait_is_enforced_too() {
    for place in Place::with_init() {
        let script = "(sh -c 'trap \"\" TERM; echo ready; exec sleep 1000' &); exit 7";
        let options = ["--on-exit", "wait", "--stop-timeout", "60ms"];
        let mut running = Running::start(&mut place.pidone(&options, &["sh", "-c", script]));
        running.expect("ready");
        until_the_workload_is_gone(place, &running, 1);
        let target = place.supervisor(&running);
        sys::kill(target, TERM);
        let ended = running.end();
        ended.exits(7);
        assert!(ended.stderr.contains("some still ran 60ms after SIGTERM: killed "), "{ended:#?}");
        assert!(ended.stderr.contains("(sleep)"), "{ended:#?}");
    }
}

#[test]
fn b7_children_from_before_are_not_ours_to_end() {
    if !privilege::has("bash") {
        return;
    }
    let marker = marker(3, Place::Subreaper);
    for policy in ["kill", "term", "wait"] {
        let script = format!(
            "exec $PIDONE --in-place --on-exit {policy} -- sh -c 'setsid sleep {marker}9 & sleep 0.05; exit 3' \
             < <(exec sleep {marker})"
        );
        let mut command = std::process::Command::new("bash");
        command.args(["-c", &script]).env("PIDONE", crate::support::binary());
        let mut running = Running::start(&mut command);
        if policy == "wait" {
            eventually("the workload is gone", || {
                let children = procfs::children(running.pid());
                let is_sleep = |pid: &i32| procfs::status(pid, "Name").as_deref() == Some("sleep");
                (children.len() == 2 && children.iter().all(is_sleep)).then_some(())
            });
            assert!(running.is_running());
            procfs::marked(&format!("sleep\0{marker}9")).into_iter().for_each(|pid| sys::kill(pid, KILL));
        }
        let left =
            eventually("the end", || (!running.is_running()).then(|| procfs::marked(&format!("sleep\0{marker}"))));
        left.iter().for_each(|pid| sys::kill(*pid, KILL));
        assert_eq!(left.len(), 1, "{policy}: {left:?}");
        running.end().exits(3).silently();
    }
}

#[test]
fn who_is_beyond_reach_is_left_and_named() {
    if !privilege::privileged() {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let [player, _] = play("hold");
    let program = scratch("beyond").join("player");
    copy(player.as_ref(), &program);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).expect("set set-user-ID");
    let script = format!("{} play:root & read x", program.display());
    let (reader, writer) = std::io::pipe().expect("make a pipe");
    let mut running = Running::start(Place::Subreaper.shell(&script).stdin(reader));
    let pid: i32 = running.expect("root ").split(' ').next_back().unwrap().parse().unwrap();
    drop(writer);
    let status = eventually("the end", || (!running.is_running()).then(|| procfs::state(pid)));
    sys::kill(pid, KILL);
    assert!(status.is_some(), "it could not be killed");
    let ended = running.end();
    let line =
        format!("cannot send SIGKILL to {pid} (player): Operation not permitted (EPERM); it is left running");
    assert!(ended.stderr.contains(&line), "{ended:#?}");
}

#[test]
fn whose_first_thread_has_ended_is_found_too() {
    if !privilege::has("perl") {
        return;
    }
    // A process of two threads whose first one is gone: it shows as a zombie, and is none.
    let [player, _] = play("threads");
    for place in Place::with_init() {
        for policy in ["kill", "term"] {
            let marker = marker(6, place);
            let script = format!("{player} play:threads {marker} & read x");
            let (reader, writer) = std::io::pipe().expect("make a pipe");
            let options = ["--on-exit", policy, "--stop-timeout", "100ms"];
            let mut command = place.pidone(&options, &["sh", "-c", &script]);
            let mut running = Running::start(command.stdin(reader));
            running.expect("threads");
            drop((command, writer));
            running.end();
            assert_eq!(procfs::marked(&marker), [0; 0], "{place:?} {policy}");
        }
    }
}

#[test]
fn a_chain_that_is_always_somebody_elses_child_does_not_get_away() {
    for place in Place::with_init() {
        for _ in 0..crate::support::rounds(5) {
            let marker = marker(7, place);
            // Each makes the next one and ends: whoever looks at one of them is too late.
            let script = format!("f() {{ (f &) ; }}; true {marker}; f & sleep 0.05; exit 7");
            // The shell itself ends the chain at a depth of 1000, and says so, where the machine is that fast.
            let ended = run(&mut place.pidone(&[], &["sh", "-c", &script]));
            assert!(!ended.exits(7).stderr.contains("pidone"), "{ended:#?}");
            assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
        }
    }
}

#[test]
fn ctrl_z_while_init_stays_on_stops_the_job_and_freezes_no_pid_1() {
    for place in crate::support::options() {
        let Some(mut bash) = crate::support::pty::Session::bash() else { return };
        let fifo = scratch("stays-on").join("fifo");
        bash.send(&format!(
            "mkfifo {0}; $PIDONE {place} --on-exit wait -- sh -c '(echo u\"\"p; read x <{0}; echo last $x) & exit 3'\n",
            fifo.display()
        ));
        bash.expect("\r\nup");
        // Pidone has the terminal again: fields 5 and 8 of proc_pid_stat(5), the group and the foreground one.
        let shell = bash.child.id().to_string();
        eventually("the terminal is given back", || {
            let pidone = procfs::children(shell.parse().unwrap()).first().copied()?;
            let stat = std::fs::read_to_string(format!("/proc/{pidone}/stat")).ok()?;
            let fields: Vec<_> = stat.rsplit(") ").next()?.split(' ').collect();
            let init = if place == "--isolate" { procfs::children(pidone).first().copied()? } else { pidone };
            let reader = procfs::children(init);
            (fields[2] == fields[5] && reader.len() == 1 && stat.contains("(pidone)")).then_some(())
        });
        bash.send("\x1a");
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send(&format!("(sleep 0.1; echo one >{}) & fg %1\n", fifo.display()));
        bash.expect("last one");
        bash.expect("prompt> ");
        bash.send("echo status $?\n");
        bash.expect("status 3");
    }
}
