//! Namespaces: a PID 1 of its own, a /proc of its own, and no trace of it outside.

use crate::support::{Place, Running, binary, pidone, privilege, procfs, run, scratch, shell, sys, text};
use std::process::Command;

/// The isolated places, as far as they can be had.
fn isolated() -> Vec<Place> {
    Place::with_init().into_iter().filter(|place| !matches!(place, Place::Subreaper | Place::PidOne)).collect()
}

/// A script in a mount namespace of its own whose mounts are all shared, as systemd leaves those of a machine.
fn on_a_shared_root(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "shared", "sh", "-c", script]).env("PIDONE", binary());
    command
}

#[test]
fn the_workload_is_alone_with_its_init() {
    for place in isolated() {
        let ended = run(&mut place.shell("echo $PPID $$; cd /proc && echo [0-9]*; tr '\\0' ' ' < 1/cmdline"));
        ended.exits(0).silently();
        let lines: Vec<_> = ended.stdout.lines().collect();
        assert_eq!(lines[..2], ["1 2", "1 2"], "{ended:#?}");
        assert!(lines[2].contains("pidone"), "{ended:#?}");
    }
}

#[test]
fn a_bare_workload_is_pid_1() {
    if privilege::privileged() {
        run(&mut Place::Bare.shell("echo $$ $PPID; kill -TERM $$; echo still here")).exits(0).silently();
        assert_eq!(run(&mut Place::Bare.shell("echo $$ $PPID")).stdout, "1 0\n");
    }
}

#[test]
fn isolate_makes_new_namespaces_even_for_a_pid_1() {
    if privilege::privileged() {
        let inner = binary();
        let script =
            format!("readlink /proc/self/ns/pid; exec {} --isolate -- readlink /proc/self/ns/pid", inner.display());
        let ended = run(&mut Place::Bare.shell(&script));
        let namespaces: Vec<_> = ended.exits(0).stdout.lines().collect();
        assert!(namespaces.len() == 2 && namespaces[0] != namespaces[1], "{ended:#?}");
        // A PID 1 cannot die by a signal of its own: then it is 128+N.
        let script = format!("exec {} --isolate -- sh -c 'kill -TERM $$'", inner.display());
        run(&mut Place::Bare.shell(&script)).exits(143).silently();
    }
}

#[test]
fn in_place_makes_no_namespace() {
    let ended = run(&mut Place::Subreaper.shell("readlink /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/user"));
    let own: String = ["pid", "mnt", "user"]
        .map(|kind| format!("{}\n", std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().display()))
        .concat();
    assert_eq!(ended.exits(0).stdout, own);
}

#[test]
fn map_root_is_root_inside_and_map_current_is_oneself() {
    if !privilege::user_namespaces() {
        return;
    }
    let show = "echo $(id -u) $(id -g); grep -w CapEff /proc/self/status; cat /proc/self/setgroups; [ -O /proc/1 ] && echo own";
    let ended = run(&mut Place::MapRoot.shell(show));
    assert!(ended.exits(0).silently().stdout.starts_with("0 0\nCapEff:\t"), "{ended:#?}");
    assert!(ended.stdout.ends_with("deny\nown\n") && !ended.stdout.contains("0000000000000000"), "{ended:#?}");
    let ended = run(&mut Place::MapCurrent.shell(show));
    assert!(ended.exits(0).silently().stdout.starts_with("65534 65534\nCapEff:\t0000000000000000\n"), "{ended:#?}");
}

#[test]
fn b48_nothing_mounted_inside_appears_on_a_shared_host() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("propagation");
    let at = directory.display();
    for (propagation, inside_out, outside_in) in
        [("private", false, false), ("slave", false, true), ("shared", true, true), ("unchanged", true, true)]
    {
        let script = format!(
            "mkdir -p {at}/a {at}/b; cat /proc/self/mountinfo > {at}/before
            mkfifo {at}/go {at}/went; exec 3<>{at}/go 4<>{at}/went
            $PIDONE --propagation {propagation} -- sh -c 'mount -t tmpfs inside {at}/a; echo > {at}/went; read x < {at}/go; \
                grep -c outside /proc/self/mountinfo' > {at}/seen & pid=$!
            read x <&4; grep -c inside /proc/self/mountinfo; grep -c ' /proc ' /proc/self/mountinfo
            mount -t tmpfs outside {at}/b; echo >&3; wait $pid; cat {at}/seen
            umount {at}/b; umount {at}/a 2>/dev/null; cmp {at}/before /proc/self/mountinfo; rm -f {at}/go {at}/went"
        );
        let ended = run(&mut on_a_shared_root(&script));
        let expected = format!("{}\n1\n{}\n", u8::from(inside_out), u8::from(outside_in));
        assert_eq!(ended.stdout, expected, "{propagation}: {ended:#?}");
    }
}

