//! What the workload finds in its file system: another root, mounts in it, and nothing that was not asked for.

use crate::support::rootfs::{Mounts, furnished, in_root, rootfs};
use crate::support::{Place, Running, binary, eventually, pidone, privilege, procfs, run, scratch, shell, sys};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn of_another_root_only_it_is_to_be_seen() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let root = rootfs("seen");
        let script = "pwd; ls /; cd ../../..; ls; cut -d' ' -f5 /proc/self/mountinfo";
        let ended = run(in_root(place, &root, &[], script).current_dir("/usr"));
        assert_eq!(ended.exits(0).silently().stdout, "/\nbin\nproc\nbin\nproc\n/\n/proc\n", "{place:?}");
        if place != Place::MapCurrent {
            // Who has no capabilities may not look there at all.
            let script = "cd /proc/1/root; ls; cd /proc/1/cwd; ls; ls ..";
            let ended = run(in_root(place, &root, &[], script).current_dir("/usr"));
            assert_eq!(ended.exits(0).silently().stdout, "bin\nproc\n".repeat(3), "{place:?}");
        }
    }
}

#[test]
fn in_place_it_is_the_workloads_alone() {
    if !privilege::user_namespaces() {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("in-place");
    // As a subreaper, in a user namespace for the right to mount; and as PID 1.
    let mut places = vec![(Place::Subreaper, vec!["--map-root"])];
    if privilege::privileged() {
        places.push((Place::PidOne, vec![]));
    }
    for (place, mut options) in places {
        options.extend(["--tmpfs", "/tmp", "--proc", "none"]);
        let ended = run(&mut in_root(place, &root, &options, "ls /; echo text >/tmp/file; ls /tmp"));
        assert_eq!(ended.exits(0).silently().stdout, "bin\ntmp\nfile\n", "{place:?}");
        let mut running = Running::start(&mut in_root(place, &root, &options, "echo up; exec busybox sleep 1000"));
        running.expect("up");
        let init = place.supervisor(&running);
        let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).unwrap();
        assert_ne!(namespace(init), namespace(procfs::only_child(init)), "{place:?}");
        sys::kill(init, 15);
        running.end();
    }
}

#[test]
fn in_place_there_is_a_proc_in_it_also_for_a_user_namespace() {
    if !privilege::user_namespaces() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("in-place-proc");
    let script = "cat /proc/self/comm; ls /";
    let ended = run(&mut in_root(Place::Subreaper, &root, &["--map-root"], script));
    assert_eq!(ended.exits(0).silently().stdout, "cat\nbin\nproc\n");
    // A fresh one is not to be had: the user namespace does not own the PID namespace.
    let ended = run(&mut in_root(Place::Subreaper, &root, &["--map-root", "--proc", "fresh"], script));
    ended.exits(125).says(&["/proc", "(EPERM)"], Some("--proc bind"));
}

#[test]
fn the_old_root_is_out_of_reach_for_a_root_that_tries() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("reach");
    // Unmounting the root itself, leaving a chroot, and the trick of a working directory outside of one.
    let script = "busybox umount -l / 2>/dev/null; ls /; mkdir -p /a && busybox chroot /a true 2>/dev/null; \
        busybox chroot /proc/1/root ls /; busybox umount /proc; ls /proc; ls / | grep -c usr";
    let ended = run(&mut in_root(Place::Isolated, &root, &["--tmpfs", "/tmp"], script));
    assert_eq!(ended.stdout, "bin\nproc\ntmp\na\nbin\nproc\ntmp\n0\n", "{ended:#?}");
}

#[test]
fn the_command_is_looked_for_and_started_inside() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let root = rootfs("start");
        let at = root.to_str().unwrap();
        let ended = run(&mut place.pidone(&["--rootfs", at, "--workdir", "/bin"], &["./busybox", "pwd"]));
        assert_eq!(ended.exits(0).silently().stdout, "/bin\n");
        let ended = run(&mut place.pidone(&["--rootfs", at], &["/usr/bin/env"]));
        ended.exits(127).says(&["/usr/bin/env", "(ENOENT)"], Some("in the root directory that the command gets"));
        let ended = run(place.pidone(&["--rootfs", at], &["nosuch"]).env("PATH", "/bin"));
        ended
            .exits(127)
            .says(&["nosuch", "(ENOENT)"], Some("PATH=/bin (inside, in the root directory that it gets)"));
        std::fs::write(root.join("bin/script"), "#!/usr/bin/perl\n").unwrap();
        std::fs::set_permissions(root.join("bin/script"), PermissionsExt::from_mode(0o755)).unwrap();
        let ended = run(&mut place.pidone(&["--rootfs", at], &["script"]));
        ended.exits(126).says(&["script", "(ENOENT)"], Some("interpreter"));
    }
}

