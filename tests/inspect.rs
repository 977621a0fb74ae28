//! What `pidone inspect` says of processes of every kind. What it says of signals is in [`super::inspect_signals`].

use crate::support::json::{self, Value};
use crate::support::privilege::{self, as_nobody};
use crate::support::pty::Session;
use crate::support::{Place, Running, eventually, pidone, play, procfs, run, scratch, shell, sys};
use std::process::Command;

/// What is said of a process, as JSON.
pub fn inspect(pid: i32) -> Value {
    let ended = run(&mut pidone(["inspect", &pid.to_string(), "--json"]));
    let text = &ended.exits(0).silently().stdout;
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    json::parse(text)
}

/// The codes of the findings.
pub fn codes(report: &Value) -> Vec<&str> {
    report["findings"].items().iter().filter_map(|finding| finding["code"].text()).collect()
}

/// A finding, which must be there.
pub fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let found = report["findings"].items().iter().find(|finding| finding["code"].text() == Some(code));
    found.unwrap_or_else(|| panic!("no {code} in {report:?}"))
}

/// A command that is PID 1 itself, and what pid it has out here.
pub fn as_pid1(command: &[impl AsRef<std::ffi::OsStr>]) -> (Running, i32) {
    let mut running = Running::start(&mut Place::Bare.pidone(&[], command));
    running.expect("");
    let pid = procfs::only_child(running.pid());
    (running, pid)
}

/// Perl forks, and does not wait for who exits at once.
const ZOMBIE: &str = "$| = 1; exit 0 if !fork; print qq(up\\n); sleep 1000 while 1";

#[test]
fn a_shell_that_is_pid_1_drops_sigterm_and_is_a_wrapper() {
    if !privilege::privileged() {
        return;
    }
    let (_running, pid) = as_pid1(&["sh", "-c", "echo up; sleep 1000; true"]);
    eventually("the sleep runs", || (procfs::children(pid).len() == 1).then_some(()));
    let report = inspect(pid);
    assert_eq!((report["pid"].number(), report["comm"].text()), (Some(pid.into()), Some("sh")));
    assert_eq!(report["is_init"].bool(), Some(true));
    assert_eq!(report["nspids"], json::parse(&format!("[{pid}, 1]")));
    assert_eq!(report["command"].items()[1].text(), Some("-c"));
    let message = finding(&report, "term-dropped")["message"].text().unwrap();
    assert!(message.contains("dropped") && message.contains("(sleep)"), "{message}");
    assert!(finding(&report, "shell-wrapper")["message"].text().unwrap().contains("sh -c"));
    for finding in report["findings"].items() {
        assert_eq!(finding.keys(), ["advice", "code", "message"]);
    }
    let (_running, pid) = as_pid1(&["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"]);
    assert!(!codes(&inspect(pid)).contains(&"term-dropped"));
}

#[test]
fn another_stop_signal_is_proposed_where_one_is_taken() {
    if !privilege::privileged() {
        return;
    }
    let [player, role] = play("answer");
    let (_running, pid) = as_pid1(&[player.as_str(), &role, "3"]);
    let report = inspect(pid);
    let finding = finding(&report, "term-dropped");
    assert!(finding["message"].text().unwrap().contains("is ignored"), "{finding:?}");
    assert!(finding["advice"].text().unwrap().contains("STOPSIGNAL SIGQUIT"), "{finding:?}");
}

