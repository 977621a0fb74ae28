//! The textbook experiments with namespaces, by their numbers in README's section of that name; each as a learner would type
//! it. What another test already shows is only named there.

use crate::support::{Place, Running, binary, eventually, pidone, privilege, procfs, run, scratch, shell, sys};
use std::process::Command;

/// A script in a mount namespace whose root is shared, as systemd leaves it on a host.
fn on_a_shared_host(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "shared", "sh", "-c", script]).env("PIDONE", binary());
    command
}

#[test]
fn e1_a_child_with_its_own_names() {
    if !privilege::privileged() {
        return;
    }
    let script = "before=$(uname -n; cat /proc/sys/kernel/domainname)
        $PIDONE --hostname child --domainname nis -- sh -c 'uname -n; cat /proc/sys/kernel/domainname'
        [ \"$before\" = \"$(uname -n; cat /proc/sys/kernel/domainname)\" ] && echo unchanged";
    assert_eq!(run(&mut shell(script)).exits(0).stdout, "child\nnis\nunchanged\n");
}

#[test]
fn e2_into_the_uts_namespace_of_another_and_of_one_that_is_gone() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("persist-e2").join("kept");
    // While it runs, through /proc; afterwards, through the file it was kept as.
    let (reader, writer) = std::io::pipe().expect("make a pipe");
    let mut command = pidone(["--persist", &directory.display().to_string(), "--hostname", "e2", "--"]);
    let mut running = Running::start(command.args(["sh", "-c", "echo up; read x"]).stdin(reader));
    running.expect("up");
    let workload = procfs::only_child(procfs::only_child(running.pid()));
    let through =
        |file: &str| run(&mut pidone(["enter", "--ns", file, "--", "uname", "-n"])).exits(0).stdout.clone();
    assert_eq!(through(&format!("/proc/{workload}/ns/uts")), "e2\n");
    drop((command, writer));
    running.end();
    assert_eq!(through(&directory.join("uts").display().to_string()), "e2\n");
    run(&mut pidone(["release", &directory.display().to_string()])).exits(0);
}

#[test]
fn e5_a_mount_made_inside_is_not_seen_outside() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("e5");
    for propagation in ["private", "slave"] {
        let script = format!(
            "cd {}; mkdir -p mounted; $PIDONE --propagation {propagation} -- sh -c '
                mount --bind /usr mounted; ls mounted | grep -cx bin; touch up; until [ -e seen ]; do :; done' &
             until [ -e up ]; do :; done; ls mounted | wc -l; touch seen; wait; rm up seen",
            directory.display()
        );
        let ended = run(&mut on_a_shared_host(&script));
        assert_eq!(ended.exits(0).stdout, "1\n0\n", "inside, and meanwhile outside; {propagation}: {ended:#?}");
    }
    // With slave, what is mounted outside travels in.
    let script = "cd $DIR; $PIDONE --propagation slave -- sh -c '
            touch up; until grep -q e5slave /proc/mounts; do :; done; echo came' &
        until [ -e up ]; do :; done; mount -t tmpfs e5slave mounted; wait; umount mounted";
    let ended = run(on_a_shared_host(script).env("DIR", &directory));
    assert_eq!(ended.stdout, "came\n", "{ended:#?}");
}

#[test]
fn e7_an_orphan_is_adopted_by_init_and_an_entered_process_has_no_parent_inside() {
    if !privilege::privileged() {
        return;
    }
    let mut running = Running::start(
        &mut Place::Isolated
            .shell("(sh -c 'echo $PPID; read x </dev/zero; exec sleep 1000' &) ; echo up; exec sleep 1000"),
    );
    let lines = [running.line(), running.line()];
    assert!(lines.contains(&"up".to_owned()));
    let init = procfs::only_child(running.pid());
    let orphan = || procfs::children(init).len() == 2;
    eventually("the orphan is init's child", || orphan().then_some(()));
    let ended =
        run(&mut pidone(["enter", &init.to_string(), "--", "sh", "-c", "echo $PPID; kill -9 1; echo still"]));
    assert_eq!(ended.exits(0).stdout, "0\nstill\n", "a signal to init from inside is dropped");
    sys::kill(init, 9);
    running.end().dies_by(9);
}

