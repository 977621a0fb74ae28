//! What `pidone inspect` says of signals, and what they then really do when they are sent.

use super::inspect::{as_pid1, codes, finding, inspect};
use crate::support::json::Value;
use crate::support::{Place, Running, eventually, pidone, play, privilege, procfs, run, sys};
use std::process::Command;

/// What is said of one signal.
fn row(report: &Value, number: i32) -> &Value {
    let found = report["signals"].items().iter().find(|row| row["number"].number() == Some(number.into()));
    found.unwrap_or_else(|| panic!("no signal {number} in {report:?}"))
}

fn said(report: &Value, number: i32) -> [Option<&str>; 3] {
    ["disposition", "from_inside", "from_outside"].map(|member| row(report, number)[member].text())
}

/// All but for USR1, by which it says that it is still there.
fn tested() -> impl Iterator<Item = i32> {
    (1..=31).chain([34, 64]).filter(|signal| *signal != 10)
}

/// Sends a signal and holds what then happens against what was said.
fn send_and_see(mut running: Running, pid: i32, signal: i32, said: &str, send: impl Fn()) {
    let here = |running: &mut Running| {
        sys::kill(pid, 10);
        running.expect("here");
        assert_ne!(procfs::state(pid), Some('T'), "signal {signal}: {said}, but it is stopped");
    };
    send();
    match said {
        // USR1 is handled after it, so it has had no effect.
        "dropped" | "ignored" => here(&mut running),
        "continues" => here(&mut running),
        "handler" => {
            running.expect("handled");
            here(&mut running);
        }
        "queued" => {
            let pending = procfs::signal_mask(pid, "ShdPnd").unwrap();
            assert_ne!(pending & 1 << (signal - 1), 0, "signal {signal}: {said}, but it does not pend");
            assert_eq!(row(&inspect(pid), signal)["pending"].bool(), Some(true));
            here(&mut running);
        }
        "stops" => {
            eventually("it is stopped", || (procfs::state(pid) == Some('T')).then_some(()));
            sys::kill(pid, 9);
        }
        "terminates" => {
            eventually("it ends", || procfs::state(pid).is_none_or(|state| state == 'Z').then_some(()));
        }
        other => panic!("signal {signal}: no such outcome: {other}"),
    }
}

#[test]
fn each_signal_to_an_init_does_what_was_said_from_outside_and_from_inside() {
    if !privilege::privileged() {
        return;
    }
    for signal in tested() {
        let (running, pid) = as_pid1(&play("arranged"));
        let [_, inside, outside] = said(&inspect(pid), signal).map(|said| said.unwrap().to_owned());
        send_and_see(running, pid, signal, &outside, || sys::kill(pid, signal));
        let (running, pid) = as_pid1(&play("arranged"));
        send_and_see(running, pid, signal, &inside, || {
            run(&mut pidone(["enter", &pid.to_string(), "--", "sh", "-c", &format!("kill -{signal} 1")])).exits(0);
        });
    }
}

#[test]
fn each_signal_to_another_process_does_what_was_said() {
    for signal in tested() {
        // In a group of its own in the session of the tests, which is not orphaned: no core files.
        let [player, role] = play("arranged");
        let mut command = Command::new(player);
        command.arg(role);
        sys::before_exec(&mut command, || {
            let _ = nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::Pid::from_raw(0));
            sys::limit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)
        });
        let mut running = Running::start(&mut command);
        running.expect("up");
        let pid = running.pid();
        let report = inspect(pid);
        assert_eq!(report["is_init"].bool(), Some(false));
        let [_, inside, _] = said(&report, signal).map(|said| said.unwrap_or_default().to_owned());
        send_and_see(running, pid, signal, &inside, || sys::kill(pid, signal));
    }
}

#[test]
fn a_stop_of_the_terminal_is_ignored_in_an_orphaned_group() {
    let [player, role] = play("answer");
    let mut command = Command::new(player);
    sys::before_exec(command.arg(role), || Ok(nix::unistd::setsid().map(drop)?));
    let mut running = Running::start(&mut command);
    running.expect("up");
    let pid = running.pid();
    let report = inspect(pid);
    assert_eq!(said(&report, 20)[1], Some("ignored"));
    send_and_see(running, pid, 20, "ignored", || sys::kill(pid, 20));
}

#[test]
fn q2_an_init_in_sigwait_looks_empty_and_takes_everything() {
    if !privilege::privileged() {
        return;
    }
    let (mut running, pid) = as_pid1(&play("signals"));
    eventually("it waits", || (procfs::signal_mask(pid, "SigBlk")? == 0).then_some(()));
    let report = inspect(pid);
    for signal in (1..=64).filter(|signal| !matches!(signal, 9 | 19)) {
        assert_eq!(said(&report, signal), [Some("waited"), Some("queued"), Some("queued")], "signal {signal}");
        assert_eq!(row(&report, signal)["blocked"].bool(), Some(true));
    }
    assert_eq!(said(&report, 9), [Some("default"), Some("dropped"), Some("terminates")]);
    assert_eq!(said(&report, 19), [Some("default"), Some("dropped"), Some("stops")]);
    assert!(!codes(&report).contains(&"term-dropped"));
    sys::kill(pid, 15);
    running.expect("signal 15 ");
}

