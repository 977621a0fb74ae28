//! `pidone probe`: what signals do to commands as PID 1 and under an init, tried out; and that nothing of it is left.

use crate::support::rootfs::rootfs;
use crate::support::runner::Ended;
use crate::support::{Place, Running, binary, eventually, pidone, privilege, procfs, run, scratch};
use serde_json::Value;
use std::process::Command;

/// The ways to have namespaces here, as options, and who runs pidone.
fn places() -> Vec<Place> {
    let mut places = Vec::new();
    if privilege::privileged() {
        places.push(Place::Isolated);
    }
    if privilege::user_namespaces() {
        places.push(Place::MapRoot);
    }
    places
}

/// `pidone probe OPTIONS -- COMMAND`.
fn probe(place: Place, options: &[&str], command: &[&str]) -> Command {
    let mut line = pidone(["probe"]);
    if place == Place::MapRoot {
        privilege::as_nobody(&mut line).arg("--map-root");
    }
    line.args(options).arg("--").args(command);
    line
}

/// The same with `--json`, run, and what it printed.
fn json(place: Place, options: &[&str], command: &[&str]) -> (Ended, Value) {
    let ended = run(&mut probe(place, &[options, &["--json"]].concat(), command));
    let value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
    (ended, value)
}

/// A shell that says that it is ready, and then reaps and waits for signals.
fn shell(before: &str) -> [String; 3] {
    ["sh", "-c", &format!("{before}; echo ready; while :; do sleep 0.05 & wait; done")].map(str::to_owned)
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// Ready when it says so: then no time has to be guessed.
const READY: [&str; 2] = ["--ready-regex", "^ready$"];

#[test]
fn a_command_without_handlers_needs_an_init() {
    for place in places() {
        let (ended, found) = json(place, &[], &["sh", "-c", "exec sleep 1000"]);
        ended.exits(1).silently();
        assert_eq!(found["command"][2], "exec sleep 1000");
        assert_eq!((&found["needs_init"], &found["reaps_orphans"]), (&true.into(), &false.into()), "{found:#}");
        let names: Vec<_> = found["signals"].as_array().unwrap().iter().map(|signal| &signal["name"]).collect();
        assert_eq!(names, ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]);
        for signal in found["signals"].as_array().unwrap() {
            assert_eq!(signal["bare"]["outcome"], "survived", "{found:#}");
            assert!(signal["bare"]["seconds"].as_f64().unwrap() >= 1.0);
            assert_eq!(signal["under_init"]["outcome"], "killed", "{found:#}");
            assert_eq!(signal["under_init"]["signal"], signal["name"]);
            assert_eq!(signal["needs_init"], true);
        }
    }
}

#[test]
fn a_command_that_handles_and_reaps_is_safe() {
    for place in places() {
        let command = shell("trap 'exit 3' TERM INT HUP QUIT USR1; trap '' USR2");
        let (ended, found) = json(place, &[&READY[..], &["--wait", "3s"]].concat(), &words(&command));
        ended.exits(0).silently();
        assert_eq!((&found["needs_init"], &found["reaps_orphans"]), (&false.into(), &true.into()), "{found:#}");
        let signals = found["signals"].as_array().unwrap();
        for signal in &signals[..5] {
            for place in ["bare", "under_init"] {
                assert_eq!((&signal[place]["outcome"], &signal[place]["code"]), (&"exited".into(), &3.into()));
            }
        }
        for place in ["bare", "under_init"] {
            assert_eq!(signals[5][place]["outcome"], "survived", "{found:#}");
        }
    }
}

#[test]
fn the_table_says_the_same_in_words() {
    for place in places() {
        let command = shell("trap '' TERM");
        let options = [&READY[..], &["--signals", "TERM,usr1,10"]].concat();
        let ended = run(&mut probe(place, &options, &words(&command)));
        let out = &ended.exits(1).silently().stdout;
        let line = |beginning: &str| {
            let line = out.lines().find(|line| line.starts_with(beginning)).unwrap_or_else(|| panic!("{out}"));
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("SIGTERM"), "SIGTERM survived survived it ignores the signal, or handles it and goes on");
        assert!(line("SIGUSR1").starts_with("SIGUSR1 survived SIGUSR1, 0."), "{out}");
        assert!(line("SIGUSR1").ends_with("dropped: PID 1 has no handler for it"), "{out}");
        assert_eq!(out.matches("\nSIGUSR1 ").count(), 1, "each once: {out}");
        assert_eq!(line("orphans"), "orphans reaped reaped");
        assert_eq!(line("needs"), "needs an init");
        assert!(out.lines().all(|line| line.chars().count() <= 100 || line.starts_with("sh -c")), "{out}");
    }
}

