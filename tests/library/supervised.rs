//! Programs that make themselves safe as PID 1, and what launches in them then.

use super::{example, program};
use crate::support::{Running, eventually, pidone, privilege, procfs, run, sys};
use std::process::{Command, Stdio};

/// A program as PID 1 of a new PID namespace, and its pid out here.
fn as_pid_1(words: &[String]) -> (Running, i32) {
    let mut line = pidone(["--as-pid1", "--env=LISTEN_PID=1", "--"]);
    let running = Running::start(line.args(words).stdin(Stdio::piped()));
    let init = eventually("PID 1", || procfs::children(running.pid()).first().copied());
    (running, init)
}

/// The example of a supervised program.
fn supervised() -> Option<(Running, i32)> {
    let example = example("supervised").filter(|_| privilege::privileged())?;
    Some(as_pid_1(&[example.display().to_string()]))
}

#[test]
fn a_supervised_program_is_no_pid_1_and_its_orphans_are_reaped() {
    let Some((mut running, init)) = supervised() else { return };
    running.expect("I am 2, my parent is 1");
    let program = eventually("the program alone is left", || match procfs::children(init)[..] {
        [program] => Some(program),
        _ => None,
    });
    // PID 1 holds nothing but stdio.
    eventually("PID 1 has let go", || (procfs::fds(init).len() == 3).then_some(()));
    assert_ne!(procfs::status(program, "NSpid").unwrap().split_whitespace().last(), Some("1"));
    sys::kill(init, 15);
    assert_eq!(running.end().status.code(), Some(143), "it has no handler, and ends by what is forwarded");
}

#[test]
fn a_supervised_programs_status_is_that_of_pid_1() {
    for (input, status) in [("7\n", 7), ("0\n", 0), ("255\n", 255)] {
        let Some(example) = example("supervised").filter(|_| privilege::privileged()) else { return };
        let (reader, mut writer) = std::io::pipe().expect("make a pipe");
        std::io::Write::write_all(&mut writer, input.as_bytes()).expect("say what to exit with");
        let mut line = pidone(["--as-pid1", "--"]);
        run(line.arg(&example).stdin(reader)).exits(status).silently();
    }
    // Elsewhere nothing happens.
    let Some(example) = example("supervised") else { return };
    let ended = run(Command::new(example).stdin(Stdio::null()));
    assert!(ended.exits(0).stdout.contains(&format!("my parent is {}\n", std::process::id())), "{ended:#?}");
}

#[test]
fn what_a_program_asks_of_its_pid_1_is_done() {
    if !privilege::privileged() {
        return;
    }
    let (mut running, init) = as_pid_1(&program("supervise", &["--rewrite=USR1:USR2", "--map-exit=137:5"]));
    let mut lines = [running.line(), running.line()];
    lines.sort();
    assert_eq!(lines, ["other", "program 2 of 1, listens as 2"]);
    sys::kill(init, 10);
    running.expect("signal 12 ");
    sys::kill(init, 15);
    running.expect("signal 15 ");
    running.expect("other got 15");
    let ended = running.end();
    assert!(ended.exits(5).stderr.contains("the workload still ran 100ms after SIGTERM: killed"), "{ended:#?}");
}

#[test]
fn a_stop_of_the_container_reaches_what_it_launches_at_once() {
    let Some(example) = example("launch").filter(|_| privilege::privileged()) else { return };
    let example = example.display().to_string();
    for place in ["--in-place", "--isolate", "--map-root"] {
        // Supervised, as README has it; and a launch by PID 1 itself.
        let supervised = [&example, place, "--", "sleep", "1000"].map(String::from).to_vec();
        for words in [supervised, program("launch", &[place, "--", "sleep", "1000"])] {
            let is_supervised = words[0] == example;
            let (running, init) = as_pid_1(&words);
            eventually("the command", || {
                let all = procfs::descendants(init);
                let name = |pid: &i32| procfs::status(pid, "Name").is_some_and(|name| name == "sleep");
                all.iter().any(name).then_some(())
            });
            sys::kill(init, 15);
            let ended = running.end();
            assert!(ended.stdout.starts_with("killed by SIGTERM"), "{place}: {ended:#?}");
            ended.exits(if is_supervised { 143 } else { 0 });
        }
    }
}