#[test]
fn a_signalfd_takes_what_is_blocked_and_nothing_else() {
    if !privilege::privileged() {
        return;
    }
    let (mut running, pid) = as_pid1(&play("signalfd"));
    running.expect("holding");
    let report = inspect(pid);
    assert_eq!(said(&report, 15), [Some("waited"), Some("queued"), Some("queued")]);
    assert_eq!(said(&report, 1), [Some("default"), Some("queued"), Some("queued")], "blocked, and taken by nobody");
    assert_eq!(said(&report, 2), [Some("default"), Some("dropped"), Some("dropped")], "not blocked");
}

#[test]
fn any_thread_may_be_the_one_that_waits() {
    if !privilege::privileged() {
        return;
    }
    let (mut running, pid) = as_pid1(&play("waiting-thread"));
    running.expect("holding");
    let report = eventually("the thread waits", || {
        let report = inspect(pid);
        (row(&report, 15)["disposition"].text() == Some("waited")).then_some(report)
    });
    assert_eq!(report["threads"].number(), Some(2));
    assert_eq!(said(&report, 15)[2], Some("queued"));
    sys::kill(pid, 15);
    running.expect("signal 15 ");
}

#[test]
fn other_inits_take_sigterm_each_in_its_own_way() {
    if !privilege::privileged() {
        return;
    }
    for (init, options) in [("tini", &["--"][..]), ("dumb-init", &["--"]), ("catatonit", &["--"])] {
        if !privilege::has(init) {
            continue;
        }
        let line = [&[init], options, &["sh", "-c", "echo up; exec sleep 1000"]].concat();
        let (_running, pid) = as_pid1(&line);
        let report = eventually("the init has settled", || {
            let report = inspect(pid);
            let [disposition, _, outside] = said(&report, 15);
            (disposition == Some("waited") && outside == Some("queued")).then(|| report.clone())
        });
        assert_eq!(report["comm"].text(), Some(init));
        assert!(!codes(&report).contains(&"term-dropped"), "{report:?}");
    }
}

#[test]
fn pidone_itself_is_seen_through_in_each_place() {
    for place in Place::with_init() {
        let mut running = Running::start(&mut place.pidone(&[], &play("hold")));
        running.expect("holding");
        let init = if place == Place::Subreaper { running.pid() } else { procfs::only_child(running.pid()) };
        let report = eventually("it waits", || {
            let mut command = pidone(["inspect", &init.to_string(), "--json"]);
            let is_nobodys = matches!(place, Place::Subreaper | Place::MapRoot | Place::MapCurrent);
            let command = if is_nobodys { privilege::as_nobody(&mut command) } else { &mut command };
            let report = crate::support::json::parse(&run(command).exits(0).stdout);
            (said(&report, 15)[0] == Some("waited")).then_some(report)
        });
        assert_eq!(said(&report, 15)[1], Some("queued"), "{place:?}");
        assert_eq!(report["unreadable"].items(), [], "{place:?}");
    }
}

#[test]
fn who_may_not_read_what_is_waited_for_claims_nothing() {
    if !privilege::privileged() {
        return;
    }
    let mut running = Running::start(&mut Place::Isolated.shell("echo up; exec sleep 1000"));
    running.expect("up");
    let mut command = pidone(["inspect", "--json", &procfs::only_child(running.pid()).to_string()]);
    let ended = run(privilege::as_nobody(&mut command));
    let report = crate::support::json::parse(&ended.exits(0).stdout);
    assert!(!codes(&report).contains(&"term-dropped"), "{ended:#?}");
    assert_eq!(said(&report, 15), [None, None, None]);
    assert_eq!(said(&report, 9)[2], Some("terminates"));
}

#[test]
fn a_stop_signal_is_not_proposed_that_a_shell_takes_and_does_not_stop_by() {
    if !privilege::privileged() || !privilege::has("dash") {
        return;
    }
    let command = ["env", "--default-signal=INT", "dash", "-c", "echo up; sleep 1000; true"];
    let (_running, pid) = as_pid1(&command);
    eventually("the sleep runs", || (procfs::children(pid).len() == 1).then_some(()));
    let report = inspect(pid);
    let signals = report["signals"].items();
    let interrupt = signals.iter().find(|row| row["name"].text() == Some("SIGINT")).expect("a row for SIGINT");
    assert_eq!(interrupt["from_outside"].text(), Some("handler"), "dash has one");
    let advice = finding(&report, "term-dropped")["advice"].text().unwrap();
    assert!(!advice.contains("SIGINT"), "{advice}");
    // And so it is: SIGINT is taken, and the shell still waits.
    sys::kill(pid, 2);
    eventually("SIGINT is taken", || {
        let pending = inspect(pid)["signals"].items()[1]["pending"].bool();
        (pending == Some(false)).then_some(())
    });
    assert_eq!(procfs::children(pid).len(), 1, "{}", procfs::tree());
}
