//! What pidone itself holds on to while the workload runs: nothing that anyone could miss.

use crate::support::{DEADLINE, Place, Running, eventually, play, privilege, procfs, scratch, sys};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

/// The processes of pidone: outer and init, or init alone.
fn halves(place: Place, running: &Running) -> Vec<i32> {
    match place {
        Place::Subreaper | Place::Bare => vec![running.pid()],
        Place::PidOne | Place::Isolated | Place::MapRoot | Place::MapCurrent => {
            vec![running.pid(), procfs::only_child(running.pid())]
        }
    }
}

#[test]
fn b35_outer_and_init_work_in_the_root_directory() {
    for place in Place::all() {
        let directory = scratch("cwd");
        let mut running = Running::start(place.pidone(&[], &play("hold")).current_dir(&directory));
        running.expect("holding");
        for half in halves(place, &running) {
            let cwd = Path::new("/proc").join(half.to_string()).join("cwd");
            eventually("pidone is in /", || (std::fs::read_link(&cwd).ok()? == Path::new("/")).then_some(()));
        }
    }
}

#[test]
fn b33_an_inherited_pipe_ends_when_only_pidone_could_hold_it() {
    for place in Place::all() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = place.shell("exec 9>&-; echo closed; exec sleep 1000");
        sys::pass_fd(&mut command, writer.into(), 9);
        let mut running = Running::start(&mut command);
        // The command still has the descriptor in store for another start.
        drop(command);
        running.expect("closed");
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(reader.read(&mut [0]).unwrap()));
        assert_eq!(ended.recv_timeout(DEADLINE), Ok(0), "somebody holds on");
        assert!(running.is_running());
    }
}

#[test]
fn pidone_keeps_stdio_and_one_pipe_open_and_nothing_lands_on_stdio() {
    for place in Place::all() {
        let mut command = place.pidone(&[], &play("hold"));
        sys::close_fd(&mut command, 0);
        let mut running = Running::start(&mut command);
        running.expect("holding");
        for half in halves(place, &running) {
            eventually("pidone has let go", || {
                let fds = procfs::fds(half);
                let numbers: Vec<i32> =
                    fds.iter().map(|fd| fd.split(' ').next().unwrap().parse().unwrap()).collect();
                let own: Vec<_> = numbers.iter().filter(|fd| **fd > 2).collect();
                (!numbers.contains(&0) && own.len() <= 1).then_some(())
            });
        }
    }
}

#[test]
fn an_idle_pidone_does_not_wake_up() {
    for place in Place::all() {
        let script = "echo one; sleep 1; echo two; exec sleep 1000";
        let mut running = Running::start(&mut place.shell(script));
        running.expect("one");
        let halves = halves(place, &running);
        for half in &halves {
            eventually("pidone waits", || {
                (std::fs::read_to_string(format!("/proc/{half}/wchan")).is_ok()
                    && procfs::state(half) == Some('S')
                    && std::fs::read_link(format!("/proc/{half}/cwd")).ok()? == Path::new("/"))
                .then_some(())
            });
        }
        let before: Vec<u64> = halves.iter().map(|half| procfs::voluntary_switches(*half)).collect();
        running.expect("two");
        let after: Vec<u64> = halves.iter().map(|half| procfs::voluntary_switches(*half)).collect();
        assert_eq!(before, after, "{place:?}: voluntary context switches in a second");
    }
}

#[test]
fn a_file_system_that_pidone_was_started_in_can_be_unmounted() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("mount");
    let script = format!(
        "mount -t tmpfs none {0} && cd {0} && {{ $PIDONE --in-place -- sh -c 'exec 9>&-; cd /; exec sleep 1000' 9>held & }}
        pid=$!; cd /; until [ \"$(readlink /proc/$pid/cwd)\" = / ]; do sleep 0.01; done
        until umount {0}; do sleep 0.01; done 2>/dev/null; kill $pid; wait $pid; echo unmounted $?",
        directory.display()
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).env("PIDONE", crate::support::binary()).stdin(Stdio::null());
    let ended = crate::support::run(&mut command);
    assert!(ended.stdout.contains("unmounted 143"), "{ended:#?}");
}
