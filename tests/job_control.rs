//! Job control as a shell expects it: real interactive bash, real pseudo-terminal, keys typed.

use crate::support::{
    Running, binary, eventually, options, pidone, play, privilege, procfs, pty::Session, rounds, run, shell, sys,
};
use std::process::Command;

/// Typed at a shell: waits until a job is stopped, and says something that was not typed.
const UNTIL_STOPPED: &str = "until jobs -s | grep -q .; do :; done; echo not\"\"iced\n";

#[test]
fn ctrl_z_gives_the_prompt_back_and_fg_resumes_with_the_terminal() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        bash.send(&format!(
            "$PIDONE {place} -- sh -c 'echo up; read a; echo got $a; read b; echo and $b; exit 3'\n"
        ));
        bash.expect("\r\nup");
        for word in ["one", "two"] {
            bash.send("\x1a");
            bash.expect("Stopped");
            bash.expect("prompt> ");
            bash.send("jobs\n");
            bash.expect("Stopped");
            bash.send("fg\n");
            bash.expect("exit 3'");
            bash.send(&format!("{word}\n"));
            bash.expect(if word == "one" { "got one" } else { "and two" });
        }
        bash.expect("prompt> ");
        bash.send("echo status $?\n");
        bash.expect("status 3");
    }
}

#[test]
fn bg_resumes_without_the_terminal_and_fg_then_gives_it() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        bash.send(&format!("$PIDONE {place} -- sh -c 'kill -STOP $$; echo re\"\"sumed; read a; echo got $a'\n"));
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send("bg\n");
        bash.expect("resumed");
        // It wants to read, which it may not in the background: the shell hears of that, too, once it looks.
        bash.send(UNTIL_STOPPED);
        bash.expect("noticed");
        bash.send("fg\n");
        bash.expect("got $a'\r\n");
        bash.send("it\n");
        bash.expect("got it");
        bash.expect("prompt> ");
    }
}

#[test]
fn started_in_the_background_it_takes_nothing_until_fg() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        bash.send(&format!("$PIDONE {place} -- sh -c 'echo work\"\"ing; read a; echo got $a; exit 4' &\n"));
        bash.expect("working");
        bash.send(UNTIL_STOPPED);
        bash.expect("noticed");
        bash.send("fg\n");
        bash.expect("exit 4'\r\n");
        bash.send("it\n");
        bash.expect("got it");
        bash.send("echo status $?\n");
        bash.expect("status 4");
    }
}

#[test]
fn a_running_background_job_gets_the_terminal_by_fg() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        let fifo = crate::support::scratch("fg").join("fifo");
        bash.send(&format!(
            "mkfifo {0}; $PIDONE {place} -- sh -c 'read x <{0}; read a; echo got $a' &\n",
            fifo.display()
        ));
        bash.expect("prompt> ");
        bash.send(&format!("(sleep 0.1; echo >{}) & fg %1\n", fifo.display()));
        bash.expect("got $a'\r\n");
        bash.send("it\n");
        bash.expect("got it");
    }
}

/// A shell whose own call that makes its new job the foreground group comes late: the workload has the foreground by then.
const LATE_SHELL: &str = r#"
use POSIX;
$SIG{TTOU} = "IGNORE";
my $shell = getpgrp;
my $job = fork;
if (!$job) {
    setpgrp;
    POSIX::tcsetpgrp(0, getpgrp);
    $SIG{TTOU} = "DEFAULT";
    exec @ARGV;
}
select undef, undef, undef, 0.002 until $shell != POSIX::tcgetpgrp(0) && $job != POSIX::tcgetpgrp(0);
POSIX::tcsetpgrp(0, $job);
open my $go, ">", $ENV{GO};
waitpid $job, WUNTRACED;
print "job: $?\n";
kill "KILL", -$job;
"#;

#[test]
fn a_shell_that_gives_its_job_the_foreground_late_stops_nothing() {
    if !privilege::has("perl") {
        return;
    }
    for place in options() {
        let go = crate::support::scratch("late").join("go");
        let wait_and_read = r#"until [ -e "$GO" ]; do sleep 0.01; done; read a; echo "got $a"; exit 6"#;
        let mut perl = Command::new("perl");
        perl.args(["-e", LATE_SHELL]).arg(binary()).args([place, "--", "sh", "-c", wait_and_read]).env("GO", &go);
        let mut session = Session::start(&mut perl);
        session.send("it\n");
        session.expect("got it");
        session.expect("job: 1536");
    }
}

