//! README's threat model: what reaches the command that should not, and what a hostile command, root directory or caller can do
//! to pidone. What is made undone by the kernel alone (namespaces, capabilities) is not shown again here.

use crate::support::privilege::{as_nobody, has, privileged, user_namespaces};
use crate::support::pty::Session;
use crate::support::rootfs::{Mounts, furnished, in_root, rootfs};
use crate::support::{
    Place, Running, binary, copy, eventually, play, procfs, rounds, run, scratch, shell, sys, text,
};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const AS_NOBODY: [&str; 2] = ["--uid", "65534"];

/// The places in which init is another user than the command, which has dropped to nobody.
fn with_init_of_root() -> Vec<Place> {
    if privileged() { vec![Place::Isolated, Place::PidOne] } else { Vec::new() }
}

#[test]
fn with_no_option_is_there_a_descriptor_or_a_variable_more() {
    let trace = scratch("security-trace").join("trace");
    let trace = format!("--trace={}", trace.display());
    let (kept, root) = (scratch("security-kept").join("persist-fds"), rootfs("security-root"));
    let (kept, root) = (kept.display().to_string(), root.display().to_string());
    let mut table: Vec<Vec<&str>> = vec![
        vec!["-v", &trace],
        vec!["--stop-timeout", "5", "--stop-delay", "1", "--stop-all", "--on-exit", "term"],
        vec!["--new-session", "--pdeathsig", "TERM"],
        vec!["--no-new-privs", "--umask", "0", "--workdir", "/"],
    ];
    if privileged() {
        table.push(vec!["--isolate", "--all", "--map-root", "--hostname", "x", "--monotonic", "5"]);
        table.push(vec!["--isolate", "--persist", &kept, "--net"]);
        table.push(vec!["--as-pid1", "--uid", "65534", "--env", "HOME=/", "--drop-caps", "all"]);
        table.push(vec!["--isolate", "--tmpfs", "/mnt", "--mask", "/media", "--proc-at", "/srv"]);
        table.push(vec![
            "--rootfs",
            &root,
            "--dev",
            "/dev",
            "--bind",
            "/usr:/usr",
            "--bind",
            "/lib:/lib",
            "--read-only",
        ]);
    }
    let of = |command: &mut Command| {
        let ended = run(command.env_clear().env("PATH", "/bin:/usr/bin").env("HOME", "/"));
        let mut lines: Vec<_> = ended.exits(0).stdout.lines().map(ToOwned::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let words = [
        "/bin/sh",
        "-c",
        "ls /proc/self/fd; cat /proc/self/environ | tr '\\0' '\\n' | grep -v -e ^PWD= -e ^SHLVL=",
    ];
    let plain = of(Command::new(words[0]).args(&words[1..]));
    assert!(plain.contains(&"HOME=/".to_owned()) && plain.contains(&"2".to_owned()), "{plain:?}");
    for options in table {
        let isolated = ["--isolate", "--as-pid1", "--rootfs"];
        let is_isolated = options.iter().any(|option| isolated.contains(option));
        let place = if is_isolated { Place::Isolated } else { Place::Subreaper };
        assert_eq!(of(&mut place.pidone(&options, &words)), plain, "{options:?}");
        if options.contains(&"--persist") {
            run(Command::new(binary()).args(["release", &kept])).exits(0);
        }
    }
}

#[test]
fn a_command_that_has_dropped_its_rights_learns_nothing_of_init_and_cannot_signal_it() {
    let script = "exec 2>/dev/null
        for file in mem environ maps auxv syscall stack personality; do head -c 1 /proc/1/$file && echo read $file; done
        for link in exe cwd root ns/user fd/0; do readlink /proc/1/$link && echo read $link; done
        ls /proc/1/fd /proc/1/map_files && echo listed
        echo 0 >/proc/1/oom_score_adj && echo wrote oom_score_adj
        echo x >/proc/1/mem && echo wrote mem
        perl -e 'for (0 .. 64) { print \"sent $_\\n\" if kill $_, 1 }'
        strace -p 1 && echo traced
        exit 7";
    for place in with_init_of_root().into_iter().filter(|_| has("strace") && has("perl")) {
        let ended = run(&mut place.pidone(&AS_NOBODY, &["sh", "-c", script]));
        // SIGCONT may go to anybody in one's session, kill(2), and does nothing to who is not stopped.
        assert_eq!(ended.exits(7).silently().stdout, "sent 18\n", "{place:?}");
    }
}

#[test]
fn every_signal_that_a_root_inside_sends_to_init_leaves_it_alive() {
    // All come back to the command, as from anybody; the kernel drops KILL and STOP. What it forges, as the kernel's own or as
    // from the report pipe, the kernel refuses: only a process itself may have such things come to it.
    let script = r"
        $SIG{$_} = 'IGNORE' for grep { !/^(KILL|STOP|CHLD|CLD)$/ } keys %SIG;
        my $number = $ARGV[0];
        for my $signal (1 .. 64) {
            next if $signal == 32 || $signal == 33;
            kill $signal, 1;
            for my $code (1, 2, 0x80, 0x7fffffff) {
                my $info = pack 'i3 x116', $signal, 0, $code;
                syscall($number, 1, $signal, $info) == -1 or print qq(forged $signal $code\n);
            }
        }
        kill 0, 1 and print qq(alive\n);
        exit 7";
    let rt_sigqueueinfo = nix::libc::SYS_rt_sigqueueinfo.to_string();
    let places = Place::with_init().into_iter().filter(|place| *place != Place::Subreaper && has("perl"));
    for place in places {
        let ended = run(&mut place.pidone(&[], &["perl", "-e", script, &rt_sigqueueinfo]));
        assert_eq!(ended.exits(7).silently().stdout, "alive\n", "{place:?}");
    }
}

#[test]
fn who_is_init_inside_may_write_into_its_pipe_and_that_changes_nothing_outside() {
    if !user_namespaces() || !has("perl") {
        return;
    }
    // The same user in the same namespace: it can do all that init can. So outer takes what comes for what anybody may say.
    let script = r"use Fcntl;
        for my $fd (glob '/proc/1/fd/*') {
            next if $fd =~ m(/[0-2]$) || readlink($fd) !~ /^pipe:/;
            sysopen my $pipe, $fd, O_WRONLY | O_NONBLOCK or next;
            print qq(open\n);
            for (1 .. 300) { syswrite $pipe, eval $ARGV[0] or last }
        }
        exit 7";
    // So much that there is no room for what init has to say; unknown kinds, a failure whose name drives terminals, and anything.
    let texts = [
        r"qq(\x09) x 65536",
        r"qq(\x09\0\0\0\0\0)",
        r"qq(\x05\0\0\0\0\0) x 9",
        r"qq(\x01\x00\x01\0\0\0\e[31m\n)",
        r"join '', map chr rand 256, 1..600",
    ];
    for text in texts {
        let ended = run(&mut Place::MapRoot.pidone(&[], &["perl", "-e", script, text]));
        assert_eq!(ended.stdout, "open\n", "{ended:#?}");
        // It may lie about how it ended itself, and be believed; what it says cannot drive a terminal.
        assert!(text.contains("rand") || matches!(ended.status.code(), Some(7 | 125)), "{ended:#?}");
        assert!(!ended.stderr.contains('\x1b'), "{ended:#?}");
    }
    // Who is not root inside has fewer capabilities than init, and so may not look at it.
    let ended = run(&mut Place::MapCurrent.pidone(&[], &["perl", "-e", script, texts[0]]));
    assert_eq!(ended.exits(7).silently().stdout, "");
}

/// Makes two names change their files all the time, until it is dropped.
struct Flipper {
    stop: std::sync::Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Flipper {
    fn start(one: &Path, other: &Path) -> Self {
        let [one, other] = [one, other].map(|path| CString::new(path.as_os_str().as_bytes()).unwrap());
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut turns = 0;
            while !stopped.load(Ordering::Relaxed) {
                sys::exchange(&one, &other);
                turns += 1;
            }
            turns
        });
        Flipper { stop, thread: Some(thread) }
    }

    /// How often they were changed.
    fn turns(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Flipper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_link_that_is_put_in_a_directorys_place_while_pidone_looks_does_not_lead_out() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let (root, prey) = (rootfs("race"), scratch("race-prey"));
        let up = "../".repeat(20);
        for (door, to) in
            [("absolute", prey.display().to_string()), ("relative", format!("{up}{}", prey.display()))]
        {
            let (door, link) = (root.join(door), root.join(format!("{door}-link")));
            std::fs::create_dir(&door).unwrap();
            std::fs::set_permissions(&door, PermissionsExt::from_mode(0o777)).unwrap();
            symlink(to, &link).unwrap();
            let flipper = Flipper::start(&door, &link);
            let name = door.file_name().unwrap().to_str().unwrap();
            let mut started = 0;
            for round in 0..rounds(60) {
                let (new, above) = (format!("/{name}/new{round}"), format!("/{name}/../{name}/up{round}"));
                let bind = format!("/etc/hostname:/{name}/file{round}");
                let options = ["--tmpfs", &new, "--bind", &bind, "--dev", &above];
                let ended = run(&mut in_root(place, &root, &options, "ls / | grep -c -w usr"));
                assert!(matches!(ended.status.code(), Some(1 | 125)), "{ended:#?}");
                started += usize::from(ended.status.code() == Some(1));
            }
            assert!(flipper.turns() > 1000, "nothing was tried");
            let made = std::fs::read_dir(&prey).unwrap().count();
            assert_eq!(made, 0, "{place:?}: {name} led out; {started} starts");
        }
    }
}

#[test]
fn a_root_directory_or_a_source_that_is_exchanged_is_one_or_the_other_and_never_a_mixture() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let (one, other) = (rootfs("whole-one"), rootfs("whole-other"));
        std::fs::write(one.join("name"), "one").unwrap();
        std::fs::write(other.join("name"), "other").unwrap();
        let flipper = Flipper::start(&one, &other);
        let bind = format!("{}:/again", one.display());
        for _ in 0..rounds(40) {
            let ended = run(&mut in_root(place, &one, &["--bind", &bind], "cat /name; echo; cat /again/name"));
            let names: Vec<_> = ended.exits(0).silently().stdout.lines().collect();
            assert!(names.iter().all(|name| matches!(*name, "one" | "other")) && names.len() == 2, "{ended:#?}");
        }
        assert!(flipper.turns() > 1000, "nothing was tried");
    }
}

