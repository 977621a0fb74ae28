//! Into namespaces that are there.

use crate::support::pty::Session;
use crate::support::rootfs::rootfs;
use crate::support::{Place, Running, eventually, pidone, play, privilege, procfs, run, scratch, sys};

/// A pidone whose workload waits in new namespaces, and the workload's pid out here.
fn target(place: Place, options: &[&str]) -> (Running, i32) {
    let mut running =
        Running::start(&mut place.pidone(options, &["sh", "-c", "cd /usr; echo up; exec sleep 1000"]));
    running.expect("up");
    let workload = match place {
        Place::Bare => procfs::only_child(running.pid()),
        _ => procfs::only_child(procfs::only_child(running.pid())),
    };
    (running, workload)
}

/// `pidone enter PID OPTIONS -- COMMAND`.
fn enter(target: i32, options: &[&str], command: &[&str]) -> std::process::Command {
    let mut line = pidone(["enter", &target.to_string()]);
    line.args(options).arg("--").args(command);
    line
}

const WHERE: &str =
    "for kind in uts ipc net user cgroup time pid mnt; do readlink /proc/self/ns/$kind; done; pwd; echo $$ $PPID";

/// What `WHERE` says in the target's own place.
fn namespaces(pid: i32) -> Vec<String> {
    let link = |kind: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap().display().to_string();
    ["uts", "ipc", "net", "user", "cgroup", "time", "pid", "mnt"].map(link).into()
}

#[test]
fn every_namespace_in_which_the_target_differs_is_entered() {
    if !privilege::privileged() {
        return;
    }
    for place in [Place::Isolated, Place::Bare] {
        for options in [&[][..], &["--uts", "--net"], &["--all"]] {
            let (_running, workload) = target(place, options);
            let ended = run(&mut enter(workload, &[], &["sh", "-c", WHERE]));
            let lines: Vec<_> = ended.exits(0).silently().stdout.lines().map(ToOwned::to_owned).collect();
            assert_eq!(lines[..8], namespaces(workload), "{place:?} {options:?}");
            assert_eq!(lines[8], "/usr", "the target's working directory");
            assert!(lines[9].ends_with(" 0") && lines[9].len() <= 4, "a child of nobody inside: {}", lines[9]);
        }
    }
}

#[test]
fn only_those_that_are_asked_for_are_entered() {
    if !privilege::privileged() {
        return;
    }
    let (_running, workload) = target(Place::Isolated, &["--uts", "--net", "--ipc"]);
    let (own, theirs) = (namespaces(std::process::id().cast_signed()), namespaces(workload));
    let ended = run(&mut enter(workload, &["--only", "uts,ipc"], &["sh", "-c", WHERE]));
    let lines: Vec<_> = ended.exits(0).stdout.lines().map(ToOwned::to_owned).collect();
    assert_eq!(lines[..2], theirs[..2]);
    assert_eq!(lines[2..8], own[2..8]);
    assert_ne!(lines[8], "/usr", "another mount namespace's directories are not this one's");
    let file = format!("/proc/{workload}/ns/net");
    let ended = run(&mut pidone(["enter", "--ns", &file, "--", "sh", "-c", WHERE]));
    let lines: Vec<_> = ended.exits(0).stdout.lines().map(ToOwned::to_owned).collect();
    assert_eq!((&lines[2], &lines[0]), (&theirs[2], &own[0]));
}

