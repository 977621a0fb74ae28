//! The crate as a library: a program that makes itself safe as PID 1, and launches in code. Runs the examples.

use crate::support::{Running, eventually, pidone, privilege, procfs, run, sys};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// An example, which cargo has built beside the program.
fn example(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_pidone"));
    let example = program.with_file_name("examples").join(name);
    privilege::can_run(&example).then_some(example)
}

/// The example of a supervised program, as PID 1 of a new PID namespace, and its pid out here.
fn supervised() -> Option<(Running, i32)> {
    let example = example("supervised").filter(|_| privilege::privileged())?;
    let mut line = pidone(["--as-pid1", "--"]);
    let running = Running::start(line.arg(example).stdin(Stdio::piped()));
    let init = eventually("PID 1", || procfs::children(running.pid()).first().copied());
    Some((running, init))
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
fn a_launch_in_code_ends_as_one_by_the_program() {
    let Some(example) = example("launch") else { return };
    let launch = |words: &[&str]| {
        let mut line = Command::new(&example);
        run(privilege::as_nobody(line.args(words)))
    };
    assert_eq!(launch(&["--in-place", "--", "sh", "-c", "echo $PPID; exit 3"]).exits(3).stdout.lines().count(), 2);
    let ended = launch(&["--in-place", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(ended.exits(137).silently().stdout, "killed by SIGKILL\n");
    assert_eq!(
        launch(&["--in-place", "--map-exit=3:0", "--", "sh", "-c", "exit 3"]).exits(0).stdout,
        "exited with 0\n"
    );
    // Rust's runtime ignores SIGPIPE in this program, and not in the command.
    let ended = launch(&["--in-place", "--", "sh", "-c", "grep SigIgn /proc/self/status | grep -c 0000$"]);
    assert_eq!(ended.exits(0).stdout, "1\nexited with 0\n");
    for (words, status, message) in [
        (&["--in-place", "--", "/nonexistent"][..], 127, "cannot find the command: /nonexistent"),
        (&["--in-place", "--", "/etc/passwd"], 126, "cannot run the command: /etc/passwd"),
        (&["--frob", "--", "true"], 125, "unknown option: --frob"),
        (&["--help", "--", "true"], 125, "an option asks for something else"),
    ] {
        let ended = launch(words);
        assert!(ended.exits(status).stderr.starts_with(message), "{ended:#?}");
    }
    if privilege::user_namespaces() {
        let ended = launch(&["--map-root", "--hostname=lab", "--", "sh", "-c", "echo $$ $PPID; uname -n; id -u"]);
        assert_eq!(ended.exits(0).silently().stdout, "2 1\nlab\n0\nexited with 0\n");
    }
}