#[test]
fn all_eight_namespaces_are_shown_with_their_relations() {
    if !privilege::privileged() {
        return;
    }
    let mut running =
        Running::start(&mut pidone(["--all", "--map-root", "--", "sh", "-c", "echo up; exec sleep 1000"]));
    running.expect("up");
    let init = procfs::only_child(running.pid());
    // The time namespace is the workload's alone: init's children are in it.
    let workload = procfs::only_child(init);
    let report = inspect(workload);
    let namespaces = report["namespaces"].items();
    let types: Vec<_> = namespaces.iter().filter_map(|row| row["type"].text()).collect();
    assert_eq!(types, ["user", "pid", "mnt", "uts", "ipc", "net", "cgroup", "time"]);
    let link = |pid: i32, kind: &str| {
        let link = std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap().display().to_string();
        link.split(['[', ']']).nth(1).unwrap().parse::<i64>().unwrap()
    };
    let own = std::process::id().cast_signed();
    for row in namespaces {
        let kind = row["type"].text().unwrap();
        assert_eq!(row["inode"].number(), Some(link(workload, kind)), "{kind}");
        assert_eq!(row["same_as_caller"].bool(), Some(false), "{kind}");
        assert_eq!(row["processes"].number(), Some(if kind == "time" { 1 } else { 2 }), "{kind}");
        let owner = if kind == "user" { link(own, "user") } else { link(workload, "user") };
        assert_eq!(row["owner_userns"].number(), Some(owner), "{kind}");
        assert_eq!(row["owner_uid"].number(), Some(nix::unistd::getuid().as_raw().into()), "{kind}");
        let parent = matches!(kind, "user" | "pid").then(|| link(own, kind));
        assert_eq!(row["parent"].number(), parent, "{kind}");
    }
    let types: Vec<Value> = inspect(init)["namespaces"].items().iter().map(|row| row["type"].clone()).collect();
    assert_eq!(types.last(), Some(&Value::Text("time_for_children".into())));
}

#[test]
fn inside_the_default_is_pid_1_whoever_one_is() {
    for place in [Place::Isolated, Place::MapRoot] {
        let granted = if place == Place::Isolated { privilege::privileged() } else { privilege::user_namespaces() };
        if !granted {
            continue;
        }
        let ended =
            run(&mut place
                .pidone(&[], &[crate::support::binary().as_os_str(), "inspect".as_ref(), "--json".as_ref()]));
        let report = json::parse(&ended.exits(0).stdout);
        assert_eq!(report["nspids"], json::parse("[1]"));
        assert_eq!(report["comm"].text(), Some("pidone"));
        assert_eq!(codes(&report), [""; 0], "{report:?}");
        assert_eq!(report["unreadable"].items(), []);
    }
}

#[test]
fn what_may_not_be_read_is_null_and_listed() {
    if !privilege::privileged() {
        return;
    }
    let (_running, pid) = as_pid1(&play("signals"));
    let ended = run(as_nobody(&mut pidone(["inspect", &pid.to_string(), "--json"])));
    let report = json::parse(&ended.exits(0).silently().stdout);
    assert_eq!((report["comm"].text(), report["is_init"].bool()), (Some("player"), Some(true)));
    assert_eq!(report["nspids"], json::parse(&format!("[{pid}, 1]")));
    for row in report["signals"].items().iter().filter(|row| row["number"].number() != Some(9)) {
        // It waits for them all, and looks as if it had arranged nothing: so nothing is claimed but for SIGSTOP.
        let is_stop = row["number"].number() == Some(19);
        assert_eq!(row["from_inside"] == Value::Null, !is_stop, "{row:?}");
    }
    assert_eq!(report["namespaces"].items()[0]["inode"], Value::Null);
    let unreadable: Vec<_> = report["unreadable"].items().iter().filter_map(|gap| gap["what"].text()).collect();
    assert!(unreadable.iter().any(|what| what.contains("sigwait")), "{unreadable:?}");
    assert!(unreadable.iter().any(|what| what.contains("namespaces")), "{unreadable:?}");
    assert!(!codes(&report).contains(&"term-dropped"));
    let table = run(as_nobody(&mut pidone(["inspect", &pid.to_string()])));
    assert!(table.exits(0).silently().stdout.contains("CAP_SYS_PTRACE"), "{table:#?}");
}