/// A copy of a program in a directory of its own, owned by root, with this mode.
fn program(from: &Path, name: &str, mode: u32) -> PathBuf {
    let program = scratch(&format!("security-{name}")).join(name);
    copy(from, &program);
    std::fs::set_permissions(&program, PermissionsExt::from_mode(mode)).unwrap();
    program
}

#[test]
fn a_pidone_that_gives_its_caller_rights_refuses_to_run() {
    if !privileged() {
        return;
    }
    let refused = |program: &Path| {
        for words in [&["--in-place", "--", "id", "-u"][..], &["--map-root", "true"], &["--help"]] {
            let ended = run(as_nobody(Command::new(program).args(words)));
            ended.exits(125).says(&["rights that its caller has not got"], Some("chmod ug-s FILE; setcap -r FILE"));
            assert_eq!(ended.stdout, "");
        }
    };
    let ordinary = |program: &Path| {
        // Root has them all, and so gains none.
        assert_eq!(run(Command::new(program).args(["--in-place", "id", "-u"])).exits(0).silently().stdout, "0\n");
        // Where an exec gives nothing it is a program like any other.
        let mut powerless = Command::new("setpriv");
        powerless.args(["--no-new-privs"]).arg(program).args(["--in-place", "id", "-u"]);
        assert_eq!(run(as_nobody(&mut powerless)).exits(0).silently().stdout, "65534\n");
    };
    let of_root = program(&binary(), "pidone", 0o4755);
    refused(&of_root);
    ordinary(&of_root);
    refused(&program(&binary(), "tini", 0o4755));
    let of_group = program(&binary(), "of-group", 0o755);
    std::os::unix::fs::chown(&of_group, None, Some(0)).unwrap();
    std::fs::set_permissions(&of_group, PermissionsExt::from_mode(0o2755)).unwrap();
    refused(&of_group);
    if has("setcap") {
        let capable = program(&binary(), "capable", 0o755);
        text(Command::new("setcap").arg("cap_kill,cap_sys_admin+ep").arg(&capable));
        refused(&capable);
        ordinary(&capable);
    }
    // Ambient capabilities are the caller's own.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--clear-groups", "--inh-caps", "+kill", "--ambient-caps", "+kill"]);
    run(command.arg(binary()).args(["--in-place", "true"])).exits(0).silently();
}