#[test]
fn root_and_working_directory_are_the_targets_also_in_the_same_mount_namespace() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let root = rootfs("enter-root");
    std::fs::create_dir(root.join("work")).unwrap();
    let script = "cd /work; echo up; exec busybox sleep 1000";
    let mut chroot = std::process::Command::new("chroot");
    let mut jailed = Running::start(chroot.arg(&root).args(["/bin/busybox", "sh", "-c", script]));
    jailed.expect("up");
    let ended = run(&mut enter(jailed.pid(), &[], &["/bin/sh", "-c", "pwd; ls /"]));
    assert_eq!(ended.exits(0).silently().stdout, "/work\nbin\nwork\n");
    let ended = run(&mut enter(jailed.pid(), &["--workdir", "/bin"], &["/bin/sh", "-c", "pwd"]));
    assert_eq!(ended.exits(0).silently().stdout, "/bin\n");
    let ended = run(&mut enter(jailed.pid(), &["--workdir", "../bin"], &["/bin/sh", "-c", "pwd"]));
    assert_eq!(ended.exits(0).silently().stdout, "/bin\n");
    run(&mut enter(jailed.pid(), &["--workdir", "/nosuch"], &["/bin/sh"]))
        .exits(125)
        .says(&["working directory", "/nosuch", "ENOENT"], Some("looked for inside"));
    run(&mut enter(jailed.pid(), &[], &["/bin/bash"])).exits(127).says(&["/bin/bash"], Some("looked for inside"));
    // The mounts alone make a place.
    let ended = run(&mut enter(jailed.pid(), &["--only", "uts"], &["sh", "-c", "test -e /usr && echo outside"]));
    assert_eq!(ended.exits(0).stdout, "outside\n");
}

#[test]
fn the_clocks_of_an_init_are_those_of_its_children() {
    if !privilege::privileged() {
        return;
    }
    let (running, workload) = target(Place::Isolated, &["--uts", "--boottime", "500000000"]);
    for pid in [procfs::only_child(running.pid()), workload] {
        let ended =
            run(&mut enter(pid, &[], &["sh", "-c", "cut -c 1-3 /proc/uptime; readlink /proc/self/ns/time"]));
        let time = std::fs::read_link(format!("/proc/{workload}/ns/time")).unwrap();
        assert_eq!(ended.exits(0).silently().stdout, format!("500\n{}\n", time.display()));
    }
}

#[test]
fn where_there_is_nothing_to_enter_a_warning_says_so() {
    if !privilege::privileged() {
        return;
    }
    let (running, workload) = target(Place::Isolated, &["--uts"]);
    let ended = run(&mut enter(running.pid(), &[], &["true"]));
    assert!(ended.exits(0).stderr.contains("warn: nothing to enter"), "{ended:#?}");
    let ended = run(&mut enter(workload, &["--only", "uts,net,ipc"], &["true"]));
    assert!(ended.exits(0).stderr.contains("warn: the target has no ipc, net namespace"), "{ended:#?}");
    let ended = run(&mut enter(workload, &["-v"], &["true"]));
    assert!(ended.exits(0).stderr.contains("info: entering: pid, mnt, uts\n"), "{ended:#?}");
}

#[test]
fn an_ordinary_user_enters_what_is_its_own() {
    if !privilege::user_namespaces() {
        return;
    }
    let (_running, workload) = target(Place::MapRoot, &["--uts", "--hostname", "mine"]);
    let mut command = enter(workload, &[], &["sh", "-c", "id -u; uname -n"]);
    assert_eq!(run(privilege::as_nobody(&mut command)).exits(0).silently().stdout, "0\nmine\n");
    if privilege::privileged() {
        let (_running, workload) = target(Place::Isolated, &[]);
        let mut command = enter(workload, &[], &["true"]);
        run(privilege::as_nobody(&mut command)).exits(125).says(&["namespace", "EACCES"], Some("CAP_SYS_PTRACE"));
    }
}

#[test]
fn exit_statuses_and_failures_are_those_of_run() {
    if !privilege::privileged() {
        return;
    }
    let (_running, workload) = target(Place::Isolated, &[]);
    for code in [0, 1, 42, 125, 126, 127, 255] {
        run(&mut enter(workload, &[], &["sh", "-c", &format!("exit {code}")])).exits(code).silently();
    }
    for signal in [1, 9, 15, 40] {
        run(&mut enter(workload, &[], &["bash", "-c", &format!("kill -{signal} $$")])).dies_by(signal).silently();
    }
    run(&mut enter(workload, &[], &["/nonexistent"])).exits(127).says(&["/nonexistent"], Some("inside"));
    run(&mut enter(workload, &[], &["/etc/passwd"])).exits(126).says(&["/etc/passwd"], Some("chmod"));
    run(&mut enter(workload, &["--uid", "nosuch"], &["true"]))
        .exits(125)
        .says(&["/etc/passwd has no user nosuch"], None);
    run(&mut enter(workload, &["--map-exit", "7:0"], &["sh", "-c", "exit 7"])).exits(0);
}

