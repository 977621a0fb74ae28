//! When the file system cannot be furnished: the message, links that would lead out, and nothing left mounted.

use crate::support::rootfs::{Mounts, furnished, in_root, rootfs};
use crate::support::{binary, pidone, privilege, run, scratch, shell};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

#[test]
fn none_of_them_goes_with_mounts_that_travel_out() {
    let all =
        ["--rootfs=/", "--bind=/a:/b", "--ro-bind=/a:/b", "--tmpfs=/a", "--dev=/a", "--proc-at=/a", "--mask=/a"];
    for option in all {
        for propagation in ["shared", "unchanged"] {
            let name = option.split('=').next().unwrap();
            let ended = run(&mut pidone(["--isolate", "--propagation", propagation, option, "--", "true"]));
            ended.exits(125).says(&["the caller would get these mounts too", name], Some("--propagation private"));
        }
    }
}

#[test]
fn values_that_mean_nothing_are_named() {
    let table = [
        ("--rootfs=", "--rootfs does not know this value", "DIR"),
        ("--bind=/a", "--bind does not know this value: /a", "SRC:DST"),
        ("--bind=:/a", "--bind does not know this value: :/a", "SRC:DST"),
        ("--bind=/a:b", "--bind: the path inside must be absolute: b", "begin it with a /"),
        ("--ro-bind=/a:", "--ro-bind: the path inside must be absolute:", "begin it with a /"),
        ("--tmpfs=a", "--tmpfs: the path inside must be absolute: a", "begin it with a /"),
        ("--tmpfs=/a:b", "--tmpfs does not know this value: /a:b", "SIZE"),
        ("--tmpfs=/a:", "--tmpfs does not know this value: /a:", "SIZE"),
        ("--tmpfs=/a:101%", "--tmpfs does not know this value: /a:101%", "SIZE"),
        ("--tmpfs=/:1m", "--tmpfs: this is the root directory itself: /", "--rootfs DIR"),
        ("--bind=/a:/../", "--bind: this is the root directory itself: /../", "--rootfs DIR"),
        ("--dev=dev", "--dev: the path inside must be absolute: dev", "begin it with a /"),
        ("--mask=", "--mask: the path inside must be absolute:", "begin it with a /"),
    ];
    for (option, message, hint) in table {
        run(&mut pidone([option, "--", "true"])).exits(125).says(&[message], Some(hint));
    }
}

#[test]
fn what_is_not_there_or_is_something_else_is_named() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let root = rootfs("else");
        let at = root.to_str().unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        symlink("/nowhere/at/all", root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let file = format!("{at}/file");
        let table: &[(&[&str], &str, &str)] = &[
            (
                &["--rootfs", "/no/such"],
                "cannot open the new root directory: /no/such: .*(ENOENT)",
                "--rootfs takes",
            ),
            (&["--rootfs", &file], "cannot open the new root directory: .*(ENOTDIR)", "unpack an archive"),
            (
                &["--rootfs", at, "--bind", "/no:/a"],
                "to be mounted inside: /no: .*(ENOENT)",
                "as the caller sees it",
            ),
            (&["--rootfs", at, "--mask", "/no"], "to be masked: /no: .*(ENOENT)", "only what is there"),
            (
                &["--rootfs", at, "--tmpfs", "/file"],
                "mount on this path: /file: .*(ENOTDIR)",
                "a directory goes on",
            ),
            (&["--rootfs", at, "--bind", "/etc/passwd:/bin"], "mount on this path: /bin: .*(EISDIR)", "on a file"),
            (&["--rootfs", at, "--tmpfs", "/file/a"], "mount point: /file/a: .*(ENOTDIR)", "no directory"),
            (
                &["--rootfs", at, "--tmpfs", "/dangling"],
                "mount point: /dangling: .*(ENOENT)",
                "leads nowhere inside",
            ),
            (&["--rootfs", at, "--dev", "/loop"], "mount point: /loop: .*(ELOOP)", "in a circle"),
            (&["--rootfs", at, "--tmpfs", "/proc/1/root/a"], "mount point: .*(ELOOP)", "magic link"),
            (
                &["--rootfs", at, "--proc-at", "/file"],
                "mount on this path: /file: .*(ENOTDIR)",
                "a directory goes on",
            ),
        ];
        for (options, message, hint) in table {
            let ended = run(&mut place.pidone(options, &["true"]));
            let (before, after) = message.split_once(".*").unwrap();
            ended.exits(125).says(&[before, after], Some(hint));
        }
    }
}

