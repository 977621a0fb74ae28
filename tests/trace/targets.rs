//! Where the trace may go, and that nobody waits for whoever should read it.

use super::{events, named};
use crate::support::pty::Session;
use crate::support::{Place, Running, eventually, options, pidone, play, procfs, run, scratch, shell, sys};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::openpty;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::Stdio;

/// What is in a pipe now.
fn drain(pipe: &mut File) -> String {
    fcntl(&*pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut bytes = Vec::new();
    // EAGAIN when it is empty.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn ten_thousand_orphans_are_reaped_while_nobody_reads_and_every_lost_line_is_counted() {
    const ORPHANS: usize = 10_000;
    for place in [Place::Subreaper, Place::Isolated].into_iter().filter(|place| Place::with_init().contains(place))
    {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = place.pidone(&["--trace=fd:9"], &play("storm"));
        sys::pass_fd(&mut command, writer.into(), 9);
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let stdin = running.stdin();
        drop(command);
        running.expect("done");
        let init = if place == Place::Subreaper { running.pid() } else { procfs::only_child(running.pid()) };
        eventually("all are reaped", || (procfs::children(init).len() == 1).then_some(()));
        let mut reader = File::from(std::os::fd::OwnedFd::from(reader));
        let mut trace = drain(&mut reader);
        drop(stdin);
        running.end().exits(0).silently();
        trace += &drain(&mut reader);
        let events = events(&trace);
        let lost: Vec<_> = named(&events, "lost");
        let count: u64 = lost.iter().map(|lost| lost["lines"].as_u64().unwrap()).sum();
        assert_eq!(lost.len(), 1, "told when there is room again");
        assert!(count > 5_000, "{count}");
        // Start, spawn, the workload's end, exit; spawn and end of init.
        let others = if place == Place::Subreaper { 4 } else { 6 };
        let told = events.len() - lost.len();
        assert_eq!(told + usize::try_from(count).unwrap(), ORPHANS + others, "{place:?}");
        assert_eq!(events.last().unwrap()["event"], "exit");
    }
}

#[test]
fn a_trace_that_nobody_can_take_changes_nothing() {
    for place in Place::all() {
        // No disk.
        run(&mut place.pidone(&["--trace=/dev/full"], &["sh", "-c", "exit 3"])).exits(3).silently();
        // No stderr; and it stays closed.
        let mut command = place.pidone(&["--trace"], &["sh", "-c", "test ! -e /proc/self/fd/2 && exit 4"]);
        sys::close_fd(&mut command, 2);
        run(&mut command).exits(4);
        // No reader.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.pidone(&["--trace=fd:9"], &["sh", "-c", "(true &); kill -USR1 $$; exit 5"]);
        sys::pass_fd(&mut command, writer.into(), 9);
        if place != Place::Bare {
            let ended = run(&mut command);
            assert!(ended.stderr.is_empty(), "{ended:#?}");
        }
    }
}

#[test]
fn a_terminal_that_is_stopped_or_full_stops_nobody() {
    for script in ["exit 7", "i=0; while [ $i -lt 300 ]; do (true &); i=$((i+1)); done; exit 7"] {
        for place in Place::all() {
            let pty = openpty(None, None).unwrap();
            let mut master = File::from(pty.master);
            if script == "exit 7" {
                master.write_all(b"\x13").unwrap();
                eventually("the terminal takes nothing", || {
                    let mut fds = [PollFd::new(pty.slave.as_fd(), PollFlags::POLLOUT)];
                    (poll(&mut fds, 0_u8).unwrap() == 0).then_some(())
                });
            }
            let flags = fcntl(&pty.slave, FcntlArg::F_GETFL).unwrap();
            let mut command = place.pidone(&["--trace=fd:9"], &["sh", "-c", script]);
            sys::pass_fd(&mut command, pty.slave.try_clone().unwrap(), 9);
            run(&mut command).exits(7).silently();
            assert_eq!(fcntl(&pty.slave, FcntlArg::F_GETFL).unwrap(), flags, "others have it open, too");
        }
    }
}

#[test]
fn a_descriptor_is_pidones_alone_and_what_others_have_open_is_left_as_it_is() {
    for place in Place::all() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = place.pidone(&["--trace=fd:9"], &["sh", "-c", "test ! -e /proc/self/fd/9 && exit 6"]);
        sys::pass_fd(&mut command, writer.try_clone().unwrap().into(), 9);
        run(&mut command).exits(6).silently();
        drop(command);
        assert_eq!(fcntl(&writer, FcntlArg::F_GETFL).unwrap() & OFlag::O_NONBLOCK.bits(), 0);
        let mut trace = File::from(std::os::fd::OwnedFd::from(reader));
        assert_eq!(events(&drain(&mut trace)).last().unwrap()["status"], 6);
    }
}