#[test]
fn signals_for_the_job_and_for_its_group_arrive_once() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        let [player, role] = play("signals");
        bash.send(&format!("$PIDONE {place} -- {player} {role} & job=$!\n"));
        bash.expect("ready ");
        for (command, signal) in
            [("kill -INT %1", 2), ("kill -USR1 -- -$job", 10), ("kill -TERM $job", 15), ("kill -HUP %1", 1)]
        {
            bash.send(&format!("{command}\n"));
            // Between one signal and the next no other arrived.
            let before = bash.expect(&format!("signal {signal} code 0 value 0 "));
            assert!(!before.contains("code 128") && before.matches("code 0").count() == 1, "{before:?}");
        }
        bash.send("kill -KILL -- -$job\n");
    }
}

#[test]
fn the_window_changes_size_once() {
    for place in options() {
        let [player, role] = play("signals");
        let mut session = Session::start(&mut pidone([place, "--", &player, &role]));
        session.expect("ready ");
        session.expect("\r\n");
        for columns in [100, 120] {
            session.resize(columns);
            let before = session.expect("signal 28 code 128 value 0 pid 0 uid 0\r\n");
            assert!(!before[..before.len() - 20].contains("pid"), "{before:?}");
        }
        session.send("\x03");
        let before = session.expect("signal 2 ");
        assert!(!before.contains("signal 28"), "{before:?}");
    }
}

#[test]
fn without_a_shell_above_ctrl_z_stops_nothing() {
    for place in options() {
        ctrl_z_stops_nothing(&mut pidone([place, "--", "sh", "-c", ASKS]));
    }
}

/// A shell's, which waits for a line.
pub const ASKS: &str = "echo up; read a; echo got $a";

/// Where nobody could continue it, something that runs `ASKS` goes on.
pub fn ctrl_z_stops_nothing(command: &mut Command) {
    let mut session = Session::start(command);
    session.expect("up");
    session.send("\x1a");
    session.expect("^Z");
    session.send("it\n");
    session.expect("got it");
    assert!(session.end().0.success());
}

#[test]
fn in_place_as_pid_1_ctrl_z_freezes_nothing() {
    if !privilege::privileged() {
        return;
    }
    let inner = binary().display().to_string();
    let words = ["--as-pid1", "--", &inner, "--", "sh", "-c", "echo up; read a; echo got $a; exit 6"];
    let mut session = Session::start(&mut pidone(words));
    session.expect("up");
    session.send("\x1a");
    session.expect("^Z");
    session.send("it\n");
    session.expect("got it");
    assert_eq!(session.end().0.code(), Some(6));
}

#[test]
fn a_pager_at_the_end_of_a_pipeline_can_read_its_keys() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        // The command still runs, and its group in the foreground would stop the pager for reading.
        let pager = "sh -c 'read line; read a </dev/tty; echo pager got $line $a'";
        bash.send(&format!("$PIDONE {place} -- sh -c 'echo text; exec sleep 1000' | {pager}\n"));
        bash.expect("got $line $a'\r\n");
        bash.send("it\n");
        bash.expect("pager got text it");
        bash.send("\x03");
        bash.expect("prompt> ");
    }
}

#[test]
fn a_command_that_reads_the_terminal_gets_it_also_in_a_pipeline() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        bash.send(&format!("$PIDONE {place} -- sh -c 'read a; echo got $a' | cat\n"));
        bash.expect("got $a' | cat\r\n");
        bash.send("it\n");
        bash.expect("got it");
        bash.expect("prompt> ");
        bash.send(&format!("$PIDONE {place} -- bash --norc --noediting -i 2>&1 | cat\n"));
        let greeting = bash.expect("prompt> ");
        assert!(!greeting.contains("no job control"), "{greeting:?}");
        bash.send("exit\n");
        bash.expect("prompt> ");
    }
}

#[test]
fn a_stop_without_any_terminal_stops_the_workload_alone() {
    // With no shell that could continue pidone, pidone does not stop: here the workload is continued without it.
    let pause = "(while ! grep -q 'State:.T' /proc/$$/status; do :; done; kill -CONT $$) & kill -STOP $$; exit 5";
    for place in options() {
        for _ in 0..rounds(20) {
            let mut command = pidone([place, "--", "sh", "-c", pause]);
            sys::before_exec(&mut command, || Ok(nix::unistd::setsid().map(drop)?));
            run(&mut command).exits(5).silently();
        }
        // And here through it.
        let mut command = pidone([place, "--", "sh", "-c", "echo up; kill -STOP $$; exit 6"]);
        sys::before_exec(&mut command, || Ok(nix::unistd::setsid().map(drop)?));
        let mut running = Running::start(&mut command);
        running.expect("up");
        let init = if place == "--isolate" { procfs::only_child(running.pid()) } else { running.pid() };
        let workload = procfs::only_child(init);
        eventually("the workload is stopped", || (procfs::state(workload) == Some('T')).then_some(()));
        running.signal(18);
        running.end().exits(6);
    }
}

