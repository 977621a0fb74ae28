//! A session of its own for the workload, on a real pseudo-terminal.

use crate::support::{
    Place, Running, binary, eventually, options, pidone, play, privilege, procfs, pty::Session, sys,
};
use std::process::Command;

/// Says what session, terminal and foreground a process finds itself in; ends with the word `known`.
const WHERE: &str = "read -r pid _ _ _ group session terminal foreground _ </proc/$$/stat; \
                     echo session $((session == $$)) group $((group == $$)) terminal $((terminal != 0)) \
                     foreground $((foreground == group)) known";

/// As the leader of a terminal's session, the way a container engine starts its PID 1 (`docker run -t`).
fn as_leader(place: &str, command: &[&str]) -> Session {
    let mut line = pidone([place, "--new-session", "--"]);
    Session::start(line.args(command).env("PS1", "prompt> "))
}

#[test]
fn a_leader_of_the_terminals_session_passes_it_on() {
    for place in options() {
        let mut session = as_leader(place, &["sh", "-c", &format!("{WHERE}; read a; echo got $a; exit 6")]);
        session.expect("session 1 group 1 terminal 1 foreground 1 known");
        session.send("it\n");
        session.expect("got it");
        assert_eq!(session.end().0.code(), Some(6));
    }
}

#[test]
fn b28_giving_up_the_terminal_signals_nobody_and_keys_arrive_once() {
    for place in options() {
        let [player, role] = play("signals");
        let mut session = as_leader(place, &[&player, &role]);
        session.expect("ready ");
        session.send("\x03");
        let before = session.expect("signal 2 code 128 ");
        assert!(!before.contains("signal 1 ") && !before.contains("signal 18 "), "{before:?}");
        session.resize(99);
        let between = session.expect("signal 28 code 128 ");
        assert!(!between.contains("signal 2 "), "{between:?}");
        // A real hang-up for pidone is passed on.
        sys::kill(session.child.id().cast_signed(), 1);
        session.expect("signal 1 code 0 ");
    }
}

#[test]
fn an_interactive_bash_in_its_own_session_has_job_control() {
    if !privilege::has("bash") {
        return;
    }
    for place in options() {
        let mut session = as_leader(place, &["bash", "--norc", "--noediting", "-i"]);
        let greeting = session.expect("prompt> ");
        assert!(!greeting.contains("bash:"), "{greeting:?}");
        session.send("sh -c 'echo up; exec sleep 1000'\n");
        session.expect("\r\nup");
        session.send("\x1a");
        session.expect("Stopped");
        session.send("exit 7\n");
        session.expect("There are stopped jobs");
        session.send("exit 7\n");
        assert_eq!(session.end().0.code(), Some(7));
    }
}

#[test]
fn pid_1_passes_the_terminal_on_and_cannot_be_frozen() {
    if !privilege::privileged() {
        return;
    }
    // The outer one gives PID 1 a session with the terminal, as an engine does.
    let inner = binary().display().to_string();
    let script = format!("{WHERE}; read a; echo got $a; exit 6");
    let words = ["--as-pid1", "--new-session", "--", &inner, "--new-session", "--", "sh", "-c", &script];
    let mut session = Session::start(&mut pidone(words));
    session.expect("session 1 group 1 terminal 1 foreground 1 known");
    session.send("\x1a");
    session.expect("^Z");
    session.send("it\n");
    session.expect("got it");
    assert_eq!(session.end().0.code(), Some(6));
}

#[test]
fn another_sessions_terminal_is_not_taken_away() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        bash.send(&format!("$PIDONE {place} --new-session -- sh -c '{WHERE}'\n"));
        bash.expect("\r\nsession 1 group 1 terminal 0 foreground 0 known");
        bash.expect("prompt> ");
        // Keys reach it through pidone, which is in the foreground; each once.
        let [player, role] = play("signals");
        bash.send(&format!("$PIDONE {place} --new-session -- {player} {role}\n"));
        bash.expect("ready ");
        bash.send("\x03");
        let before = bash.expect("signal 2 code 0 ");
        assert!(!before.contains("code 128"), "{before:?}");
        bash.resize(99);
        let between = bash.expect("signal 28 code 0 ");
        assert!(!between.contains("signal 2 "), "{between:?}");
        // Ctrl-Z stops it, by SIGSTOP, and gives the prompt back.
        bash.send("\x1a");
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send("fg\n");
        bash.expect("signal 18 ");
        bash.send("\x1c");
        bash.expect("signal 3 ");
        bash.send("\x1a");
        bash.expect("prompt> ");
        bash.send("bg; kill -USR1 %1\n");
        bash.expect("signal 10 ");
        bash.send("kill -KILL %1; exit\n");
    }
}

#[test]
fn without_a_terminal_it_is_a_session_all_the_same() {
    for place in Place::all() {
        let script = "read -r _ _ _ _ group session _ </proc/$$/stat; echo $((session == $$)) $((group == $$))";
        let mut running = Running::start(&mut place.pidone(&["--new-session"], &["sh", "-c", script]));
        assert_eq!(running.line(), "1 1", "{place:?}");
        running.end().exits(0).silently();
    }
}

#[test]
fn stops_of_the_terminal_stop_it_as_sigstop_unless_they_are_rewritten() {
    for place in Place::with_init() {
        let script = "echo up; exec sleep 1000";
        for signal in [20, 21, 22] {
            let mut running = Running::start(&mut place.pidone(&["--new-session"], &["sh", "-c", script]));
            running.expect("up");
            let target = place.supervisor(&running);
            sys::kill(target, signal);
            let init = if place.re_raises() { procfs::only_child(target) } else { target };
            let workload = procfs::only_child(init);
            eventually("it is stopped", || (procfs::state(workload) == Some('T')).then_some(()));
            sys::kill(target, 18);
            eventually("it goes on", || (procfs::state(workload) == Some('S')).then_some(()));
            sys::kill(target, 15);
            running.end();
        }
        let options = ["--new-session", "--rewrite", "TSTP:USR1"];
        let mut running = Running::start(&mut place.pidone(&options, &play("signals")));
        running.expect("ready");
        sys::kill(place.supervisor(&running), 20);
        running.expect("signal 10 ");
    }
}

#[test]
fn a_sigtstp_that_is_sent_stops_dumb_init_as_well_and_of_pidone_the_command_alone() {
    // As the table of README has it.
    let options = ["--in-place", "-g", "--new-session", "--on-exit", "term", "--"];
    let row = format!("| `dumb-init CMD` | `pidone {} CMD`", options.join(" "));
    assert!(include_str!("../README.md").contains(&row), "{row}");
    let mut both = vec![(pidone(options), 'S')];
    if privilege::has("dumb-init") {
        both.push((Command::new("dumb-init"), 'T'));
    }
    for (mut command, own_state) in both {
        let mut running = Running::start(command.args(["sh", "-c", "echo up; exec sleep 1000"]));
        running.expect("up");
        let workload = procfs::only_child(running.pid());
        running.signal(20);
        eventually("the command is stopped", || (procfs::state(workload) == Some('T')).then_some(()));
        eventually("its init is as it should be", || {
            (procfs::state(running.pid()) == Some(own_state)).then_some(())
        });
        running.signal(18);
        eventually("it goes on", || (procfs::state(workload) == Some('S')).then_some(()));
    }
}