#[test]
fn a_zombie_is_the_fault_of_a_live_parent_or_of_the_init() {
    if !privilege::privileged() || !privilege::has("perl") {
        return;
    }
    for (command, fault) in [(vec!["perl", "-e", ZOMBIE], "init"), (vec!["sh", "-c"], "parent")] {
        let script = format!("perl -e '{ZOMBIE}'; true");
        let command = if fault == "parent" { [command, vec![&script]].concat() } else { command };
        let (_running, pid) = as_pid1(&command);
        let report = eventually("the zombie is seen", || {
            let report = inspect(pid);
            (!report["zombies"].items().is_empty()).then_some(report)
        });
        let [zombie] = report["zombies"].items() else { panic!("{report:?}") };
        assert_eq!((zombie["fault"].text(), zombie["comm"].text()), (Some(fault), Some("perl")));
        let ppid = procfs::status(zombie["pid"].number().unwrap(), "PPid").unwrap();
        assert_eq!(zombie["ppid"].number(), ppid.parse().ok());
        assert!(codes(&report).contains(&"zombies"));
        // The zombie itself: nothing reaches it.
        let dead = inspect(zombie["pid"].number().unwrap().try_into().unwrap());
        assert_eq!(dead["state"].text(), Some("Z"));
        assert_eq!(dead["signals"].items()[8]["from_outside"].text(), Some("dropped"));
    }
}

#[test]
fn orphans_are_told_from_children_and_a_subreaper_by_them() {
    let mut running = Running::start(&mut Place::Subreaper.shell("(sleep 1000 & echo $!); exec sleep 1000"));
    let orphan: i32 = running.line().parse().unwrap();
    let init = eventually("it is adopted", || {
        (procfs::status(orphan, "PPid")? == running.pid().to_string()).then_some(running.pid())
    });
    let inspect = |pid: i32| {
        let ended = run(as_nobody(&mut pidone(["inspect", &pid.to_string(), "--json"])));
        json::parse(&ended.exits(0).stdout)
    };
    let report = inspect(orphan);
    assert_eq!((report["adopted"].bool(), report["is_init"].bool()), (Some(true), Some(false)));
    assert_eq!(report["above"].items()[0]["pid"].number(), Some(init.into()));
    assert_eq!(report["above"].items()[0]["role"].text(), Some("init-program"));
    assert!(codes(&report).contains(&"not-init"));
    let is_it = |row: &&Value| row["pid"].number() == Some(orphan.into());
    assert!(report["orphans"].items().iter().any(|row| is_it(&row)), "{report:?}");
    let workload = procfs::children(init).into_iter().find(|pid| *pid != orphan).unwrap();
    assert_eq!(inspect(workload)["adopted"].bool(), Some(false));
}

#[test]
fn two_inits_are_one_too_many_but_not_the_two_halves_of_pidone() {
    if !privilege::privileged() {
        return;
    }
    let binary = crate::support::binary().display().to_string();
    let line = [&binary, "--in-place", "--", "sh", "-c", "echo up; exec sleep 1000"];
    let mut running = Running::start(&mut Place::Isolated.pidone(&[], &line));
    running.expect("up");
    let init = procfs::only_child(running.pid());
    assert!(codes(&inspect(init)).contains(&"double-init"));
    assert!(codes(&inspect(procfs::only_child(init))).contains(&"double-init"));
    let mut running = Running::start(&mut Place::Isolated.shell("echo up; exec sleep 1000"));
    running.expect("up");
    for half in [running.pid(), procfs::only_child(running.pid())] {
        assert!(!codes(&inspect(half)).contains(&"double-init"));
    }
}