#[test]
fn what_ends_by_itself_or_is_never_ready_cannot_be_told() {
    for place in places() {
        let signals = ["--signals", "TERM"];
        let early = ["sh", "-c", "echo some last words >&2; exit 4"];
        for (command, why) in [(&early[..], "exited with 4"), (&["sh", "-c", "sleep 1000 & exit"], "exited with 0")]
        {
            let (ended, found) = json(place, &signals, command);
            ended.exits(125).silently();
            assert!(found["needs_init"].is_null() && found["signals"][0]["bare"].is_null(), "{found:#}");
            assert!(found["signals"][0]["why"].as_str().unwrap().contains(why), "{found:#}");
        }
        let (_, found) = json(place, &signals, &early);
        assert!(found["reasons"][0].as_str().unwrap().ends_with("last words: some last words"), "{found:#}");
        let options = [&READY[..], &signals, &["--ready-timeout", "200ms"]].concat();
        let (ended, found) = json(place, &options, &["sleep", "1000"]);
        ended.exits(125);
        assert!(found["signals"][0]["why"].as_str().unwrap().contains("not ready"), "{found:#}");
    }
}

#[test]
fn a_command_that_takes_its_time_is_waited_for() {
    for place in places() {
        let directory = scratch("probe-ready");
        let file = directory.join("up").display().to_string();
        // Not a handler before it says so.
        let late = shell(&format!("sleep 0.7; trap 'exit 7' TERM; : >{file}"));
        let inside = ["--tmpfs", directory.to_str().unwrap(), "--signals", "TERM", "--wait", "3s"];
        for ready in [READY, ["--ready-file", &file]] {
            let (ended, found) = json(place, &[&inside[..], &ready].concat(), &words(&late));
            ended.exits(0).silently();
            assert_eq!(found["signals"][0]["bare"]["code"], 7, "{found:#}");
        }
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "a file that is there inside alone");
    }
}

#[test]
fn a_ready_file_is_looked_for_in_the_commands_own_root() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let (root, outside) = (rootfs("probe-links"), scratch("probe-outside"));
    for (name, to) in [("inside", "/run"), ("outside", outside.to_str().unwrap())] {
        std::os::unix::fs::symlink(to, root.join(name)).unwrap();
    }
    std::fs::write(outside.join("up"), "").unwrap();
    let script = "trap 'exit 5' TERM; busybox touch /inside/up; while :; do busybox sleep 0.05 & wait; done";
    let ready = |file: &str| {
        let options = ["--rootfs", root.to_str().unwrap(), "--tmpfs", "/run", "--signals", "TERM", "--wait", "3s"];
        json(
            Place::Isolated,
            &[&options[..], &["--ready-timeout", "1s", "--ready-file", file]].concat(),
            &["sh", "-c", script],
        )
    };
    assert_eq!(ready("/inside/up").1["signals"][0]["bare"]["code"], 5);
    assert!(ready("/outside/up").1["signals"][0]["why"].as_str().unwrap().contains("not ready within 1s"));
}

#[test]
fn a_command_that_leaves_nobody_alive_or_stops_itself_is_no_riddle() {
    for place in places() {
        let restless = ["perl", "-e", "while (1) { kill 9, -1; select undef, undef, undef, .001 }"];
        let (_, found) = json(place, &["--signals", "TERM", "--wait", "100ms"], &restless);
        assert_eq!(found["signals"][0]["needs_init"], true, "{found:#}");
        let options = ["--signals", "TERM", "--wait", "100ms"];
        let (ended, found) = json(place, &options, &["sh", "-c", "kill -STOP $$; sleep 1000"]);
        // As PID 1 it does not even stop.
        assert!(found["signals"][0]["under_init"].is_null() && ended.status.code() != Some(0), "{found:#}");
    }
}

#[test]
fn stopping_is_told_from_surviving() {
    for place in places() {
        let (_, found) = json(place, &["--signals", "TSTP,CONT"], &["sleep", "1000"]);
        assert_eq!(found["signals"][0]["bare"]["outcome"], "survived", "{found:#}");
        assert_eq!(found["signals"][0]["under_init"]["outcome"], "stopped", "{found:#}");
        assert_eq!(found["signals"][1]["under_init"]["outcome"], "survived", "{found:#}");
        assert_eq!(found["signals"][0]["needs_init"], false);
    }
}

