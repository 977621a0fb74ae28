//! What only one of them does.

use super::{KILL, ORPHAN, Survivor, TERM, USR1, init};
use crate::support::{Running, eventually, play, procfs, run, shell, sys};
use std::process::Stdio;

const HUP: i32 = 1;
const INT: i32 = 2;
const CONT: i32 = 18;
const TSTP: i32 = 20;
const TTIN: i32 = 21;
const TTOU: i32 = 22;

#[test]
fn tinis_w_tells_of_each_orphan_reaped() {
    for (options, tells) in [(["-s", "-w"], true), (["-s", "--"], false)] {
        let mut running = Running::start(&mut init("tini", &[&options[..], &["sh", "-c", ORPHAN]].concat()));
        let orphan = Survivor::named_by(&running.expect("orphan "));
        sys::kill(orphan.0, KILL);
        eventually("it is reaped", || procfs::state(orphan.0).is_none().then_some(()));
        running.signal(TERM);
        let ended = running.end();
        assert_eq!(ended.exits(143).stderr.lines().count(), usize::from(tells), "{ended:#?}");
        let words = format!("Reaped zombie process with pid={}\n", orphan.0);
        assert_eq!(ended.stderr.ends_with(&words), tells, "{ended:#?}");
    }
}

#[test]
fn tinis_p_tells_the_command_of_the_parents_death() {
    let [player, role] = play("signals");
    for (value, signal) in [("SIGTERM", TERM), ("SIGUSR1", USR1)] {
        let tini = init("tini", &[]).get_program().to_owned().into_string().expect("a plain path");
        let script = format!("{tini} -s -p {value} -- sh -c 'echo init $PPID; exec {player} {role}' & wait");
        let mut running = Running::start(&mut shell(&script));
        let _init = Survivor::named_by(&running.expect("init "));
        let _command = Survivor::named_by(&running.expect("ready "));
        running.signal(KILL);
        running.expect(&format!("signal {signal} "));
    }
}

#[test]
fn dumb_init_rewrites_by_number_and_drops_for_0() {
    let [player, role] = play("signals");
    for options in [["-r", "10:12", "-r1:0", "-r15:2"], ["--rewrite", "10:12", "--rewrite=1:0", "--rew=15:2"]] {
        let words = [&options[..], &["--", &player, &role]].concat();
        let mut running = Running::start(&mut init("dumb-init", &words));
        running.expect("ready ");
        // What comes between, and is dropped, would be said before what comes after.
        for (sent, arrives) in [(USR1, 12), (HUP, 0), (TERM, 2), (35, 35), (INT, 2), (HUP, 0), (3, 3)] {
            running.signal(sent);
            if arrives != 0 {
                running.expect(&format!("signal {arrives} "));
            }
        }
    }
}

/// Waits until all of them are stopped, or none.
fn until_stopped(pids: [i32; 2], stopped: bool) {
    let is_so = |pid: i32| procfs::state(pid).is_some_and(|state| (state == 'T') == stopped);
    eventually(&format!("{pids:?} stopped: {stopped}"), || pids.into_iter().all(is_so).then_some(()));
}

#[test]
fn dumb_init_stops_with_its_session_and_continues_with_it() {
    let [player, role] = play("signals");
    for stop in [TSTP, TTIN, TTOU] {
        let mut command = init("dumb-init", &[&player, &role]);
        // No terminal, and nobody above in this session.
        sys::before_exec(&mut command, || Ok(nix::unistd::setsid().map(drop)?));
        let mut running = Running::start(&mut command);
        let player = Survivor::named_by(&running.expect("ready "));
        for _ in 0..2 {
            running.signal(stop);
            until_stopped([running.pid(), player.0], true);
            running.signal(CONT);
            until_stopped([running.pid(), player.0], false);
            // And no stop as itself, which would have been said before.
            running.expect("signal 18 ");
        }
        running.signal(TERM);
        running.expect("signal 15 ");
        sys::kill(player.0, KILL);
        running.end().exits(128 + KILL).silently();
    }
}

#[test]
fn dumb_init_c_stops_and_its_child_gets_the_stop_as_it_is() {
    use std::os::unix::process::CommandExt;
    let [player, role] = play("signals");
    for stop in [TSTP, TTIN, TTOU] {
        let mut command = init("dumb-init", &["-c", &player, &role]);
        sys::before_exec(&mut command, || Ok(nix::unistd::setsid().map(drop)?));
        let mut running = Running::start(&mut command);
        running.expect("ready ");
        running.signal(stop);
        running.expect(&format!("signal {stop} "));
        eventually("it is stopped", || (procfs::state(running.pid()) == Some('T')).then_some(()));
        running.signal(CONT);
        running.expect("signal 18 ");
        // One that takes the default action, which it does only where somebody above could continue it.
        let mut command = init("dumb-init", &["-c", "sh", "-c", "echo up $$; exec sleep 1000"]);
        let mut running = Running::start(command.process_group(0));
        let sleeper = Survivor::named_by(&running.expect("up "));
        for _ in 0..2 {
            running.signal(stop);
            until_stopped([running.pid(), sleeper.0], true);
            running.signal(CONT);
            until_stopped([running.pid(), sleeper.0], false);
        }
        running.signal(TERM);
        running.end().exits(128 + TERM).silently();
    }
}

#[test]
fn dumb_init_v_tells_what_it_does() {
    for (option, variable) in [("-v", "0"), ("--verb", "0"), ("--", "1")] {
        let ended = run(init("dumb-init", &[option, "true"]).env("DUMB_INIT_DEBUG", variable));
        assert!(!ended.exits(0).stderr.is_empty(), "{ended:#?}");
    }
    run(init("dumb-init", &["true"]).env("DUMB_INIT_DEBUG", "0")).exits(0).silently();
}

#[test]
fn catatonits_p_reaps_until_term_or_int() {
    let catatonit = init("catatonit", &[]).get_program().to_owned().into_string().expect("a plain path");
    for signal in [TERM, INT] {
        // Whatever follows -P is not run.
        let script = format!("sleep 1000 & echo child $!; exec {catatonit} -P /nonexistent");
        let mut running = Running::start(shell(&script).stdin(Stdio::null()).stderr(Stdio::null()));
        let child = Survivor::named_by(&running.expect("child "));
        eventually("it waits for signals", || {
            let place_in_kernel = std::fs::read_to_string(format!("/proc/{}/wchan", running.pid())).ok()?;
            place_in_kernel.contains("sigtimedwait").then_some(())
        });
        for other in [USR1, HUP, 3] {
            running.signal(other);
        }
        sys::kill(child.0, KILL);
        eventually("the child is reaped", || procfs::state(child.0).is_none().then_some(()));
        assert!(running.is_running());
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.exits(0).silently().stdout, "");
    }
}