#[test]
fn files_and_directories_are_bound_and_their_places_made() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let (root, outside) = (rootfs("bound"), scratch("outside"));
        std::fs::write(outside.join("a:b"), "content\n").unwrap();
        let at = outside.display();
        let options =
            ["--bind", &format!("{at}:/d/e"), "--ro-bind", &format!("{at}/a:b:/f/g"), "--ro-bind", "a:b:/h"];
        let script = "cat /d/e/a:b /f/g /h; echo new >/d/e/new; touch /f/g /h; umask";
        let mut command = in_root(place, &root, &options, script);
        sys::before_exec(command.current_dir(&outside), || {
            sys::umask_and_nice(0o077, 0);
            Ok(())
        });
        let ended = run(&mut command);
        assert_eq!(ended.stdout, format!("{}0077\n", "content\n".repeat(3)), "{ended:#?}");
        assert_eq!(ended.stderr.matches("Read-only file system").count(), 2, "{ended:#?}");
        assert_eq!(std::fs::read_to_string(outside.join("new")).unwrap(), "new\n");
        // Whatever the caller's umask.
        let modes = ["d", "d/e", "f", "f/g", "h"].map(|name| mode(&root.join(name)));
        assert_eq!(modes, [0o755, 0o755, 0o755, 0o644, 0o644]);
    }
}

#[test]
fn what_is_mounted_in_a_source_comes_along_and_ro_bind_covers_it() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    for user_namespace in ["", "--map-root"] {
        let (root, source) = (rootfs("deep"), scratch("source"));
        let script = format!(
            "mkdir {0}/below && mount -t tmpfs none {0}/below && touch {0}/below/there && \
            exec $PIDONE {user_namespace} --rootfs {1} --bind {0}:/rw --ro-bind {0}:/ro -- sh -c \
            'ls /rw/below /ro/below; touch /rw/below/x && touch /ro/x; touch /ro/below/x; ls /ro/below'",
            source.display(),
            root.display()
        );
        let mut command = Command::new("unshare");
        let ended = run(command.args(["-m", "sh", "-c", &script]).env("PIDONE", binary()));
        assert_eq!(ended.stdout, "/ro/below:\nthere\n\n/rw/below:\nthere\nthere\nx\n", "{ended:#?}");
        assert_eq!(ended.stderr.matches("Read-only file system").count(), 2, "{ended:#?}");
    }
}

#[test]
fn options_act_in_their_order_and_sources_are_the_callers() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let (root, outside) = (rootfs("order"), scratch("first"));
        std::fs::write(outside.join("file"), "").unwrap();
        let bind = format!("{}:/a/b", outside.display());
        let ended = run(&mut in_root(place, &root, &["--tmpfs", "/a", "--bind", &bind], "ls /a /a/b"));
        assert_eq!(ended.exits(0).stdout, "/a:\nb\n\n/a/b:\nfile\n");
        let ended = run(&mut in_root(place, &root, &["--bind", &bind, "--tmpfs", "/a"], "ls /a"));
        assert_eq!(ended.exits(0).stdout, "");
        // Without another root the first covers what the second takes, and takes it all the same.
        let tmpfs = format!("{}", outside.display());
        let bind = format!("{tmpfs}/file:{tmpfs}/copy");
        let ended = run(&mut place.pidone(&["--tmpfs", &tmpfs, "--bind", &bind], &["ls", &tmpfs]));
        assert_eq!(ended.exits(0).stdout, "copy\n");
        assert!(!outside.join("copy").exists());
    }
}

#[test]
fn a_tmpfs_has_its_size_and_is_for_everyone() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let options = ["--tmpfs", "/t:64k", "--tmpfs", "/tmp"];
        let script = "df -k /t | grep -c ' 64 '; stat -c %a /t /tmp; touch /tmp/x && echo written";
        let ended = run(&mut in_root(place, &rootfs("tmpfs"), &options, script));
        assert_eq!(ended.exits(0).silently().stdout, "1\n1777\n1777\nwritten\n");
    }
}