#[test]
fn standard_output_is_refused_by_whatever_name() {
    let file = scratch("stdout").join("out");
    for option in ["--trace=fd:1", "--trace=/dev/stdout", &format!("--trace={}", file.display())] {
        let mut command =
            shell(&format!("echo kept >{0}; $PIDONE --in-place {option} -- true >>{0}", file.display()));
        run(&mut command).exits(125).says(&["never goes to standard output"], Some("--trace goes to stderr"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept\n");
    }
    run(&mut shell("$PIDONE --in-place --trace=fd:3 -- true 3>&1 | cat; exit 0"))
        .exits(0)
        .says(&["never goes to standard output", "fd:3"], Some("--trace"));
    // Where stderr is asked for it is stderr that is meant.
    let ended = run(&mut shell("exec 2>&1; $PIDONE --in-place --trace -- true"));
    assert_eq!(events(&ended.exits(0).stdout).last().unwrap()["event"], "exit");
}

#[test]
fn a_trace_that_cannot_be_opened_is_a_failed_start() {
    let fifo = scratch("fifo").join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    for (option, words, hint) in [
        (format!("--trace={}", fifo.display()), ["fifo", "(ENXIO)"], Some("nobody reads")),
        ("--trace=/nosuch/file".into(), ["/nosuch/file", "(ENOENT)"], None),
        ("--trace=fd:99".into(), ["fd:99", "(EBADF)"], Some("open for writing")),
        ("--trace=fd:0".into(), ["fd:0", "(EBADF)"], Some("open for writing")),
    ] {
        let mut command = pidone(["--in-place", &option, "--", "touch", "/nosuch"]);
        let ended = run(command.stdin(Stdio::null()));
        ended.exits(125).says(&["cannot open the trace", words[0], words[1]], hint);
    }
    run(&mut pidone(["--trace-format=chrome", "true"])).exits(125).says(&["nothing is traced"], Some("--trace"));
}

#[test]
fn a_terminal_that_stops_who_writes_from_the_background_does_not_stop_pidone() {
    for option in options() {
        // The command is the foreground group, so that pidone is not.
        let script = format!("stty tostop; $PIDONE {option} --trace -- sh -c 'sleep 0.1; exit 6'; echo status $?");
        let mut session = Session::start(&mut shell(&script));
        session.expect("\"event\":\"exit\"");
        session.expect("\"status\":6");
        session.expect("status 6");
        session.end();
    }
}

#[test]
fn whichever_half_first_finds_room_begins_the_array() {
    for place in [Place::Subreaper, Place::Isolated].into_iter().filter(|place| Place::with_init().contains(place))
    {
        let (reader, mut writer) = std::io::pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        while writer.write(&[b' '; 4096]).is_ok() {}
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        let options = ["--trace=fd:9", "--trace-format=chrome"];
        let mut command =
            place.pidone(&options, &["sh", "-c", "echo up; read x; (sleep 0.01 &); sleep 0.1; exit 2"]);
        sys::pass_fd(&mut command, writer.into(), 9);
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let stdin = running.stdin();
        drop(command);
        running.expect("up");
        let mut reader = File::from(std::os::fd::OwnedFd::from(reader));
        let mut trace = drain(&mut reader);
        drop(stdin);
        running.end().exits(2).silently();
        trace += &drain(&mut reader);
        let trace: Vec<serde_json::Value> =
            serde_json::from_str(trace.trim()).unwrap_or_else(|error| panic!("{error}: {trace}"));
        let has = |name: &str| trace.iter().any(|event| event["name"] == name);
        assert!(has("sleep") && has("sh") && has("exit") && has("lost"), "{place:?}: {trace:#?}");
    }
}
