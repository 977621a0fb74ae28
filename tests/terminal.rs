//! The terminal, on a real one: given to the workload, Ctrl-C once, and given back.

use crate::support::{binary, eventually, options, play, privilege, procfs, pty::Session, sys};
use std::process::Command;

fn session(program: &str, args: &[&str]) -> Session {
    Session::start(Command::new(program).args(args).env("PIDONE", binary()).env("PS1", "prompt> "))
}

/// pidone as a child of a shell in the foreground, as from a script.
fn script(script: &str) -> Session {
    session("sh", &["-c", script])
}

/// The process group of a process, and the foreground group of its terminal, as seen from outside.
fn groups(pid: i32) -> Option<(i32, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = stat.rsplit(") ").next()?.split(' ').collect();
    Some((fields[2].parse().ok()?, fields[5].parse().ok()?))
}

/// The one process on this machine that plays `role` with this marker.
fn player(marker: &str) -> i32 {
    eventually("the player", || {
        procfs::marked(marker).into_iter().find(|pid| procfs::status(pid, "Name").as_deref() == Some("player"))
    })
}

#[test]
fn the_workload_is_the_foreground_group_and_ctrl_c_reaches_it_once() {
    for place in options() {
        let [player_path, role] = play("signals");
        let marker = format!("ctrl-c-{}-{place}", std::process::id());
        let mut session = script(&format!("$PIDONE {place} -- {player_path} {role} {marker}; echo over $?"));
        session.expect("ready");
        let workload = player(&marker);
        let (group, foreground) = groups(workload).unwrap();
        assert_eq!((group, foreground), (workload, workload), "a group of its own, in the foreground");
        session.send("\x03");
        session.expect("signal 2 code 128 ");
        session.send("\x1c");
        // The next line being the next signal's shows that SIGINT came once.
        let between = session.expect("signal 3 code 128 ");
        assert!(!between.contains("signal 2"), "{between:?}");
        sys::kill(workload, 9);
        session.expect("over 137");
    }
}

#[test]
fn the_foreground_is_given_back_so_that_a_scripts_next_read_works() {
    for place in options() {
        let mut session =
            script(&format!("$PIDONE {place} -- sh -c 'read a; echo first $a'; read b; echo second $b"));
        session.send("one\n");
        session.expect("first one");
        session.send("two\n");
        session.expect("second two");
        assert!(session.end().0.success());
    }
}

#[test]
fn it_is_given_back_after_a_failed_start_too() {
    for place in options() {
        let mut session = script(&format!(
            "$PIDONE {place} -- /nonexistent; $PIDONE {place} -- /etc/passwd; read b; echo second $b"
        ));
        session.expect("/etc/passwd");
        session.send("two\n");
        session.expect("second two");
        assert!(session.end().0.success());
    }
}

#[test]
fn in_the_background_the_terminal_is_left_alone() {
    for place in options() {
        let script = format!(
            "set -m; $PIDONE {place} -- sh -c 'echo working; sleep 0.1' & wait; set +m; read b; echo second $b"
        );
        let mut session = self::script(&script);
        session.expect("working");
        session.send("two\n");
        session.expect("second two");
        assert!(session.end().0.success());
    }
}

#[test]
fn an_interactive_shell_gets_its_prompt_back() {
    if !privilege::has("bash") {
        return;
    }
    for place in options() {
        let mut session = session("bash", &["--norc", "--noediting", "-i"]);
        session.expect("prompt> ");
        session.send(&format!("$PIDONE {place} -- cat\n"));
        session.send("hello\n");
        // Once as the terminal's echo, once by cat.
        session.expect("hello");
        session.expect("hello");
        session.send("\x03");
        session.expect("prompt> ");
        session.send("echo status $?\n");
        session.expect("status 130");
        session.send("exit 5\n");
        assert_eq!(session.end().0.code(), Some(5));
    }
}

#[test]
fn an_interactive_bash_under_pidone_has_job_control_and_no_complaints() {
    if !privilege::has("bash") {
        return;
    }
    for place in options() {
        let mut session = script(&format!("$PIDONE {place} -- bash --norc --noediting -i; echo over $?"));
        let greeting = session.expect("prompt> ");
        assert!(!greeting.contains("bash:"), "{greeting:?}");
        session.send("sleep 1000\n\x03");
        session.expect("prompt> ");
        session.send("sleep 1000 &\n");
        session.expect("prompt> ");
        session.send("jobs\n");
        session.expect("Running");
        session.send("kill %1; exit 7\n");
        session.expect("over 7");
    }
}

#[test]
fn the_terminal_is_found_though_stdio_is_elsewhere() {
    for place in options() {
        let script = format!(
            "$PIDONE {place} -- sh -c 'read a < /dev/tty; echo got $a > /dev/tty' </dev/null >/dev/null 2>&1; read b; echo second $b"
        );
        let mut session = self::script(&script);
        session.send("one\n");
        session.expect("got one");
        session.send("two\n");
        session.expect("second two");
    }
}

#[test]
fn hanging_up_ends_everything() {
    for place in options() {
        let [player_path, role] = play("hold");
        let marker = format!("hang-up-{}-{place}", std::process::id());
        let mut session = script(&format!("$PIDONE {place} -- {player_path} {role} {marker}"));
        session.expect("holding");
        let workload = player(&marker);
        session.hang_up();
        eventually("the workload is gone", || procfs::state(workload).is_none().then_some(()));
        eventually("all is gone", || procfs::marked(&marker).is_empty().then_some(()));
    }
}

#[test]
fn a_scripts_background_job_leaves_the_terminal_to_the_script() {
    for place in options() {
        // Without job control the job is in the script's own group, which is in the foreground.
        let mut session =
            script(&format!("$PIDONE {place} -- sleep 1000 & echo up; read x; echo got $x; kill $!; wait"));
        session.expect("up");
        session.send("it\n");
        session.expect("got it");
        assert!(session.end().0.success() || place == "--isolate");
    }
}