#[test]
fn targets_that_are_none_each_have_their_message() {
    run(&mut pidone(["enter"])).exits(125).says(&["no target given"], Some("pidone enter PID"));
    run(&mut pidone(["enter", "foo", "true"])).exits(125).says(&["no process and no path", "foo"], Some("./DIR"));
    run(&mut pidone(["enter", "/nonexistent", "true"]))
        .exits(125)
        .says(&["cannot open a namespace", "/nonexistent", "ENOENT"], Some("kept"));
    run(&mut pidone(["enter", "--ns", "/etc/passwd", "--", "true"]))
        .exits(125)
        .says(&["/etc/passwd"], Some("no namespace's file"));
    // Beyond any pid_max.
    run(&mut pidone(["enter", "4194304", "true"])).exits(125).says(&["4194304", "ESRCH"], Some("has ended"));
    run(&mut pidone(["enter", "1", "--ns", "/proc/self/ns/uts", "--", "true"]))
        .exits(125)
        .says(&["--ns and a target", "1"], Some("pidone enter PID"));
    run(&mut pidone(["enter", "--ns", "/proc/self/ns/uts", "--ns", "/proc/thread-self/ns/uts", "--", "true"]))
        .exits(125)
        .says(&["/proc/thread-self/ns/uts", "EEXIST"], Some("one namespace of a kind"));
    // Nobody writes to it, ever.
    let fifo = scratch("enter-fifo").join("fifo").display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    run(&mut pidone(["enter", "--ns", &fifo, "--", "true"])).exits(125).says(&[&fifo], Some("no namespace's file"));
    run(&mut pidone(["enter", &fifo, "--", "true"])).exits(125).says(&[&fifo, "ENOTDIR"], Some("a directory"));
    for option in ["--isolate", "--uts", "--proc=none", "--on-exit=wait", "--pause"] {
        run(&mut pidone(["enter", option, "1", "true"])).exits(125).says(&["enter makes no"], Some("leave it out"));
    }
    run(&mut pidone(["--only", "pid", "--", "true"])).exits(125).says(&["'pidone enter'"], Some("TARGET"));
    run(&mut pidone(["enter", "1", "--only", "pids", "--", "true"]))
        .exits(125)
        .says(&["--only", "pids"], Some("pid"));
}

#[test]
fn a_zombie_has_ended_and_nothing_runs_in_the_callers_place() {
    if !privilege::privileged() {
        return;
    }
    let (running, workload) = target(Place::Bare, &["--uts", "--hostname", "inside"]);
    let mut parent = std::process::Command::new("perl");
    parent.args(["-e", "$| = 1; my $p = fork; exit if !$p; print qq(zombie\n); sleep 1000"]);
    let zombie = Running::start(&mut parent);
    let pid = procfs::only_child(zombie.pid());
    eventually("the zombie", || (procfs::state(pid) == Some('Z')).then_some(()));
    for options in [&[][..], &["--only", "uts,net"]] {
        run(&mut enter(pid, options, &["echo", "ran"]))
            .exits(125)
            .says(&["cannot find", "ESRCH"], Some("has ended"));
    }
    drop(running);
    eventually("the target's end", || matches!(procfs::state(workload), None | Some('Z')).then_some(()));
    run(&mut enter(workload, &[], &["echo", "ran"])).exits(125).says(&["ESRCH"], Some("has ended"));
}

#[test]
fn without_a_command_it_is_the_login_shell_and_identities_are_those_inside() {
    if !privilege::privileged() {
        return;
    }
    let (_running, workload) = target(Place::Isolated, &["--uts", "--hostname", "inside"]);
    let (reader, mut writer) = std::io::pipe().expect("make a pipe");
    std::io::Write::write_all(&mut writer, b"uname -n; id -u; exit 5\n").expect("say what to run");
    drop(writer);
    let mut command = pidone(["enter", &workload.to_string(), "--uid", "65534"]);
    // Debian's user nobody has nologin for a shell, which says so and exits with 1.
    let ended = run(command.stdin(reader));
    assert!(ended.status.code() == Some(1) || ended.stdout == "inside\n65534\n", "{ended:#?}");
    let (reader, mut writer) = std::io::pipe().expect("make a pipe");
    std::io::Write::write_all(&mut writer, b"uname -n; id -u; exit 5\n").expect("say what to run");
    drop(writer);
    let ended = run(pidone(["enter", &workload.to_string()]).stdin(reader));
    assert_eq!(ended.exits(5).stdout, "inside\n0\n");
}