#[test]
fn no_new_privs_and_dropped_capabilities_hold_against_programs_that_would_give_them() {
    if !privileged() {
        return;
    }
    let id = program(Path::new("/usr/bin/id"), "id", 0o4755).display().to_string();
    let script = format!("{id} -u; setpriv --reuid 1 --clear-groups true 2>/dev/null || echo refused");
    for place in with_init_of_root() {
        let seen =
            |options: &[&str]| run(&mut place.pidone(options, &["sh", "-c", &script])).exits(0).stdout.clone();
        assert_eq!(seen(&AS_NOBODY), "0\nrefused\n", "set-user-ID works");
        assert_eq!(seen(&["--uid", "65534", "--no-new-privs"]), "65534\nrefused\n");
        assert_eq!(seen(&[]), "0\n", "root can become another user");
        assert_eq!(seen(&["--drop-caps", "setuid,setgid"]), "0\nrefused\n", "not even by a set-user-ID program");
    }
}

#[test]
fn what_a_command_pushes_into_its_terminal_is_typed_into_the_shell_unless_it_has_a_session_of_its_own() {
    let allowed = std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti").is_ok_and(|value| value != "0\n");
    // Without the setting, which came with Linux 6.2, it is always allowed; and root may do it in any case.
    let is_old = !Path::new("/proc/sys/dev/tty/legacy_tiocsti").exists();
    if !(allowed || is_old) || !has("perl") || !has("bash") {
        return;
    }
    let script = "perl -e 'ioctl STDIN, 0x5412, $_ or exit 3 for split //, qq(echo in$ARGV[0]jected\\n)' \"''\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noediting", "-i"]).env("PS1", "prompt> ").env("PIDONE", binary());
    let mut session = Session::start(as_nobody(&mut bash));
    session.expect("prompt> ");
    session.send(&format!("$PIDONE --in-place -- {script}\n"));
    session.expect("injected\r\n");
    session.send(&format!("$PIDONE --in-place --new-session -- {script}; echo status $?\n"));
    session.expect("status 3\r\n");
    session.send("exit\n");
    assert!(!session.end().1.contains("injected"));
}

