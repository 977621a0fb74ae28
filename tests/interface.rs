//! Help, version, logs, PIDONE_OPTIONS.

use crate::support::{Place, Running, binary, eventually, pidone, play, privilege, procfs, run, shell, sys};

/// Options as they stand in a text: `--word` at the start of a word.
fn options_in(text: &str) -> Vec<String> {
    let is_option = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let mut found: Vec<String> = text
        .split(|c: char| !is_option(c))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(ToOwned::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn version_is_name_and_number() {
    let ended = run(&mut pidone(["--version"]));
    assert_eq!(ended.exits(0).silently().stdout, format!("pidone {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn short_help_is_a_screen_and_long_help_has_it_all() {
    let short = run(&mut pidone(["-h"]));
    assert!(short.exits(0).silently().stdout.lines().count() <= 40);
    let long = run(&mut pidone(["--help"]));
    long.exits(0).silently();
    for heading in [
        "Where the command runs:",
        "New namespaces",
        "What the command finds in the file system",
        "Signals and exit status:",
        "Stopping:",
        "Who the command is, and with what:",
        "Exit status:",
        "Environment:",
        "Examples:",
    ] {
        assert!(long.stdout.contains(heading), "{heading}");
    }
    let examples = long.stdout.split("Examples:").nth(1).unwrap();
    assert_eq!(
        examples.lines().filter(|line| line.starts_with("  pidone") || line.starts_with("  ENTRY")).count(),
        8
    );
}

#[test]
fn readme_and_help_list_the_same_options() {
    let readme = include_str!("../README.md");
    let table: String = readme.lines().filter(|line| line.starts_with("| `-")).collect::<Vec<_>>().join("\n");
    let documented: Vec<String> = options_in(&table);
    let helped = options_in(run(&mut pidone(["-h"])).stdout.split("Exit status").next().unwrap());
    let missing: Vec<_> = helped.iter().filter(|option| !documented.contains(option)).collect();
    assert!(missing.is_empty(), "not in README's table: {missing:?}");
    let invented: Vec<_> = documented.iter().filter(|option| !helped.contains(option)).collect();
    assert!(invented.is_empty(), "in README's table, but no option: {invented:?}");
}

#[test]
fn each_link_of_readme_to_a_file_leads_to_one() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = include_str!("../README.md").split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let files: Vec<_> = links.filter(|link| !link.is_empty() && !link.contains("://")).collect();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        assert!(root.join(file).exists(), "{file}");
    }
}

#[test]
fn bad_usage_is_one_message_and_one_hint() {
    run(&mut pidone(["--frobnicate", "true"]))
        .exits(125)
        .says(&["unknown option: --frobnicate"], Some("pidone -h"));
    run(&mut pidone([""; 0])).exits(125).says(&["no command given"], Some("COMMAND"));
    run(&mut pidone(["--proc", "old", "true"])).exits(125).says(&["--proc", "old"], Some("fresh|bind|none"));
}

#[test]
fn what_needs_a_new_pid_namespace_is_refused_in_place() {
    for option in ["--all", "--no-die-with-parent"] {
        run(&mut pidone(["--in-place", option, "--", "true"]))
            .exits(125)
            .says(&[option, "in place"], Some("--isolate"));
    }
}

#[test]
fn pidone_options_come_before_the_command_line() {
    let mut command = pidone(["--", "sh", "-c", "echo $PIDONE_OPTIONS"]);
    let ended = run(command.env("PIDONE_OPTIONS", "--in-place '-v'"));
    assert_eq!(ended.exits(0).stdout, "--in-place '-v'\n", "and are passed on like all of the environment");
    assert!(ended.stderr.contains("pidone[init] info: "), "{ended:#?}");
    let mut command = pidone(["--", "true"]);
    run(command.env("PIDONE_OPTIONS", "--odd"))
        .exits(125)
        .says(&["PIDONE_OPTIONS: unknown option: --odd"], Some("pidone -h"));
    if privilege::privileged() {
        let mut command = pidone(["--isolate", "--", "sh", "-c", "echo $$"]);
        assert_eq!(run(command.env("PIDONE_OPTIONS", "--in-place")).exits(0).stdout, "2\n");
    }
}

#[test]
fn nothing_is_said_when_all_is_well() {
    for place in Place::all() {
        run(&mut place.shell("sleep 0.01 & exit 3")).exits(3).silently();
    }
}

/// A shell that is up until SIGUSR1 comes.
const UNTIL_USR1: &str = "trap 'exit 5' USR1; echo up; while :; do sleep 0.01; done";

#[test]
fn a_forwarded_signal_is_logged_with_its_sender() {
    let mut running = Running::start(&mut Place::Subreaper.pidone(&["-v"], &["sh", "-c", UNTIL_USR1]));
    running.expect("up");
    running.signal(10);
    let ended = running.end();
    ended.exits(5);
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
    let uid = nix::unistd::getuid();
    let line = format!(
        "pidone[init] info: forwarded SIGUSR1 from pid {} ({}, uid {uid}) to the workload\n",
        std::process::id(),
        comm.trim_end(),
    );
    assert!(ended.stderr.contains(&line), "expected {line:?}: {ended:#?}");
}

#[test]
fn both_halves_log_and_init_knows_that_outer_is_outside() {
    if !privilege::privileged() {
        return;
    }
    let mut running = Running::start(&mut Place::Isolated.pidone(&["-v"], &["sh", "-c", UNTIL_USR1]));
    running.expect("up");
    running.signal(10);
    let ended = running.end();
    ended.exits(5);
    assert!(
        ended.stderr.contains(&format!("pidone[outer] info: forwarded SIGUSR1 from pid {} (", std::process::id())),
        "{ended:#?}"
    );
    assert!(
        ended
            .stderr
            .contains("pidone[init] info: forwarded SIGUSR1 from outside the namespace (uid 0) to the workload"),
        "{ended:#?}"
    );
}

#[test]
fn a_reaped_orphan_is_logged_with_pid_name_and_status() {
    // The orphan lives until it is told; the workload tells it once it is one, and lives until it is reaped.
    const WORKLOAD: &str = "mkfifo $FIFO; o=$(sh -c 'sh -c \"read x <$FIFO; exit 3\" >/dev/null & echo $!'); \
        echo >$FIFO; while [ -d /proc/$o ]; do sleep 0.01; done; echo $o";
    for place in Place::with_init() {
        let fifo = crate::support::scratch("orphan").join("fifo");
        let ended = run(place.pidone(&["-v"], &["sh", "-c", WORKLOAD]).env("FIFO", fifo));
        let orphan: i32 = ended.exits(0).stdout.trim().parse().unwrap();
        let line = format!("pidone[init] info: reaped {orphan} (sh): exited with 3\n");
        assert!(ended.stderr.contains(&line), "expected {line:?}: {ended:#?}");
    }
}

#[test]
fn a_sender_is_not_mistaken_for_a_namesake_of_another_namespace() {
    if !privilege::privileged() {
        return;
    }
    let script = "(kill -USR1 1); trap 'exit 5' USR1; kill -USR1 1; while :; do sleep 0.01; done";
    let mut command = pidone(["-v", "--proc", "none", "--", "sh", "-c", &format!("trap '' USR1; {script}")]);
    let ended = run(&mut command);
    assert!(ended.stderr.contains("(?, uid 0) to the workload"), "{ended:#?}");
}

#[test]
fn rust_log_sets_the_level_and_v_wins() {
    let said = |log: &str, options: &[&str]| {
        let mut command = pidone(["--in-place"]);
        run(command.args(options).args(["--", "true"]).env("RUST_LOG", log)).exits(0).stderr.clone()
    };
    assert!(said("info", &[]).contains("pidone[init] info: "));
    assert!(said("pidone=debug", &[]).contains("pidone[init] debug: started true as pid "));
    assert_eq!(said("warn", &[]), "");
    assert_eq!(said("somebody::else=trace", &[]), "");
    assert!(said("off", &["-v"]).contains("info: "));
}

#[test]
fn help_into_a_closed_pipe_ends_like_any_program() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = pidone(["--help"]);
    sys::pass_fd(&mut command, writer.into(), 1);
    run(&mut command).dies_by(13).silently();
}

#[test]
fn a_copy_under_another_name_is_still_pidone() {
    let path = crate::support::scratch("names").join("init");
    crate::support::copy(&binary(), &path);
    let mut running =
        Running::start(std::process::Command::new(&path).args(["--in-place", "--"]).args(play("hold")));
    running.expect("holding");
    let name = procfs::status(running.pid(), "Name");
    assert_eq!(name.as_deref(), Some("init"));
    sys::kill(eventually("the workload", || procfs::children(running.pid()).first().copied()), 9);
    running.end().exits(137);
}

#[test]
fn a_log_that_nobody_reads_delays_nothing() {
    for place in Place::with_init() {
        // A pipe that is full from the start, and stays so: init must neither wait for it nor end.
        let (_reader, writer) = std::io::pipe().unwrap();
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        nix::unistd::write(&writer, &[b'.'; 4096]).unwrap();
        let mut command = place.pidone(&["-vvv"], &["sh", "-c", UNTIL_USR1]);
        sys::pass_fd(&mut command, writer.into(), 2);
        let mut running = Running::start(&mut command);
        running.expect("up");
        sys::kill(if place == Place::PidOne { procfs::only_child(running.pid()) } else { running.pid() }, 10);
        running.end().exits(5);
    }
}

#[test]
fn lines_that_were_dropped_are_counted() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    nix::unistd::write(&writer, &[b'.'; 4096]).unwrap();
    let mut command = Place::Subreaper.pidone(&["-v"], &play("signals"));
    sys::pass_fd(&mut command, writer.into(), 2);
    let mut running = Running::start(&mut command);
    drop(command);
    running.expect("ready");
    for signal in [10, 12] {
        running.signal(signal);
        running.expect(&format!("signal {signal} "));
    }
    // The second line is dropped when the third signal has been forwarded at the latest; now there is room.
    eventually("init waits", || (procfs::state(running.pid()) == Some('S')).then_some(()));
    let mut full = [0; 4096];
    std::io::Read::read_exact(&mut reader, &mut full).unwrap();
    running.signal(15);
    let mut log = [0; 4096];
    let length = std::io::Read::read(&mut reader, &mut log).unwrap();
    let log = String::from_utf8_lossy(&log[..length]).into_owned();
    assert!(log.starts_with("pidone[init] warn: 2 lines could not be written here before this\n"), "{log}");
    assert!(log.contains("forwarded SIGTERM"), "{log}");
}

#[test]
fn rust_log_that_is_not_understood_is_a_warning_and_never_more() {
    let mut command = pidone(["--in-place", "--", "sh", "-c", "exit 3"]);
    let ended = run(command.env("RUST_LOG", "a=b=c"));
    assert_eq!(ended.exits(3).stderr, "pidone[init] warn: RUST_LOG is not understood, and ignored: a=b=c\n");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    sys::pass_fd(&mut command, full.into(), 2);
    run(&mut command).exits(3);
}

#[test]
fn help_that_cannot_be_printed_is_a_failure() {
    let ended = run(&mut shell("$PIDONE --help >/dev/full"));
    ended.exits(125).says(&["cannot print: standard output:", "(ENOSPC)"], None);
    for text in ["--help", "--version", "inspect --json $$"] {
        let ended = run(&mut shell(&format!("$PIDONE {text} >&-")));
        ended.exits(125).says(&["cannot print: standard output:", "(EBADF)"], None);
    }
}
