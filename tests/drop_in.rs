//! The names of other inits: their options, their variables, their exit statuses. Here is what they have in
//! common, in tables; beside it:
//!
//! - [`one_of_them`]: what only tini, only dumb-init or only catatonit does
//! - [`links`]: what `install-names` makes
//!
//! (Past 300 lines because the tables are long.)

mod links;
mod one_of_them;

use crate::support::runner::Ended;
use crate::support::{Running, eventually, pidone, play, privilege, procfs, run, scratch, shell, sys, text};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const KILL: i32 = 9;
const USR1: i32 = 10;
const USR2: i32 = 12;
const TERM: i32 = 15;
const URG: i32 = 23;

const TINIS: [&str; 3] = ["tini", "tini-static", "docker-init"];
const NAMES: [&str; 5] = ["catatonit", "docker-init", "dumb-init", "tini", "tini-static"];

/// The binary under test by another init's name: through a link that `install-names` made.
fn init(name: &str, words: &[&str]) -> Command {
    static LINKS: OnceLock<PathBuf> = OnceLock::new();
    let links = LINKS.get_or_init(|| {
        let directory = scratch("names-of-inits");
        install_names(&directory).exits(0).silently();
        directory
    });
    let mut command = Command::new(links.join(name));
    for variable in ["PIDONE_OPTIONS", "TINI_SUBREAPER", "TINI_VERBOSITY", "TINI_KILL_PROCESS_GROUP"] {
        command.env_remove(variable);
    }
    command.args(words);
    command
}

/// The same, and without the warning that tini gives where it leaves orphans alone.
fn quiet_init(name: &str, words: &[&str]) -> Command {
    let mut command = init(name, words);
    command.env("TINI_VERBOSITY", "0");
    command
}

fn install_names(directory: &Path) -> Ended {
    run(pidone(["install-names"]).arg(directory))
}

/// Whoever may live longer than what started it, but not longer than the test.
struct Survivor(i32);

impl Survivor {
    /// From a line that ends in its pid.
    fn named_by(line: &str) -> Self {
        Survivor(line.rsplit(' ').next().and_then(|pid| pid.parse().ok()).expect("a pid"))
    }
}

impl Drop for Survivor {
    fn drop(&mut self) {
        sys::kill_if_there(self.0, KILL);
    }
}

#[test]
fn every_status_comes_through_and_tinis_e_makes_those_named_a_success() {
    for code in 0..=255 {
        let script = format!("exit {code}");
        for name in NAMES {
            run(&mut quiet_init(name, &["--", "sh", "-c", &script])).exits(code).silently();
        }
        for name in TINIS {
            let mapped = if matches!(code, 1 | 42 | 254 | 255) { 0 } else { code };
            let maps = ["-s", "-e", "42", "-e0", "-e", "255", "-se254", "-e", "1", "--", "sh", "-c", &script];
            run(&mut init(name, &maps)).exits(mapped).silently();
        }
    }
}

#[test]
fn death_by_a_signal_is_128_and_its_number() {
    for name in NAMES {
        for signal in [1, 2, 3, 6, KILL, 11, 13, TERM, 34, 64] {
            let script = format!("ulimit -c 0; kill -{signal} $$");
            let mut command = quiet_init(name, &["sh", "-c", &script]);
            sys::before_exec(&mut command, move || sys::default_action(signal));
            run(&mut command).exits(128 + signal).silently();
        }
    }
    run(&mut init("tini", &["-s", "-e", "143", "sh", "-c", "kill -TERM $$"])).exits(0).silently();
    run(&mut init("tini", &["-s", "-e", "15", "sh", "-c", "kill -TERM $$"])).exits(143).silently();
}

#[test]
fn what_cannot_be_run_has_the_status_that_each_program_gives_it() {
    for (name, not_found, not_runnable) in [
        ("tini", 127, 126),
        ("tini-static", 127, 126),
        ("docker-init", 127, 126),
        ("dumb-init", 2, 2),
        ("catatonit", 1, 1),
    ] {
        for (command, status) in [
            ("no-such-command", not_found),
            ("/nonexistent/x", not_found),
            ("/etc/passwd", not_runnable),
            ("/", not_runnable),
        ] {
            let ended = run(&mut quiet_init(name, &[command]));
            assert!(ended.exits(status).stderr.contains(command), "{ended:#?}");
        }
    }
}