#[test]
fn a_new_dev_has_what_programs_take_for_granted() {
    let _mounts = Mounts::watch();
    let names = "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n";
    let script = "ls /dev; echo x >/dev/null; head -c 3 /dev/zero; head -c 1 /dev/urandom >/dev/null; \
        echo x >/dev/full; exec 3<>/dev/ptmx; ls /dev/pts; touch /dev/shm/x; echo hi | cat /dev/stdin; \
        stat -c '%a %F' /dev /dev/shm /dev/ptmx";
    for place in furnished() {
        // Once in another root, and once over one's own.
        for mut command in [
            in_root(place, &rootfs("dev"), &["--dev", "/dev"], script),
            place.pidone(&["--dev", "/dev"], &["busybox", "sh", "-c", script]),
        ] {
            let ended = run(&mut command);
            let expected = format!("{names}\0\0\00\nptmx\nhi\n755 directory\n1777 directory\n777 symbolic link\n");
            assert_eq!(ended.exits(0).stdout, expected, "{ended:#?}");
            assert!(ended.stderr.contains("No space left"), "{ended:#?}");
        }
    }
}

#[test]
fn proc_is_where_it_is_wanted() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let pids = "cd /p; ls -d 1 /proc/1; ls / | grep proc";
        let ended = run(&mut in_root(place, &rootfs("proc"), &["--proc", "none", "--proc-at", "/p"], pids));
        assert_eq!(ended.stdout, "1\n", "{ended:#?}");
        let own = std::process::id();
        let bound = format!("cat /proc/{own}/comm");
        let ended = run(&mut in_root(place, &rootfs("proc"), &["--proc", "bind"], &bound));
        assert_eq!(ended.exits(0).stdout, std::fs::read_to_string("/proc/self/comm").unwrap());
    }
}

#[test]
fn what_is_masked_is_empty_and_stays_so() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let root = rootfs("masked");
        std::fs::write(root.join("secret"), "secret").unwrap();
        std::fs::create_dir(root.join("secrets")).unwrap();
        std::fs::write(root.join("secrets/one"), "").unwrap();
        let options = ["--mask", "/secret", "--mask", "/secrets", "--mask", "/proc/version"];
        let script = "cat /secret /proc/version; ls /secrets; touch /secrets/x";
        let ended = run(&mut in_root(place, &root, &options, script));
        assert_eq!(ended.stdout, "", "{ended:#?}");
        assert!(ended.stderr.contains("Read-only file system"), "{ended:#?}");
        let ended = run(&mut place.pidone(
            &["--mask", "/proc/version", "--mask", "/usr"],
            &["busybox", "sh", "-c", "busybox cat /proc/version; busybox ls /usr"],
        ));
        assert!(ended.stdout.is_empty(), "{ended:#?}");
    }
}

#[test]
fn a_read_only_root_leaves_what_is_mounted_in_it_writable() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let script = "touch /x; touch /tmp/x && echo written";
        let options = ["--read-only", "--tmpfs", "/tmp"];
        let ended = run(&mut in_root(place, &rootfs("read-only"), &options, script));
        assert_eq!(ended.exits(0).stdout, "written\n");
        assert!(ended.stderr.contains("/x: Read-only file system"), "{ended:#?}");
        let options = "busybox grep ' / / ' /proc/self/mountinfo | busybox cut -d' ' -f6";
        let ended = run(&mut place.pidone(&["--read-only"], &["sh", "-c", options]));
        assert!(ended.exits(0).silently().stdout.starts_with("ro"), "{ended:#?}");
    }
}

#[test]
fn a_root_that_is_read_only_itself_works_when_nothing_has_to_be_made() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    for user_namespace in ["", "--map-root"] {
        let root = rootfs("rom");
        let script = |options: &str| {
            format!(
                "mkdir -p {0}/proc && mount --bind {0} {0} && mount -o remount,bind,ro {0} && \
                exec $PIDONE {user_namespace} --rootfs {0} {options} -- ls /",
                root.display()
            )
        };
        let run_it = |options: &str| {
            let mut command = Command::new("unshare");
            run(command.args(["-m", "sh", "-c", &script(options)]).env("PIDONE", binary()))
        };
        assert_eq!(run_it("--tmpfs /bin/../proc").exits(0).silently().stdout, "bin\nproc\n");
        run_it("--tmpfs /tmp")
            .exits(125)
            .says(&["cannot make the mount point: /tmp:", "(EROFS)"], Some("make it beforehand"));
    }
}