#[test]
fn a_link_to_the_root_is_no_place_to_mount_on() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let root = rootfs("self");
        symlink("/", root.join("top")).unwrap();
        let at = root.to_str().unwrap();
        let bind = format!("{at}:/twice");
        for options in [["--mask", "/top"], ["--bind", "/usr:/top"], ["--tmpfs", "/top"]] {
            let ended = run(&mut place.pidone(&[&["--rootfs", at], &options[..]].concat(), &["true"]));
            ended.exits(125).says(&["mount on this path: /top: ", "(EBUSY)"], Some("leads to the root directory"));
        }
        // The same directory, mounted elsewhere inside, is another place.
        let twice = ["--bind", &bind, "--mask", "/twice"];
        run(&mut in_root(place, &root, &twice, "ls /twice; ls /bin/sh")).exits(0).silently();
    }
}

#[test]
fn links_in_the_new_root_do_not_lead_out_of_it() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        let (root, outside) = (rootfs("links"), scratch("prey"));
        let at = outside.display().to_string();
        // Absolute to a directory that is there outside; relative, far above; and through each other.
        for (name, to) in [("absolute", at.as_str()), ("above", "../../../../../../.."), ("both", "above/absolute")]
        {
            symlink(to, root.join(name)).unwrap();
        }
        std::fs::create_dir_all(root.join(at.trim_start_matches('/'))).unwrap();
        std::fs::set_permissions(root.join(at.trim_start_matches('/')), PermissionsExt::from_mode(0o777)).unwrap();
        for target in ["/absolute/new", "/above/new", "/both/new", "/../../new", "/absolute/../../../../../new"] {
            let script = "ls / | grep -c usr";
            let ended =
                run(&mut in_root(place, &root, &["--tmpfs", target, "--bind", &format!("/usr:{target}")], script));
            ended.exits(1);
            assert!(ended.stdout.ends_with("0\n"), "{target}: {ended:#?}");
        }
        // In the new root these places were made; outside nothing was.
        assert!(root.join("new").is_dir() && root.join(at.trim_start_matches('/')).join("new").is_dir());
        assert!(!outside.join("new").exists() && !std::path::Path::new("/new").exists());
        // A masked link is what it leads to inside.
        symlink("/etc/hostname", root.join("named")).unwrap();
        let ended = run(&mut in_root(place, &root, &["--mask", "/named"], "true"));
        ended.exits(125).says(&["cannot find what is to be masked: /named"], Some("only what is there"));
        // And one at /proc takes procfs to where it leads, inside.
        symlink("bin/../p", root.join("proc2")).unwrap();
        std::fs::create_dir(root.join("p")).unwrap();
        let ended = run(&mut in_root(place, &root, &["--proc-at", "/proc2"], "ls -d /p/1"));
        assert_eq!(ended.exits(0).stdout, "/p/1\n");
    }
}

#[test]
fn a_user_that_may_not_make_the_place_hears_so() {
    if !privilege::privileged() || !privilege::user_namespaces() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("others");
    std::fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).unwrap();
    let run_it = |options: &[&str]| run(&mut in_root(crate::support::Place::MapRoot, &root, options, "true"));
    run_it(&[]).exits(125).says(&["cannot make the mount point: /proc:", "(EACCES)"], Some("make it beforehand"));
    run_it(&["--proc", "none"]).exits(0).silently();
    std::fs::set_permissions(&root, PermissionsExt::from_mode(0o700)).unwrap();
    run_it(&["--proc", "none", "--bind", "/etc:/bin"]).exits(125);
}