#[test]
fn wrong_usage_is_1_and_runs_nothing() {
    const ALL: &[&str] = &["", "--", "-z echo", "--nonsense echo", "-gz echo"];
    const TINI: &[&str] =
        &["--version echo", "--help echo", "-e 256 echo", "-e -1 echo", "-e x echo", "-p X echo", "-e", "-p"];
    const DUMB_INIT: &[&str] = &[
        "--ver echo",
        "-r 15 echo",
        "-r 15: echo",
        "-r :15 echo",
        "-r 15:32 echo",
        "-r 0:15 echo",
        "-r 32:15 echo",
        "-r",
        "-r TERM:INT echo",
        "-r 1:2:3 echo",
        "--rewrite=1:-1 echo",
        "--single-child=1 echo",
        "-g echo",
        "--rewrite",
    ];
    const CATATONIT: &[&str] = &["-s echo", "--nope echo"];
    for name in NAMES {
        let own = match name {
            "dumb-init" => DUMB_INIT,
            "catatonit" => CATATONIT,
            _ => TINI,
        };
        for line in ALL.iter().chain(own) {
            let words: Vec<_> = line.split_whitespace().collect();
            let ended = run(&mut quiet_init(name, &words));
            assert!(ended.exits(1).stdout.is_empty() && !ended.stderr.is_empty(), "{ended:#?}");
        }
    }
    assert!(run(init("catatonit", &["echo"]).env("CATATONIT_LOG", "x")).exits(1).stdout.is_empty());
}

#[test]
fn an_option_that_takes_no_value_is_given_none() {
    for name in ["catatonit", "dumb-init"] {
        for option in ["--version=1", "--help=1", "--single-child=1", "--nonsense=1"] {
            assert!(run(&mut init(name, &[option, "echo"])).exits(1).stdout.is_empty(), "{name}");
        }
    }
}

#[test]
fn versions_helps_and_licenses_go_where_each_program_prints_them() {
    for name in TINIS {
        let ended = run(&mut init(name, &["--version"]));
        ended.exits(0).silently();
        // What Docker parses.
        let version = ended.stdout.strip_prefix("tini version ").and_then(|rest| rest.strip_suffix('\n'));
        let is_one_word = |word: &str| word.starts_with("0.19.0_pidone") && !word.contains(char::is_whitespace);
        assert!(version.is_some_and(is_one_word), "{ended:#?}");
        assert!(run(&mut init(name, &["-h"])).exits(0).silently().stdout.contains("-e CODE"));
        assert!(run(&mut init(name, &["-sl", "x"])).exits(0).silently().stdout.contains("is hereby granted"));
    }
    for option in ["-V", "--version", "--vers"] {
        let ended = run(&mut init("dumb-init", &[option, "x"]));
        assert_eq!((ended.exits(0).stdout.as_str(), ended.stderr.as_str()), ("", "dumb-init v1.2.5\n"));
        let ended = run(&mut init("catatonit", &[option]));
        ended.exits(0).silently();
        assert!(ended.stdout.starts_with("tini version ") && ended.stdout.contains("catatonit"), "{ended:#?}");
        assert_eq!(ended.stdout.split_whitespace().count(), 3, "{ended:#?}");
    }
    for (name, option) in [("dumb-init", "-h"), ("dumb-init", "--he"), ("catatonit", "-h")] {
        let ended = run(&mut init(name, &[option]));
        assert!(ended.exits(0).stdout.is_empty() && ended.stderr.contains("Usage: "), "{ended:#?}");
    }
    assert!(
        run(&mut init("catatonit", &["-L"])).exits(0).silently().stdout.contains("Permission is hereby granted")
    );
}

/// Leaves an orphan, says its pid, and stays.
const ORPHAN: &str = "orphan=$( (sleep 1000 >/dev/null 2>&1 & echo $!) ); echo orphan $orphan; exec sleep 1000";