#[test]
fn a_workload_that_cannot_have_the_terminal_does_not_make_pidone_spin() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        // It never gets as far as its second file, which only tells it from others.
        let marker = format!("/nonexistent/{}{place}", std::process::id());
        // Only once the shell has the foreground back: until then pidone's group has it, to give.
        let go = crate::support::scratch("spin").join("go");
        bash.send(&format!(
            "(set +m; $PIDONE {place} -- sh -c 'until [ -e {} ]; do sleep 0.01; done; exec cat /dev/tty {marker}' </dev/null &)\n",
            go.display()
        ));
        bash.expect("prompt> ");
        std::fs::write(&go, "").expect("let it read");
        let cat = eventually("the reader is stopped", || {
            procfs::marked(&format!("cat\0/dev/tty\0{marker}"))
                .into_iter()
                .find(|pid| procfs::state(pid) == Some('T'))
        });
        let init: i32 = procfs::status(cat, "PPid").unwrap().parse().unwrap();
        let settled = eventually("init waits", || {
            let before = procfs::voluntary_switches(init);
            (0..20).for_each(|_| drop(procfs::tree()));
            (before == procfs::voluntary_switches(init)).then_some(before)
        });
        assert_eq!(procfs::voluntary_switches(init), settled);
        sys::kill(cat, 9);
    }
}

#[test]
fn where_the_shells_group_cannot_be_named_the_terminal_stays_with_it() {
    if !privilege::privileged() {
        return;
    }
    for place in options() {
        // pidone is PID 1 of a namespace in which the number of its own process group is 0.
        let script = format!(
            "unshare -fp --mount-proc $PIDONE {place} -- sh -c 'read a; echo first $a'; read b; echo second $b"
        );
        let mut session = Session::start(Command::new("sh").args(["-c", &script]).env("PIDONE", binary()));
        session.send("one\n");
        session.expect("first one");
        session.send("two\n");
        session.expect("second two");
        let [player, role] = play("signals");
        let script = format!("trap '' INT; unshare -fp --mount-proc $PIDONE {place} -- {player} {role}; echo over");
        let mut session = Session::start(Command::new("sh").args(["-c", &script]).env("PIDONE", binary()));
        session.expect("ready ");
        session.send("\x03");
        session.expect("signal 2 code 128 ");
        session.resize(77);
        let between = session.expect("signal 28 ");
        assert!(!between.contains("signal 2 "), "{between:?}");
    }
}

#[test]
fn ctrl_z_stops_the_script_around_it_too() {
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        bash.send(&format!("sh -c '$PIDONE {place} -- sh -c \"echo up; read a; echo got \\$a\"; echo after $?'\n"));
        bash.expect("\r\nup");
        bash.send("\x1a");
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send("fg\n");
        bash.expect("after $?'\r\n");
        bash.send("it\n");
        bash.expect("got it");
        bash.expect("after 0");
        bash.expect("prompt> ");
    }
}

#[test]
fn an_editor_stops_itself_by_its_own_ctrl_z_and_comes_back() {
    if !privilege::has("busybox") {
        return;
    }
    for place in options() {
        let Some(mut bash) = Session::bash() else { return };
        let file = crate::support::scratch("editor").join("text");
        std::fs::write(&file, "text\n").expect("write a text");
        // In raw mode the key is no signal: the editor reads it, and raises the signal itself.
        bash.send(&format!("TERM=vt100 $PIDONE {place} -- busybox vi {}\n", file.display()));
        bash.expect("~");
        bash.send("\x1a");
        bash.expect("Stopped");
        bash.expect("prompt> ");
        bash.send("fg\n");
        bash.expect("~");
        bash.send("x:wq\n");
        bash.expect("prompt> ");
        bash.send("echo status $?\n");
        bash.expect("status 0");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "ext\n", "{place}");
    }
}

#[test]
fn timeout_ends_it() {
    for place in options() {
        let ended = run(&mut shell(&format!("timeout 0.3 $PIDONE {place} -- sleep 1000; echo $?")));
        assert_eq!(ended.stdout, "124\n");
        let ended = run(&mut shell(&format!("timeout -s INT 0.3 $PIDONE {place} -- sleep 1000; echo $?")));
        assert_eq!(ended.stdout, "124\n");
    }
}