/// Each call that fails, with what is said.
#[test]
fn calls_that_the_kernel_or_a_filter_refuses_are_named() {
    if !privilege::privileged() || !privilege::has("strace") || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("refused");
    let at = root.display();
    let table = [
        ("open_tree", "ENOSYS", "", "cannot mount the new root directory", "Linux 5.2 (open_tree, move_mount)"),
        ("move_mount", "ENOSYS", "", "cannot mount the new root directory", "seccomp=unconfined"),
        ("fsopen", "ENOSYS", "", "cannot mount a fresh /proc: /proc", "Linux 5.2 (fsopen)"),
        ("fsopen", "ENOSYS", "--proc none --tmpfs /a", "cannot make a tmpfs: /a", "Linux 5.2 (fsopen)"),
        ("openat2", "ENOSYS", "", "cannot make the mount point: /proc", "Linux 5.6 (openat2)"),
        ("openat2", "ENOSYS", "--proc none --mask /bin", "to be masked: /bin", "Linux 5.6 (openat2)"),
        (
            "mount_setattr",
            "ENOSYS",
            "--read-only",
            "cannot make the root read-only: /",
            "Linux 5.12 (mount_setattr)",
        ),
        ("mount_setattr", "ENOSYS", "--ro-bind /etc:/a", "the mount read-only: /etc", "Linux 5.12 (mount_setattr)"),
        ("open_tree", "EPERM", "", "cannot mount the new root directory", "seccomp filter or security module"),
        ("open_tree", "EPERM", "--map-root", "cannot mount the new root directory", "a user namespace may not"),
        ("open_tree", "EINVAL", "--bind /etc:/a", "to be mounted inside: /etc", "unbindable"),
        ("mount_setattr", "EPERM", "--map-root --read-only", "the root read-only", "are locked"),
        ("pivot_root", "EINVAL", "", "cannot switch to the new root directory", "switch_root(8)"),
        ("symlinkat", "ENOSPC", "--dev /dev", "link in the new /dev: /dev/fd", "file system is full"),
        ("fsmount", "EPERM", "", "cannot mount a fresh /proc: /proc", "--proc bind"),
    ];
    for (call, errno, options, message, hint) in table {
        // Only the first use by the process inside counts: the one outside makes none of these calls.
        let script = format!(
            "exec strace -f -o /dev/null --inject={call}:error={errno} $PIDONE --rootfs {at} {options} -- true"
        );
        run(&mut shell(&script)).exits(125).says(&[message, &format!("({errno})")], Some(hint));
    }
}

#[test]
fn a_failure_half_way_leaves_nothing_mounted_where_everything_is_shared() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let _mounts = Mounts::watch();
    let root = rootfs("half-way");
    let at = root.display();
    let all = "--dev /dev --tmpfs /tmp --ro-bind /etc:/etc --read-only";
    let runs = [
        format!("--rootfs {at} {all}"),
        format!("--as-pid1 --rootfs {at} {all}"),
        format!("--map-root --rootfs {at} {all}"),
        format!("--propagation slave --rootfs {at} {all}"),
        format!("--rootfs {at} {all} --mask /no"),
        format!("--as-pid1 --rootfs {at} {all} --mask /no"),
        format!("--map-root --rootfs {at} {all} --mask /no"),
        format!("--propagation slave --rootfs {at} {all} --mask /no"),
        "--tmpfs /tmp --dev /dev".into(),
        "--propagation slave --tmpfs /tmp --dev /dev --mask /no".into(),
        "--map-root --tmpfs /tmp --mask /no".into(),
    ];
    for options in runs {
        let status = if options.ends_with("/no") { 125 } else { 0 };
        let script = format!(
            "cat /proc/self/mountinfo >{at}/before; $PIDONE {options} -- busybox true 2>/dev/null; echo $?
            cat /proc/self/mountinfo >{at}/after; cmp {at}/before {at}/after && ls /dev/null"
        );
        let mut command = Command::new("unshare");
        command.args(["-m", "--propagation", "shared", "sh", "-c", &script]).env("PIDONE", binary());
        assert_eq!(run(&mut command).stdout, format!("{status}\n/dev/null\n"), "{options}");
    }
}

#[test]
fn two_at_once_may_make_the_same_place() {
    let _mounts = Mounts::watch();
    for place in furnished() {
        for _ in 0..crate::support::rounds(5) {
            let root = rootfs("both");
            let command =
                || in_root(place, &root, &["--tmpfs", "/a/b/c/d", "--bind", "/etc/passwd:/e/f/g"], "true");
            let [one, two] = [(), ()].map(|()| crate::support::Running::start(&mut command()));
            one.end().exits(0).silently();
            two.end().exits(0).silently();
        }
    }
}