#[test]
fn b9_a_half_dead_namespace_names_who_holds_it() {
    if !privilege::privileged() || !privilege::has("perl") || cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let mut running = Running::start(&mut Place::Isolated.shell("echo up; exec sleep 1000"));
    running.expect("up");
    let init = procfs::only_child(running.pid());
    let (reader, _writer) = std::io::pipe().unwrap();
    let mut command = Command::new("perl");
    let script = [crate::experiments::NEGLECTFUL, &init.to_string()];
    let mut neglectful = Running::start(command.arg("-e").args(script).stdin(reader));
    let injected = neglectful.expect("injected ").rsplit(' ').next().unwrap().to_owned();
    sys::kill(init, 9);
    let report = eventually("the init is dying", || {
        let report = inspect(init);
        (report["is_dying"].bool()? && procfs::state(&injected)? == 'Z').then(|| inspect(init))
    });
    assert_eq!(report["wchan"].text(), Some("zap_pid_ns_processes"));
    let stuck = finding(&report, "stuck-teardown");
    let message = stuck["message"].text().unwrap();
    assert!(message.contains(&format!("waits for {injected} (")) && message.contains("state Z"), "{message}");
    assert!(message.contains("zap_pid_ns_processes"), "{message}");
    assert!(stuck["advice"].text().unwrap().contains(&format!("{} (perl)", neglectful.pid())), "{stuck:?}");
    // From above it is seen, too; and the zombie is its outside parent's.
    assert!(codes(&inspect(running.pid())).contains(&"stuck-teardown"));
    let zombie = &report["zombies"].items()[0];
    assert_eq!((zombie["fault"].text(), zombie["ppid"].number()), (Some("parent"), Some(neglectful.pid().into())));
}

#[test]
fn b46_a_masked_proc_is_a_finding() {
    if !privilege::privileged() {
        return;
    }
    let script = "mount -t tmpfs none /proc/fs; mount --bind /dev/null /proc/version; echo up; exec sleep 1000";
    let (_running, pid) = as_pid1(&["sh", "-c", script]);
    let report = inspect(pid);
    let masked = finding(&report, "masked-proc");
    assert!(masked["message"].text().unwrap().contains("/proc/fs, /proc/version"), "{masked:?}");
    assert!(masked["advice"].text().unwrap().contains("systempaths=unconfined"), "{masked:?}");
}

#[test]
fn the_members_are_those_of_the_documentation() {
    let readme = include_str!("../README.md");
    let own = std::process::id().cast_signed();
    let report = inspect(own);
    let mut members: Vec<String> = report.keys().into_iter().map(ToOwned::to_owned).collect();
    for (list, names) in [
        ("namespaces", "type inode same_as_caller parent owner_userns owner_uid processes"),
        ("signals", "number name disposition blocked pending from_inside from_outside"),
        ("above", "pid comm role"),
    ] {
        let mut expected: Vec<_> = names.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(report[list].items()[0].keys(), expected);
        members.extend(expected.into_iter().map(ToOwned::to_owned));
    }
    for member in members {
        assert!(readme.contains(&format!("`{member}`")), "README does not have {member}");
    }
    let help = run(&mut pidone(["inspect", "--help"])).exits(0).silently().stdout.clone();
    for code in
        ["term-dropped", "shell-wrapper", "zombies", "double-init", "not-init", "stuck-teardown", "masked-proc"]
    {
        assert!(readme.contains(&format!("| `{code}` |")) && help.contains(code), "{code}");
    }
    for option in ["--json", "--tree", "--watch"] {
        assert!(readme.contains(&format!("| `inspect {option}")) && help.contains(option), "{option}");
    }
}

#[test]
fn the_tables_fit_100_columns_and_have_no_colours_in_a_pipe() {
    let mut subject = Running::start(&mut Place::Subreaper.pidone(&["-v"], &play("signals")));
    subject.expect("ready");
    for pid in [subject.pid(), std::process::id().cast_signed(), 1] {
        for options in [&[][..], &["--tree"]] {
            let mut command = pidone(["inspect", &pid.to_string()]);
            let ended = run(command.args(options));
            let text = &ended.exits(0).silently().stdout;
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
            assert!(!text.contains('\x1b'), "{text}");
        }
    }
    let ended = run(&mut pidone(["inspect", "--tree", "--json"]));
    let tree = json::parse(&ended.exits(0).stdout);
    assert!(!tree["pid_namespaces"].items().is_empty() && !tree["user_namespaces"].items().is_empty());
}