#[test]
fn signals_arrive_once_and_a_dying_namespace_is_not_held() {
    if !privilege::privileged() {
        return;
    }
    let (target_run, workload) = target(Place::Isolated, &[]);
    let [player, role] = play("signals");
    let mut entered = Running::start(&mut enter(workload, &[], &[&player, &role]));
    entered.expect("ready");
    for signal in [1, 2, 10, 15, 35, 64] {
        entered.signal(signal);
        entered.expect(&format!("signal {signal} code 0 "));
    }
    // Init is killed from outside: all inside ends, the entered one too, which is reaped, so outer need not wait.
    let init = procfs::only_child(target_run.pid());
    sys::kill(init, 9);
    entered.end().dies_by(9);
    target_run.end().dies_by(9);
}

#[test]
fn the_death_of_enter_is_the_death_of_what_it_entered() {
    if !privilege::privileged() {
        return;
    }
    let elsewhere = ["--map-users", "0:100000:10", "--map-groups", "0:100000:10"];
    // A change of ids sheds the tie to the parent.
    for (of_target, options) in [(&[][..], &[][..]), (&[], &["--uid", "65534"]), (&elsewhere, &[])] {
        let (_running, workload) = target(Place::Isolated, of_target);
        let marker = format!("{}.5", 50_000 + std::process::id() % 10_000);
        let script = format!("echo up; exec sleep {marker}");
        let mut entered = Running::start(&mut enter(workload, options, &["sh", "-c", &script]));
        entered.expect("up");
        entered.signal(9);
        entered.end().dies_by(9);
        eventually("nobody is left", || procfs::marked(&format!("sleep\0{marker}")).is_empty().then_some(()));
    }
}

#[test]
fn an_interactive_shell_inside_has_the_terminal() {
    if !privilege::privileged() || !privilege::has("bash") {
        return;
    }
    let (_running, workload) = target(Place::Isolated, &[]);
    let mut command = enter(workload, &[], &["bash", "--norc", "--noediting", "-i"]);
    let mut session = Session::start(command.env("PS1", "prompt> "));
    let greeting = session.expect("prompt> ");
    assert!(!greeting.contains("bash:"), "{greeting:?}");
    session.send("sleep 1000\n\x03");
    session.expect("prompt> ");
    session.send("exit 7\n");
    assert_eq!(session.end().0.code(), Some(7));
}

#[test]
fn accounts_of_a_target_that_have_no_end_are_not_read() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let root = rootfs("enter-accounts");
    std::fs::create_dir(root.join("etc")).unwrap();
    let passwd = root.join("etc/passwd").display().to_string();
    let make: [&[&str]; 3] = [&["mkfifo"], &["mknod"], &["truncate", "-s", "1T"]];
    for make in make {
        let mut command = std::process::Command::new(make[0]);
        command.args(&make[1..]).arg(&passwd).args(if make[0] == "mknod" { &["c", "1", "5"][..] } else { &[] });
        assert!(command.status().unwrap().success());
        let mut place =
            Place::Isolated.pidone(&["--rootfs", root.to_str().unwrap()], &["sh", "-c", "echo up; read x"]);
        let mut running = Running::start(place.stdin(std::process::Stdio::piped()));
        running.expect("up");
        let init = procfs::only_child(running.pid());
        run(&mut enter(init, &["--uid", "55"], &["/bin/busybox", "id"])).exits(125).says(&["/etc/passwd"], None);
        let mut shell = pidone(["enter", &init.to_string()]);
        run(shell.stdin(std::process::Stdio::null())).exits(0).silently();
        std::fs::remove_file(&passwd).unwrap();
    }
}