#[test]
fn orphans_come_to_tini_if_asked_and_to_catatonit_always() {
    const WARNING: &str = "zombie reaping won't work";
    for (name, options, variable, adopts, warns) in [
        ("tini", "--", "", false, true),
        ("tini-static", "--", "", false, true),
        ("docker-init", "--", "", false, true),
        ("tini", "--", "TINI_VERBOSITY=0", false, false),
        ("tini", "-s", "", true, false),
        ("docker-init", "-gs", "", true, false),
        ("tini", "--", "TINI_SUBREAPER=", true, false),
        ("catatonit", "--", "", true, false),
        ("dumb-init", "--", "", false, false),
        ("dumb-init", "-c", "", false, false),
    ] {
        let mut command = init(name, &[options, "sh", "-c", ORPHAN]);
        if let Some((variable, value)) = variable.split_once('=') {
            command.env(variable, value);
        }
        let mut running = Running::start(&mut command);
        let orphan = Survivor::named_by(&running.expect("orphan "));
        let parent = procfs::status(orphan.0, "PPid");
        let adopted = parent == Some(running.pid().to_string());
        assert_eq!(adopted, adopts, "{name} {options} {variable}: {parent:?}");
        running.signal(TERM);
        let ended = running.end();
        assert_eq!(ended.exits(143).stderr.contains(WARNING), warns, "{ended:#?}");
    }
    if privilege::privileged() {
        let command = init("tini", &["sh", "-c", "echo parent $PPID"]);
        let ended = run(pidone(["--as-pid1", "--"]).arg(command.get_program()).args(command.get_args()));
        assert_eq!(ended.exits(0).silently().stdout, "parent 1\n");
    }
}

#[test]
fn signals_reach_the_command_alone_or_its_group() {
    let [player, role] = play("signals");
    let script = format!("trap 'echo parent' USR1; {player} {role} & while :; do wait; done");
    for (name, option, variable, group) in [
        ("tini", "--", "", false),
        ("docker-init", "-g", "", true),
        ("tini", "--", "TINI_KILL_PROCESS_GROUP", true),
        ("catatonit", "--", "", false),
        ("catatonit", "-g", "", true),
        ("dumb-init", "--", "", true),
        ("dumb-init", "-c", "", false),
        ("dumb-init", "--single", "", false),
        ("dumb-init", "--", "DUMB_INIT_SETSID", false),
    ] {
        let mut command = init(name, &[option, "sh", "-c", &script]);
        if !variable.is_empty() {
            command.env(variable, "0");
        }
        let mut running = Running::start(&mut command);
        let child = Survivor::named_by(&running.expect("ready "));
        running.signal(USR1);
        let mut lines = vec![running.line()];
        while lines.last().is_some_and(|line| line != "parent") {
            lines.push(running.line());
        }
        // By now the child has got the other one, too, if it gets it at all.
        sys::kill(child.0, USR2);
        while lines.last().is_some_and(|line| !line.starts_with("signal 12 ")) {
            lines.push(running.line());
        }
        let reached = lines.iter().filter(|line| line.starts_with("signal 10 ")).count();
        assert_eq!(reached, usize::from(group), "{name} {option} {variable}: {lines:?}");
    }
}

#[test]
fn groups_and_sessions_are_those_of_each_program() {
    // Fields 4 to 6 of proc_pid_stat(5).
    let script = "read -r pid name state parent group session rest </proc/self/stat; \
        echo $parent $((group - pid)) $((session - pid)) $group $session; read x";
    let ours = nix::unistd::getsid(None).expect("a session").to_string();
    for (name, option, own_group, own_session) in [
        ("tini", "--", true, false),
        ("docker-init", "-g", true, false),
        ("catatonit", "--", true, false),
        ("dumb-init", "--", true, true),
        ("dumb-init", "-c", false, false),
    ] {
        let mut command = init(name, &[option, "sh", "-c", script]);
        let mut running = Running::start(command.stdin(Stdio::piped()).process_group(0));
        let (line, init) = (running.line(), running.pid().to_string());
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words[0], init, "{name} {option}: {line}");
        assert!(if own_group { words[1] == "0" } else { words[3] == init }, "{name} {option}: {line}");
        assert!(if own_session { words[2] == "0" } else { words[4] == ours }, "{name} {option}: {line}");
    }
}