/// A parent that puts a child into a PID namespace by setns(2), and does not reap it.
pub const NEGLECTFUL: &str = r#"
    open(my $ns, "<", "/proc/$ARGV[0]/ns/pid") or die "open: $!";
    syscall(308, fileno($ns), 0) == 0 or die "setns: $!";
    my $pid = fork();
    if ($pid == 0) { exec "sleep", "1000" }
    $| = 1;
    print "injected $pid\n";
    <STDIN>;
    waitpid($pid, 0);
    # The namespace has lost its init: no process can be made in it.
    print defined(fork()) ? "forked\n" : "fork: $!\n";
"#;

#[test]
fn e7_who_is_put_in_and_not_reaped_keeps_the_namespace_half_dead_and_enter_does_not() {
    if !privilege::privileged() || !privilege::has("perl") || cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let mut running = Running::start(&mut shell("exec $PIDONE -- sh -c 'echo up; exec sleep 1000' 2>&1"));
    running.expect("up");
    let init = procfs::only_child(running.pid());
    let (reader, writer) = std::io::pipe().expect("make a pipe");
    let mut command = Command::new("perl");
    let mut neglectful = Running::start(command.args(["-e", NEGLECTFUL, &init.to_string()]).stdin(reader));
    let line = neglectful.expect("injected ");
    let injected: i32 = line.trim_start_matches("injected ").parse().expect("the pid of the one put in");
    // Killed before its exec it would be a perl, too.
    let name = || procfs::status(injected, "Name");
    eventually("the one put in sleeps", || (name().as_deref() == Some("sleep")).then_some(()));
    sys::kill(init, 9);
    // Its init is killed, and waits in the kernel for the last process of its namespace to be reaped.
    eventually("init hangs in its end", || {
        let place = std::fs::read_to_string(format!("/proc/{init}/wchan")).ok()?;
        place.contains("zap_pid_ns_processes").then_some(())
    });
    assert!(running.is_running(), "and pidone outside waits for it");
    let said = running.line();
    assert!(said.contains("waits for") && said.contains("(sleep), state Z: ") && said.contains("(perl)"), "{said}");
    drop((command, writer));
    neglectful.expect("fork: Cannot allocate memory");
    running.end().dies_by(9);

    // The same with `enter`, which reaps at once.
    let mut running = Running::start(&mut Place::Isolated.shell("echo up; exec sleep 1000"));
    running.expect("up");
    let init = procfs::only_child(running.pid());
    let mut entered =
        Running::start(&mut pidone(["enter", &init.to_string(), "--", "sh", "-c", "echo in; exec sleep 1000"]));
    entered.expect("in");
    sys::kill(init, 9);
    running.end().dies_by(9);
    entered.end().dies_by(9);
}

#[test]
fn e8_a_process_has_a_pid_at_each_level() {
    if !privilege::privileged() {
        return;
    }
    let inner = binary().display().to_string();
    let words =
        ["--", &inner, "--isolate", "--", &inner, "--isolate", "--", "sh", "-c", "echo up; exec sleep 1000"];
    let mut running = Running::start(&mut pidone(words));
    running.expect("up");
    let workload = *procfs::descendants(running.pid())
        .iter()
        .max_by_key(|pid| procfs::status(pid, "NSpid").map_or(0, |pids| pids.split_ascii_whitespace().count()))
        .unwrap();
    let pids = procfs::status(workload, "NSpid").unwrap();
    let levels: Vec<_> = pids.split_ascii_whitespace().collect();
    assert_eq!((levels.len(), levels[3]), (4, "2"), "{pids}");
    assert_eq!(levels[0], workload.to_string());
}

#[test]
fn e9_reboot_ends_the_namespace_and_outer_says_how() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    for (command, signal, word) in [("reboot", 1, "rebooted"), ("poweroff", 2, "halted"), ("halt", 2, "halted")] {
        let ended = run(&mut Place::Isolated.pidone(&[], &["busybox", command, "-f"]));
        assert!(ended.dies_by(signal).stderr.contains(word), "{command}: {ended:#?}");
    }
}
