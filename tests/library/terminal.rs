//! Launches on a real terminal, under a real interactive bash.

use super::program;
use crate::job_control::{ASKS, ctrl_z_stops_nothing};
use crate::support::{eventually, options, privilege, procfs, pty::Session, sys};

/// bash, with `$NAME` set to one of the programs; `None` if there is none.
fn bash(name: &str) -> Option<Session> {
    let mut bash = Session::bash()?;
    bash.send(&format!("{name}='{}'\n", program(name_of(name), &[]).join(" ")));
    bash.expect("prompt> ");
    Some(bash)
}

fn name_of(variable: &str) -> &'static str {
    match variable {
        "LAUNCH" => "launch",
        "WITHOUT" => "launch-without-forwarding",
        _ => "spawn-and-wait",
    }
}

/// What stays typed, and is not said, in a line that is echoed.
const SCRIPT: &str = "sh -c 'for i in 1 2 3; do read a; echo go\"\"t $a; done; exit 3'";

/// Nobody below bash has a signal to pass on: a SIGCONT that is still on its way would undo the stop of a key typed so soon.
fn all_are_idle(bash: &Session) {
    let is_idle = |pid: &i32| {
        let pending = |field| procfs::signal_mask(pid, field).unwrap_or(0);
        procfs::state(pid) == Some('S') && pending("ShdPnd") | pending("SigPnd") == 0
    };
    eventually("everybody waits", || {
        procfs::descendants(bash.child.id().cast_signed()).iter().all(is_idle).then_some(())
    });
}

#[test]
fn ctrl_z_stops_the_caller_too_and_fg_continues_both() {
    for variable in ["LAUNCH", "WITHOUT", "SPAWN"] {
        for place in options() {
            let Some(mut bash) = bash(variable) else { return };
            bash.send(&format!("${variable} {place} -- {SCRIPT}\n"));
            // It can read only once it has the terminal.
            bash.send("one\n");
            bash.expect("got one");
            for word in ["two", "three"] {
                all_are_idle(&bash);
                bash.send("\x1a");
                bash.expect("Stopped");
                bash.expect("prompt> ");
                bash.send("jobs; echo li\"\"sted; fg\n");
                bash.expect("Stopped");
                bash.expect("listed");
                bash.expect("exit 3'");
                bash.send(&format!("{word}\n"));
                bash.expect(&format!("got {word}"));
            }
            // The handler for SIGTSTP that the program has, if it lets pidone see to that, is still there.
            let handlers = if variable == "WITHOUT" { 0 } else { 1 << (20 - 1) };
            bash.expect(&format!("exited with 3; handlers {handlers:016x}"));
            bash.expect("prompt> ");
            bash.send("read b; echo an\"\"d $b\n");
            bash.send("that\n");
            bash.expect("and that");
        }
    }
}

#[test]
fn bg_continues_without_the_terminal_and_fg_then_gives_it() {
    for place in options() {
        let Some(mut bash) = bash("LAUNCH") else { return };
        bash.send(&format!(
            "$LAUNCH {place} -- sh -c 'kill -STOP $$; echo re\"\"sumed; read a; echo go\"\"t $a'\n"
        ));
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send("bg\n");
        bash.expect("resumed");
        bash.send("until jobs -s | grep -q .; do :; done; echo not\"\"iced\n");
        bash.expect("noticed");
        bash.send("fg\n");
        bash.expect("t $a'\r\n");
        bash.send("it\n");
        bash.expect("got it");
        bash.expect("prompt> ");
    }
}

#[test]
fn keys_of_the_terminal_and_kill_of_the_job_arrive_once() {
    for place in options() {
        let words = program("launch", &[place, "--"]);
        let player = program("signals", &[]);
        let mut session = Session::start(super::command(&words).args(&player));
        session.expect("ready ");
        session.expect("\r\n");
        session.send("\x03");
        session.expect("signal 2 code 128 ");
        session.resize(77);
        let between = session.expect("signal 28 ");
        assert!(!between.contains("signal 2 "), "{between:?}");
        let caller = session.child.id().cast_signed();
        for signal in [15, 10] {
            sys::kill(-caller, signal);
            let before = session.expect(&format!("signal {signal} code 0 "));
            assert_eq!(before.matches("code ").count(), 1 + usize::from(signal == 15), "{before:?}");
        }
    }
}

#[test]
fn with_no_shell_above_ctrl_z_stops_nothing() {
    for place in options() {
        let words = program("launch", &[place, "--", "sh", "-c", ASKS]);
        ctrl_z_stops_nothing(&mut super::command(&words));
    }
}

#[test]
fn in_a_container_ctrl_z_freezes_nothing_either() {
    let Some(example) = super::example("launch").filter(|_| privilege::privileged()) else { return };
    for place in options() {
        let mut line = crate::support::pidone(["--as-pid1", "--"]);
        line.arg(&example).args([place, "--", "sh", "-c", "echo up; read a; echo got $a; exit 6"]);
        let mut session = Session::start(&mut line);
        session.expect("up");
        session.send("\x1a");
        session.expect("^Z");
        session.send("it\n");
        session.expect("got it");
        assert_eq!(session.end().0.code(), Some(6), "{place}\n{}", procfs::tree());
    }
}

#[test]
fn a_script_around_it_stops_too_and_can_read_afterwards() {
    for place in options() {
        let Some(mut bash) = bash("LAUNCH") else { return };
        let script = format!(
            "{} {place} -- sh -c \"echo up; read a; echo go\\\"\\\"t \\$a\"",
            program("launch", &[]).join(" ")
        );
        bash.send(&format!("sh -c '{script}; read b; echo an\"\"d $b'\n"));
        bash.expect("\r\nup");
        bash.send("\x1a");
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send("fg\n");
        bash.expect("d $b'\r\n");
        bash.send("it\n");
        bash.expect("got it");
        bash.send("that\n");
        bash.expect("and that");
        bash.expect("prompt> ");
    }
}