#[test]
fn accounts_of_a_hostile_root_are_read_in_it_or_not_at_all() {
    if !privileged() || !has("busybox") {
        return;
    }
    let root = rootfs("security-accounts");
    let etc = root.join("etc");
    std::fs::create_dir(&etc).unwrap();
    let start = |user: &str| run(&mut in_root(Place::Isolated, &root, &["--uid", user], "id -u"));
    std::fs::write(etc.join("passwd"), "daemon:x:4242:4242::/:\n").unwrap();
    assert_eq!(start("daemon").exits(0).stdout, "4242\n");
    for hostile in ["ln -s /dev/zero", "ln -s ../../../../../../etc/passwd", "mkfifo", "mkdir"] {
        let make = format!("rm -rf {0}/passwd; {hostile} {0}/passwd", etc.display());
        run(&mut shell(&make)).exits(0);
        start("daemon").exits(125);
    }
}

#[test]
fn init_takes_nothing_from_where_the_command_was_before_it_lets_go() {
    // Of a workload that holds, init has neither its directory nor a file of its open, nor a variable that it could be led by.
    for place in with_init_of_root() {
        let directory = scratch("security-init");
        let mut command = place.pidone(&[], &play("hold"));
        command.current_dir(&directory).env("LD_PRELOAD", "/no/such.so").env("RUST_BACKTRACE", "1");
        let mut running = Running::start(&mut command);
        running.expect("holding");
        let init = *procfs::descendants(running.pid()).iter().rev().nth(1).unwrap();
        eventually("init has let go", || {
            let maps = std::fs::read_to_string(format!("/proc/{init}/maps")).ok()?;
            let files: Vec<_> = maps.lines().filter_map(|line| line.split_once(" /")).collect();
            (files.iter().all(|(_, file)| file.ends_with("/pidone")) && !files.is_empty()).then_some(())
        });
        assert!(procfs::fds(init).len() <= 4, "{:?}", procfs::fds(init));
    }
}
