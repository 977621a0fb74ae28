//! The crate as a library: a program that makes itself safe as PID 1, and launches in code. Runs the examples, and the programs
//! of `support/programs.rs`.

mod supervised;
mod terminal;

use crate::support::{Running, eventually, play, privilege, procfs, run, sys};
use std::path::PathBuf;
use std::process::Command;

/// An example, which cargo has built beside the program.
fn example(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_pidone"));
    let example = program.with_file_name("examples").join(name);
    privilege::can_run(&example).then_some(example)
}

/// Words of one of these programs.
fn program(name: &str, words: &[&str]) -> Vec<String> {
    play(name).into_iter().chain(words.iter().map(ToString::to_string)).collect()
}

/// The same, ready to run.
fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// Where a program can launch, as an option, and whether it is to be an ordinary user.
fn places() -> Vec<(&'static str, bool)> {
    let mut places = vec![("--in-place", true)];
    if privilege::privileged() {
        places.extend([("--in-place", false), ("--isolate", false), ("--as-pid1", false)]);
    }
    if privilege::user_namespaces() {
        places.push(("--map-root", true));
    }
    places
}

/// Runs one of these programs, whose assertions are what is tested, in each place, or in those that have an init.
fn runs(name: &str, in_all: bool) {
    for (place, ordinary) in places().into_iter().filter(|(place, _)| in_all || *place != "--as-pid1") {
        let mut line = command(&program(name, &[place]));
        let line = if ordinary { privilege::as_nobody(&mut line) } else { &mut line };
        assert_eq!(run(line).exits(0).stdout, "done\n", "{place}");
    }
}

/// The example that launches, with a command that says each signal it gets, in a process group of its own.
fn launching(place: &str, ordinary: bool) -> Option<Running> {
    let mut line = Command::new(example("launch")?);
    line.args([place, "--"]).args(play("signals"));
    sys::before_exec(&mut line, || Ok(nix::unistd::setsid().map(drop)?));
    let mut running = Running::start(if ordinary { privilege::as_nobody(&mut line) } else { &mut line });
    running.expect("ready ");
    Some(running)
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
    if privilege::user_namespaces() {
        let ended = launch(&["--map-root", "--hostname=lab", "--", "sh", "-c", "echo $$ $PPID; uname -n; id -u"]);
        assert_eq!(ended.exits(0).silently().stdout, "2 1\nlab\n0\nexited with 0\n");
    }
}

#[test]
fn what_does_not_run_is_told_as_the_program_tells_it() {
    let Some(example) = example("launch") else { return };
    for (words, status, message, hint) in [
        (&["--in-place", "--", "/nonexistent"][..], 127, "cannot find the command: /nonexistent", None),
        (
            &["--in-place", "--", "/etc/passwd"],
            126,
            "cannot run the command: /etc/passwd",
            Some("it must be a file"),
        ),
        (&["--frob", "--", "true"], 125, "unknown option: --frob", Some("pidone --help")),
        (&["--help", "--", "true"], 125, "an option asks for something else", Some("leave it out")),
        (&["sh", "--", "true"], 125, "this is no option: sh", Some("--NAME=VALUE")),
        (&["--isolate", "--", "true"], 125, "cannot create the new namespaces", Some("--map-root")),
    ] {
        let mut line = Command::new(&example);
        let ended = run(privilege::as_nobody(line.args(words)));
        assert_eq!(ended.exits(status).says(&[message], hint).stdout, "");
    }
}

#[test]
fn signals_reach_the_command_once_and_with_their_value() {
    const REAL_TIME: i32 = 40;
    for (place, ordinary) in places() {
        let Some(mut running) = launching(place, ordinary) else { return };
        let caller = running.pid();
        for signal in [1, 2, 3, 10, 12, 15, 18, 20, 28] {
            sys::kill(caller, signal);
            // The next line being the next signal's is what shows that none arrives twice.
            running.expect(&format!("signal {signal} code 0 "));
        }
        for value in 0..100 {
            assert!(sys::sigqueue(caller, REAL_TIME, value));
        }
        for value in 0..100 {
            running.expect(&format!("signal {REAL_TIME} code -1 value {value} "));
        }
        // For the whole process group, as a shell sends it to a job.
        for signal in [15, 10, 1] {
            sys::kill(-caller, signal);
            running.expect(&format!("signal {signal} code 0 "));
        }
    }
}

#[test]
fn the_launch_dies_with_its_caller() {
    for (place, ordinary) in places() {
        let Some(running) = launching(place, ordinary) else { return };
        let all = procfs::descendants(running.pid());
        assert!(all.len() >= 2 || place == "--as-pid1", "{all:?}");
        running.signal(9);
        running.end().dies_by(9);
        eventually("all are gone", || {
            all.iter().all(|pid| procfs::state(pid).is_none_or(|state| state == 'Z')).then_some(())
        });
        // A launch that nobody waits for, whose caller ends by itself.
        let mut line = command(&program("spawn-and-go", &[place, "--", "sleep", "1000"]));
        run(if ordinary { privilege::as_nobody(&mut line) } else { &mut line }).exits(0);
    }
    // Unless it is to stay.
    if privilege::privileged() {
        let marker = format!("1000.{}", std::process::id());
        let line = program("spawn-and-go", &["--no-die-with-parent", "--", "sleep", &marker]);
        let mut line = command(&line);
        let ended = line.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).status();
        assert!(ended.is_ok_and(|status| status.success()));
        let is_it = |pid: &i32| procfs::status(pid, "Name").is_some_and(|name| name == "sleep");
        let sleep = eventually("the command", || procfs::marked(&marker).into_iter().find(is_it));
        sys::kill(sleep, 9);
    }
}

#[test]
fn a_launch_that_runs_can_be_signalled_killed_asked_and_waited_for() {
    runs("handle", false);
}

#[test]
fn the_typed_options_do_what_they_say() {
    runs("builder", false);
    if privilege::privileged() {
        assert_eq!(run(&mut command(&program("identity", &[]))).exits(0).stdout, "done\n");
    }
}

#[test]
fn no_word_becomes_an_option_or_a_command_by_mistake() {
    assert_eq!(run(&mut command(&program("mistakes", &[]))).exits(0).silently().stdout, "done\n");
}

#[test]
fn the_callers_mask_handlers_and_pending_signals_are_what_they_were() {
    runs("keep", false);
}

#[test]
fn the_callers_other_children_are_left_to_it() {
    runs("other-children", true);
    runs("ignore-children", true);
}

#[test]
fn with_another_thread_nothing_is_forked() {
    assert_eq!(run(&mut command(&program("another-thread", &[]))).exits(0).stdout, "done\n");
}

#[test]
fn without_forwarding_signals_act_on_the_caller() {
    let words = program("launch-without-forwarding", &["--in-place", "--", "sleep", "1000"]);
    let running = Running::start(&mut command(&words));
    let sleep = eventually("the command", || match procfs::descendants(running.pid())[..] {
        [_, sleep] if procfs::status(sleep, "Name").is_some_and(|name| name == "sleep") => Some(sleep),
        _ => None,
    });
    running.signal(10);
    running.end().dies_by(10);
    eventually("it has died with it", || procfs::state(sleep).is_none_or(|state| state == 'Z').then_some(()));
}

#[test]
fn readmes_example_is_the_front_pages() {
    let readme = include_str!("../README.md");
    let example = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let front = include_str!("../src/lib.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let front: String = front.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
    assert!(front.contains(example), "{example}");
}