#[test]
fn the_hosts_mounts_are_the_same_after_every_kind_of_run() {
    if !privilege::privileged() {
        return;
    }
    let runs = [
        "",
        "--as-pid1",
        "--proc bind",
        "--proc none",
        "--map-root",
        "--propagation shared",
        "--propagation slave",
    ];
    let runs: String =
        runs.map(|options| format!("$PIDONE {options} -- true; $PIDONE {options} -- /nonexistent;")).concat();
    let script = format!(
        "cp /proc/self/mountinfo /tmp/pidone-$$; {runs} cmp /tmp/pidone-$$ /proc/self/mountinfo && echo same; rm /tmp/pidone-$$"
    );
    assert_eq!(run(&mut on_a_shared_root(&script)).stdout, "same\n");
}

#[test]
fn proc_is_fresh_bound_or_left_alone() {
    if !privilege::privileged() {
        return;
    }
    let top = "tail -n 1 /proc/self/mountinfo | cut -d' ' -f4-6; ls /proc | grep -c '^[0-9]*$'";
    let fresh = run(&mut pidone(["--proc", "fresh", "--", "sh", "-c", top]));
    assert!(fresh.stdout.starts_with("/ /proc rw,nosuid,nodev,noexec"), "{fresh:#?}");
    let count = |stdout: &str| stdout.lines().nth(1).unwrap().parse::<usize>().unwrap();
    assert!(count(&fresh.stdout) < 10, "{fresh:#?}");
    let bound = run(&mut pidone(["--proc", "bind", "--", "sh", "-c", top]));
    assert!(bound.stdout.starts_with("/ /proc ") && count(&bound.stdout) >= 10, "{bound:#?}");
    let mounts = || "cut -d' ' -f3-5 /proc/self/mountinfo | sort";
    let none = run(&mut pidone(["--proc", "none", "--", "sh", "-c", mounts()]));
    assert_eq!(none.stdout, text(Command::new("sh").args(["-c", mounts()])));
}

/// pidone in pidone in pidone …
fn nested(place: Place, levels: usize, command: &[&str]) -> Command {
    let options: &[&str] = if place == Place::MapRoot { &["--map-root"] } else { &[] };
    let mut words: Vec<String> = Vec::new();
    for _ in 1..levels {
        words.push(binary().display().to_string());
        words.extend(options.iter().map(ToString::to_string));
        words.push("--".into());
    }
    words.extend(command.iter().map(ToString::to_string));
    // The innermost would be in place, being PID 1, if not for the init of the one above.
    place.pidone(&[], &words)
}

#[test]
fn ten_levels_nest_and_forty_say_why_not() {
    for place in isolated().into_iter().filter(|place| *place != Place::MapCurrent) {
        let ended = run(&mut nested(place, 10, &["sh", "-c", "echo $PPID $$; exit 9"]));
        assert_eq!(ended.exits(9).silently().stdout, "1 2\n");
        let ended = run(&mut nested(place, 40, &["true"]));
        ended.exits(125).says(&["cannot create the new namespaces", "(ENOSPC)"], Some("32 levels"));
    }
}

#[test]
fn a_program_that_must_be_pid_1_can_be_had_anywhere() {
    // What people write `unshare --pid --fork --kill-child --mount-proc /init` for (B53).
    if privilege::user_namespaces() {
        let mut command = pidone(["--as-pid1", "--map-root", "--", "sh", "-c", "echo $$; ls /proc | head -n 1"]);
        assert_eq!(run(privilege::as_nobody(&mut command)).exits(0).silently().stdout, "1\n1\n");
    }
}

#[test]
fn reboot_inside_is_told_apart() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let ended = run(&mut Place::Isolated.pidone(&[], &["busybox", "reboot", "-f"]));
    assert!(ended.dies_by(1).stderr.contains("rebooted"), "{ended:#?}");
    let ended = run(&mut Place::Isolated.pidone(&[], &["busybox", "poweroff", "-f"]));
    assert!(ended.dies_by(2).stderr.contains("halted"), "{ended:#?}");
}

#[test]
fn an_init_that_is_killed_takes_the_namespace_with_it_and_outer_says_so() {
    for place in isolated() {
        let mut running = Running::start(&mut place.shell("echo up; sleep 1000"));
        running.expect("up");
        sys::kill(procfs::only_child(running.pid()), 9);
        let ended = running.end();
        assert!(ended.dies_by(9).stderr.contains("init was killed by SIGKILL"), "{ended:#?}");
    }
}

#[test]
fn the_workload_cannot_kill_its_init() {
    for place in isolated() {
        run(&mut place.shell("kill -KILL 1; kill -STOP 1; exit 6")).exits(6).silently();
    }
}

#[test]
fn a_pipeline_of_pidones_works_as_one_of_commands() {
    let mut command =
        shell("$PIDONE --in-place -- printf 'b\\na\\n' | $PIDONE --in-place -- sort | $PIDONE --in-place cat");
    assert_eq!(run(&mut command).stdout, "a\nb\n");
}