#[test]
fn what_the_command_leaves_running_lives_on_unless_it_is_in_dumb_inits_group() {
    let directory = scratch("left");
    let [told, alive] = ["told", "alive"].map(|name| directory.join(name));
    let script = format!(
        "(trap 'echo >{}; exit' TERM; trap 'echo >{}' URG; echo up >&3; while :; do sleep 0.01; done) \
         3>&1 >/dev/null 2>&1 & pid=$!; read x; echo left $pid",
        told.display(),
        alive.display()
    );
    for (name, option, lives) in [
        ("tini", "--", true),
        ("tini", "-s", true),
        ("docker-init", "-g", true),
        ("catatonit", "--", true),
        ("dumb-init", "-c", true),
        ("dumb-init", "-r15:0", true),
        ("dumb-init", "-r15:23", true),
        ("dumb-init", "--", false),
        ("dumb-init", "-r10:15", false),
    ] {
        [&told, &alive].into_iter().for_each(|file| drop(fs::remove_file(file)));
        let (reader, writer) = std::io::pipe().expect("make a pipe");
        let mut command = quiet_init(name, &[option, "sh", "-c", &script]);
        let mut running = Running::start(command.stdin(reader));
        running.expect("up");
        drop(writer);
        let left = Survivor::named_by(&running.expect("left "));
        eventually("init is gone", || (!running.is_running()).then_some(()));
        if lives {
            // What is pending when it comes to this one is handled before: its number is lower.
            sys::kill_if_there(left.0, URG);
            eventually("a sign of life", || (alive.exists() || told.exists()).then_some(()));
        } else {
            eventually("it is told", || told.exists().then_some(()));
        }
        assert_eq!(told.exists(), !lives, "{name} {option}");
        drop(left);
        running.end().exits(0).silently();
    }
}

#[test]
fn none_of_them_makes_a_namespace() {
    let namespaces = "for kind in pid mnt user; do readlink /proc/self/ns/$kind; done";
    let ours = text(&mut shell(namespaces));
    for name in NAMES {
        assert_eq!(
            run(&mut quiet_init(name, &["sh", "-c", namespaces])).exits(0).silently().stdout,
            ours,
            "{name}"
        );
    }
}

#[test]
fn a_file_without_an_interpreter_line_is_run_by_the_shell_as_execvp_does() {
    let directory = scratch("no-interpreter");
    let file = directory.join("script").display().to_string();
    // In a process of its own; see `copy`.
    text(Command::new("sh").args(["-c", "echo 'echo \"$0\" $# \"$2\"; exit 5' >$0; chmod 755 $0", &file]));
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap_or_default());
    for name in NAMES {
        for command in [file.as_str(), "script"] {
            let ended = run(quiet_init(name, &["--", command, "a", "b  c"]).env("PATH", &path));
            assert_eq!(ended.exits(5).silently().stdout, format!("{file} 2 b  c\n"), "{name}");
        }
    }
    run(&mut pidone(["--in-place", "--", &file, "a"])).exits(126).says(&["ENOEXEC"], Some(""));
}

#[test]
fn pidone_options_count_under_each_name() {
    let [player, role] = play("signals");
    for name in NAMES {
        let with = |options: &str, words: &[&str]| {
            let mut command = quiet_init(name, words);
            command.env("PIDONE_OPTIONS", options);
            command
        };
        run(&mut with("--map-exit 7:9 --env 'X=a b'", &["sh", "-c", "[ \"$X\" = 'a b' ] && exit 7"]))
            .exits(9)
            .silently();
        let mut running = Running::start(&mut with("--stop-timeout 50ms", &[&player, &role]));
        running.expect("ready ");
        running.signal(TERM);
        // Which would not have ended it.
        running.end().exits(128 + KILL);
        for refused in ["--isolate", "--as-pid1", "--map-root", "--nonsense", "'"] {
            let ended = run(&mut with(refused, &["echo", "ran"]));
            assert!(ended.exits(1).stdout.is_empty() && !ended.stderr.is_empty(), "{refused}: {ended:#?}");
        }
        let refusal = run(&mut with("--isolate", &["echo", "ran"])).stderr;
        assert!(refusal.contains("PIDONE_OPTIONS") && refusal.contains("namespaces"), "{refusal}");
    } // It is there to be killed only where it has been adopted.
    for (name, option) in [("tini", "-s"), ("docker-init", "-gs"), ("catatonit", "--")] {
        let mut command = init(name, &[option, "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo left $!"]);
        let mut running = Running::start(command.env("PIDONE_OPTIONS", "--on-exit kill"));
        let left = Survivor::named_by(&running.expect("left "));
        running.end().exits(0).silently();
        assert_eq!(procfs::state(left.0), None, "{name}");
    }
}