#[test]
fn the_place_is_shaped_as_for_run() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let root = rootfs("probe-root");
    let options = ["--rootfs", root.to_str().unwrap(), "--uid", "65534", "--net", "--signals", "TERM"];
    let script = "[ $(id -u) = 65534 ] && [ ! -e /usr ] && trap 'exit 5' TERM; echo ready; while :; do busybox sleep 0.05 & wait; done";
    let (ended, found) =
        json(Place::Isolated, &[&options[..], &READY, &["--wait", "3s"]].concat(), &["sh", "-c", script]);
    ended.exits(0).silently();
    assert_eq!(found["signals"][0]["under_init"]["code"], 5, "{found:#}");
}

#[test]
fn nothing_is_left_however_it_ends() {
    for place in places() {
        let marker = format!("{}.25", 70_000 + std::process::id() % 10_000);
        let gone = || procfs::marked(&format!("sleep\0{marker}")).is_empty().then_some(());
        let is_command =
            |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n");
        let all_up = || {
            let up = procfs::marked(&format!("sleep\0{marker}")).iter().filter(|pid| is_command(pid)).count();
            (up == 14).then_some(())
        };
        let core = scratch("probe-core");
        let mut command = probe(place, &[], &["sleep", &marker]);
        run(command.current_dir(&core)).exits(1);
        assert!(gone().is_some(), "when it returns nobody is left");
        assert_eq!(std::fs::read_dir(&core).unwrap().count(), 0, "SIGQUIT dumps no core");
        // The last one has shed whatever ties it to its parent.
        let [plain, untied] = [&["sleep", &marker][..], &["setpriv", "--pdeathsig", "clear", "sleep", &marker]];
        for (signal, command) in [(1, plain), (2, plain), (15, plain), (9, plain), (9, untied)] {
            let mut running = Running::start(&mut probe(place, &["--settle", "1h"], command));
            eventually("all trials run", all_up);
            assert!(running.is_running());
            running.signal(signal);
            running.end().dies_by(signal);
            if signal == 9 { eventually("nobody is left", gone) } else { assert!(gone().is_some(), "{signal}") }
        }
        // While they start, at whatever moment that is.
        for moment in 0..crate::support::rounds(10) {
            let mut running = Running::start(&mut probe(place, &["--settle", "1h"], plain));
            let some_up = || (procfs::marked(&format!("sleep\0{marker}")).len() > 3 * (moment % 10)).then_some(());
            eventually("some trials run", some_up);
            assert!(running.is_running());
            running.signal(9);
            running.end().dies_by(9);
            eventually("nobody is left", gone);
        }
    }
}

#[test]
fn what_cannot_be_tried_is_said_once() {
    let privileged = privilege::privileged();
    let table: &[(&[&str], &[&str], &str)] = &[
        (&["probe"], &["no command given"], "pidone probe"),
        (&["probe", "--ready-regex", "(", "--", "true"], &["--ready-regex: (: "], "regex(7)"),
        (&["probe", "--in-place", "--", "true"], &["--in-place"], "leave it out"),
        (&["probe", "--pause", "true"], &["--pause"], "leave it out"),
        (&["probe", "--persist=/run/x", "--", "true"], &["--persist"], "leave it out"),
        (&["probe", "--only", "pid", "--", "true"], &["'pidone enter'"], "leave them out"),
        (&["probe", "--wait", "0", "--", "true"], &["--wait is too short"], "10ms"),
        (&["probe", "--stop-timeout", "1s", "--", "true"], &["--stop-timeout"], "leave it out"),
        (&["probe", "--ready-file", "up", "--", "true"], &["--ready-file does not know"], "absolute path"),
        (&["probe", "--signals", "KILL", "--", "true"], &["--signals does not know this value: KILL"], "LIST"),
        (&["--json", "--", "true"], &["'pidone probe'"], "COMMAND"),
    ];
    for (line, message, hint) in table {
        run(&mut pidone(*line)).exits(125).says(message, Some(hint));
    }
    if privileged {
        run(&mut pidone(["probe", "--", "/nonexistent"])).exits(125).says(&["cannot find the command"], None);
        run(&mut pidone(["probe", "--", "/etc/passwd"]))
            .exits(125)
            .says(&["cannot run the command"], Some("chmod"));
        run(&mut pidone(["probe", "--rootfs", "/nonexistent", "--", "true"]))
            .exits(125)
            .says(&["new root directory", "/nonexistent"], Some("--rootfs"));
        let mut command = Command::new(binary());
        let command = privilege::as_nobody(command.args(["probe", "--", "true"]));
        run(command).exits(125).says(&["cannot create the new namespaces", "EPERM"], Some("--map-root"));
    }
}