#[test]
fn the_tree_has_a_namespace_below_its_parent_with_its_init() {
    if !privilege::privileged() {
        return;
    }
    let (_running, pid) = as_pid1(&["sh", "-c", "echo up; exec sleep 1000"]);
    let ended = run(&mut pidone(["inspect", "--tree", "--json"]));
    let tree = json::parse(&ended.exits(0).stdout);
    let nodes = tree["pid_namespaces"].items();
    let node = nodes.iter().find(|node| node["init"]["pid"].number() == Some(pid.into())).unwrap();
    let own = nodes.iter().find(|node| node["same_as_caller"].bool() == Some(true)).unwrap();
    assert_eq!((&node["parent"], node["processes"].number()), (&own["inode"], Some(1)));
    assert_eq!(node["init"]["comm"].text(), Some("sleep"));
}

#[test]
fn who_is_not_there_cannot_be_shown() {
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    run(&mut pidone(["inspect", &gone.id().to_string()]))
        .exits(125)
        .says(&["cannot inspect: ", "No such process (ESRCH)"], Some("ps shows what there is"));
    run(&mut pidone(["inspect", "sshd"]))
        .exits(125)
        .says(&["this is no process: sshd"], Some("pidone inspect [PID]"));
    run(&mut shell("$PIDONE inspect $$ >/dev/full")).exits(125).says(&["cannot print", "(ENOSPC)"], None);
    let root = scratch("no-proc");
    std::fs::create_dir(root.join("bin")).unwrap();
    crate::support::copy(&crate::support::binary(), &root.join("bin/pidone"));
    if privilege::privileged() {
        let mut command = Command::new("chroot");
        run(command.arg(&root).args(["/bin/pidone", "inspect"]))
            .exits(125)
            .says(&["cannot inspect: /proc: "], Some("/proc must be mounted"));
    }
}

#[test]
fn watching_leaves_the_terminal_as_it_was_and_ctrl_c_is_its_end() {
    for (no_colour, colour) in [("", true), ("1", false)] {
        let mut subject = Running::start(&mut Place::Subreaper.pidone(&[], &play("signals")));
        subject.expect("ready");
        let mut command = pidone(["inspect", &subject.pid().to_string(), "--watch", "0.05"]);
        let mut session = Session::start(command.env("NO_COLOR", no_colour).env("TERM", "xterm"));
        session.expect("\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J");
        let picture = session.expect("\x1b[H\x1b[2J");
        assert!(picture.contains("SIGTERM") && picture.contains("FINDINGS"), "{picture}");
        assert_eq!(picture.contains("\x1b[1m"), colour, "{picture}");
        session.expect("\x1b[H\x1b[2J");
        session.send("\x03");
        let (status, rest) = session.end();
        assert_eq!(status.code(), Some(0), "{rest}");
        assert!(rest.ends_with("\x1b[?25h\x1b[?1049l"), "{rest:?}");
    }
}

#[test]
fn watching_ends_with_the_process_and_in_a_pipe_is_a_line_each_time() {
    let mut subject = Running::start(&mut Place::Subreaper.pidone(&[], &play("signals")));
    subject.expect("ready");
    let mut watching =
        Running::start(&mut pidone(["inspect", &subject.pid().to_string(), "--json", "--watch=0.02"]));
    for _ in 0..3 {
        assert_eq!(json::parse(&watching.line())["comm"].text(), Some("pidone"));
    }
    subject.signal(9);
    drop(subject);
    watching.end().exits(0).silently();
    let mut watching = Running::start(&mut pidone(["inspect", "--watch", "100"]));
    watching.expect("1 (");
    watching.signal(15);
    watching.end().dies_by(15).silently();
}
