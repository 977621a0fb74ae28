//! The workload cannot tell that pidone was there: what it finds is what pidone was started with, byte for byte.

use crate::support::{Place, Running, play, privilege, run, scratch, shell, sys};
use nix::sys::resource::Resource;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

/// Lines of /proc/self/status that differ from one run of the very same process to the next, or name the process.
const OF_THE_RUN: &[&str] =
    &["Pid:", "Tgid:", "PPid:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "Vm", "Rss", "Hugetlb", "SigQ:"];
/// What a user namespace is there to change.
const OF_A_USER_NAMESPACE: &[&str] = &["Uid:", "Gid:", "Groups:", "Cap"];

fn comparable(description: &str, place: Option<Place>) -> String {
    let in_user_namespace = matches!(place, Some(Place::MapRoot | Place::MapCurrent));
    let left_out = |line: &str| {
        OF_THE_RUN.iter().any(|name| line.starts_with(name))
            || line.contains("ctxt_switches")
            || (in_user_namespace && OF_A_USER_NAMESPACE.iter().any(|name| line.starts_with(name)))
    };
    // Each command is given pipes of its own to speak into.
    let compare = |line: &str| {
        if line.contains(" -> pipe:") { line.split(':').next().unwrap().into() } else { line.to_owned() }
    };
    description.lines().filter(|line| !left_out(line)).map(compare).collect::<Vec<String>>().join("\n")
}

/// Everything odd that a process can be started with.
fn make_odd(command: &mut Command) {
    let directory = scratch("odd");
    let file: OwnedFd = std::fs::File::create(directory.join("inherited")).unwrap().into();
    command.current_dir(&directory).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("EMPTY", "").env("ODD", std::ffi::OsStr::from_bytes(b"\xff=\n"));
    sys::pass_fd(command, file.try_clone().unwrap(), 107);
    sys::pass_fd(command, file, 109);
    sys::before_exec(command, || {
        sys::ignore(1)?; // HUP, as nohup does
        sys::ignore(13)?; // PIPE
        sys::ignore(20)?; // TSTP
        sys::block(1 << 9 | 1 << 14 | 1 << 31 | 1 << 33 | 1 << 63)?; // USR1, TERM, 32, RTMIN, RTMAX
        sys::umask_and_nice(0o027, 3);
        sys::limit(Resource::RLIMIT_NOFILE, 123, 456)?;
        sys::limit(Resource::RLIMIT_STACK, 1 << 20, 1 << 24)?;
        sys::limit(Resource::RLIMIT_CORE, 0, 0)
    });
}

/// What the workload finds when the same odd process is it directly.
fn bare_description(as_nobody: bool, make: impl Fn(&mut Command)) -> String {
    let [program, role] = play("describe");
    let mut command = Command::new(program);
    command.arg(role);
    if as_nobody {
        privilege::as_nobody(&mut command);
    }
    make(&mut command);
    run(&mut command).exits(0).stdout.clone()
}

fn compare(make: impl Fn(&mut Command)) {
    for place in Place::all() {
        // In place as PID 1 the pidone above is part of what is compared, which only makes it harder.
        let as_nobody = matches!(place, Place::Subreaper | Place::MapRoot | Place::MapCurrent);
        let expected = comparable(&bare_description(as_nobody, &make), Some(place));
        let mut command = place.pidone(&[], &play("describe"));
        make(&mut command);
        let ended = run(&mut command);
        ended.exits(0).silently();
        let found = comparable(&ended.stdout, Some(place));
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "{place:?}");
        }
        assert_eq!(found.len(), expected.len(), "{place:?}: {found}");
        assert!(expected.contains("SigBlk") && expected.contains("Max open files") && expected.contains("== nice"));
    }
}

#[test]
fn an_ordinary_start_is_passed_on() {
    compare(|command| {
        command.stdin(Stdio::null());
    });
}

#[test]
fn masks_ignored_signals_limits_umask_nice_descriptors_and_environment_are_passed_on() {
    compare(|command| {
        make_odd(command.stdin(Stdio::null()));
    });
}

#[test]
fn closed_stdin_stays_closed() {
    compare(|command| sys::close_fd(command, 0));
}

#[test]
fn closed_stderr_stays_closed() {
    compare(|command| sys::close_fd(command, 2));
}

#[test]
fn with_all_of_stdio_closed_the_workload_still_runs_as_it_would() {
    let directory = scratch("no-stdio");
    for place in Place::all() {
        let report = directory.join(format!("{place:?}"));
        let script = format!("for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done > {}; exit 5", report.display());
        let mut command = place.shell(&script);
        (0..3).for_each(|fd| sys::close_fd(&mut command, fd));
        run(&mut command).exits(5);
        let listing = std::fs::read_to_string(&report).unwrap();
        // Descriptor 1 is the report itself.
        assert_eq!(listing, format!("{}\n", report.display()), "{place:?}");
    }
}

#[test]
fn arguments_are_bytes_and_argv0_is_the_word_that_was_typed() {
    for place in Place::all() {
        let odd = std::ffi::OsStr::from_bytes(b"a\xff\xfe b\n");
        // Lines are read as text, so the bytes are shown as octal numbers.
        let ended = run(place.shell("printf '%s' \"$0 $1\" | od -An -c | tr -d ' '").args(["zero"]).arg(odd));
        assert_eq!(ended.stdout.trim(), "zeroa377376b\\n", "{place:?}");
        let ended = run(&mut place.pidone(&[], &["sh", "-c", "tr '\\0' '|' < /proc/$$/cmdline; :"]));
        assert!(ended.stdout.starts_with("sh|-c|"), "{ended:#?}");
    }
}

#[test]
fn b34_listen_pid_that_named_pidone_names_the_workload() {
    for options in ["--in-place", "--isolate", "--as-pid1", "--map-root"] {
        if options != "--in-place" && !privilege::privileged() {
            continue;
        }
        let show = "echo $LISTEN_PID $$ $LISTEN_FDS ${LISTEN_PIDFDID:-none}";
        let script = format!("LISTEN_PID=$$ LISTEN_FDS=2 exec $PIDONE {options} -- sh -c '{show}'");
        let ended = run(&mut shell(&script));
        let words: Vec<_> = ended.stdout.split_whitespace().collect();
        assert!(words.len() == 4 && words[0] == words[1] && words[2..] == ["2", "none"], "{options}: {ended:#?}");

        let script = format!("LISTEN_PID=1234567 LISTEN_PIDFDID=5 exec $PIDONE {options} -- sh -c '{show}'");
        let ended = run(&mut shell(&script));
        assert!(ended.stdout.starts_with("1234567 ") && ended.stdout.ends_with(" 5\n"), "{options}: {ended:#?}");
    }
}

#[test]
fn b34_listen_pidfdid_names_the_workload_where_the_kernel_has_such_ids() {
    let script =
        "LISTEN_PID=$$ LISTEN_PIDFDID=5 exec $PIDONE --in-place -- sh -c 'echo $LISTEN_PIDFDID $$; read x'";
    let (reader, _writer) = std::io::pipe().unwrap();
    let mut running = Running::start(shell(script).stdin(reader));
    let line = running.line();
    let (id, pid) = line.split_once(' ').unwrap();
    match sys::pidfd_inode(pid.parse().unwrap()) {
        Some(inode) => assert_eq!(id, inode.to_string()),
        None => assert_eq!(id, "", "an id that cannot be right is not passed on"),
    }
}