#[test]
fn users_and_groups_are_those_of_the_new_root() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("users");
    std::fs::create_dir(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/passwd.real"), "www:x:1234:1235::/srv:/bin/sh\n").unwrap();
    // A link as it may stand in an image: inside it leads to the image's own file.
    std::os::unix::fs::symlink("/etc/passwd.real", root.join("etc/passwd")).unwrap();
    std::fs::write(root.join("etc/group"), "web:x:1236:www\n").unwrap();
    let script = "id -u; id -g; id -G; echo $HOME";
    let ended = run(&mut in_root(Place::Isolated, &root, &["--uid", "www"], script));
    assert_eq!(ended.exits(0).silently().stdout, "1234\n1235\n1235 1236\n/srv\n");
    let ended = run(&mut in_root(Place::Isolated, &root, &["--uid", "7", "--gid", "web"], "id -u; id -g"));
    assert_eq!(ended.exits(0).silently().stdout, "7\n1236\n");
    let ended = run(&mut in_root(Place::Isolated, &root, &["--uid", "daemon"], "true"));
    let message = format!("{}/etc/passwd has no user daemon", root.display());
    ended.exits(125).says(&[&message], Some("a number"));
    std::fs::remove_file(root.join("etc/passwd")).unwrap();
    std::os::unix::fs::symlink("../../../../../etc/passwd", root.join("etc/passwd")).unwrap();
    run(&mut in_root(Place::Isolated, &root, &["--uid", "daemon"], "true")).exits(125);
}

#[test]
fn no_descriptor_is_left_over() {
    let _mounts = Mounts::watch();
    let all = ["--dev", "/dev", "--tmpfs", "/t", "--bind", "/etc:/e", "--mask", "/e", "--proc-at", "/p"];
    for place in furnished() {
        let numbers = |options: &[&str]| {
            let hold = ["busybox", "sh", "-c", "echo up; exec busybox sleep 1000"];
            let mut running = Running::start(&mut place.pidone(options, &hold));
            running.expect("up");
            let inner = procfs::only_child(running.pid());
            let workload = if place == Place::Bare { inner } else { procfs::only_child(inner) };
            // Two of the same, whatever the pipes are numbered.
            let counts = eventually("pidone has let go", || {
                let counts = [inner, workload].map(|pid| procfs::fds(pid).len());
                let comm = std::fs::read_to_string(format!("/proc/{workload}/comm")).ok()?;
                (comm == "busybox\n" && (place == Place::Bare || counts[0] <= 4)).then_some(counts)
            });
            let kept = procfs::fds(workload);
            assert!(!kept.iter().any(|fd| fd.ends_with("-> /")), "{kept:?}");
            counts
        };
        let root = rootfs("descriptors");
        let with = [&["--rootfs", root.to_str().unwrap()][..], &all].concat();
        assert_eq!(numbers(&with), numbers(&[]), "{place:?}");
    }
}

#[test]
fn a_plain_start_makes_none_of_these_calls() {
    if !privilege::privileged() || !privilege::has("strace") {
        return;
    }
    let calls = "open_tree,move_mount,mount_setattr,fsopen,fsconfig,fsmount,openat2,pivot_root,umask";
    let traced = |options: &str| {
        let script = format!("strace -f -e trace={calls} $PIDONE {options} -- true 2>&1 | grep -c '('");
        run(&mut shell(&script)).stdout.trim().parse::<u32>().unwrap()
    };
    assert_eq!(traced(""), 0);
    assert!(traced("--tmpfs /tmp") > 5);
}

#[test]
fn a_pause_can_have_a_root_too() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("pause");
    let mut running = Running::start(&mut pidone(["--pause", "--rootfs", root.to_str().unwrap()]));
    let init = procfs::only_child(running.pid());
    eventually("init is in its root", || {
        let entries = std::fs::read_dir(format!("/proc/{init}/root/")).ok()?;
        (entries.count() == 2).then_some(())
    });
    assert!(running.is_running());
    running.signal(15);
    running.end().exits(0);
}
