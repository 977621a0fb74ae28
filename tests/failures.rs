//! When a start fails: one message with object and errno, at most one hint, the right status, and nothing left.

use crate::support::{Place, binary, pidone, play, privilege, procfs, run, scratch, shell, sys};
use nix::sys::resource::Resource;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A file with this content and mode.
fn file(name: &str, content: &str, mode: u32) -> String {
    let path = scratch(name).join("command");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

/// A script in a mount namespace of its own.
fn in_own_mounts(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).env("PIDONE", binary());
    command
}

const AS_NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

#[test]
fn a_command_that_is_not_there_is_127() {
    for place in Place::all() {
        let ended = run(place.pidone(&[], &["nosuch"]).env("PATH", "/bin:/nonexistent"));
        ended.exits(127).says(&["cannot find the command: nosuch:", "(ENOENT)"], Some("PATH=/bin:/nonexistent"));
        run(&mut place.pidone(&[], &["/no/such"])).exits(127).says(&["/no/such", "(ENOENT)"], None);
        run(&mut place.pidone(&[], &[""])).exits(127).says(&["cannot find the command"], Some("an empty word"));
        run(&mut place.pidone(&[], &["./no/such"])).exits(127).says(&["./no/such"], Some("working directory"));
        run(&mut place.pidone(&[], &["sh -c true"])).exits(127).says(&["sh -c true"], Some("no shell splits it"));
    }
}

#[test]
fn a_directory_of_path_that_may_not_be_searched_is_not_a_command_that_may_not_be_run() {
    let closed = scratch("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = Place::Subreaper.pidone(&[], &["nosuch"]);
    run(command.env("PATH", format!("{}:/bin", closed.display()))).exits(127);
    let mut command = Place::Subreaper.pidone(&[], &["true"]);
    run(command.env("PATH", format!("{}:/bin", closed.display()))).exits(0).silently();
    let mut command = Place::Subreaper.pidone(&[], &["true"]);
    run(command.env("PATH", format!("/{}:/bin", "x".repeat(5000)))).exits(0).silently();
    // Or it could not be removed.
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_command_that_is_there_and_does_not_run_is_126() {
    let text = file("text", "#!/bin/sh\n", 0o644);
    let garbage = file("garbage", "neither a script nor a program", 0o755);
    let orphan = file("interpreter", "#!/no/such/interpreter\n", 0o755);
    for place in Place::all() {
        let says = |command: &str, errno: &str, hint: &str| {
            let ended = run(&mut place.pidone(&[], &[command]));
            ended.exits(126).says(&["cannot run the command", command, errno], Some(hint));
        };
        says(&text, "(EACCES)", "chmod +x");
        says("/tmp", "(EACCES)", "it is a directory");
        says(&garbage, "(ENOEXEC)", "no #! line");
        says(&orphan, "(ENOENT)", "interpreter");
    }
}

#[test]
fn no_privilege_names_the_ways_out() {
    if !privilege::privileged() {
        return;
    }
    for options in [&[][..], &["--as-pid1"]] {
        let mut command = pidone(options);
        let ended = run(privilege::as_nobody(command.args(["--", "true"])));
        ended.exits(125).says(&["cannot create the new namespaces: pid, mnt:", "(EPERM)"], Some("--map-root"));
        assert!(ended.stderr.contains("--in-place"), "{ended:#?}");
    }
}

#[test]
fn user_namespaces_switched_off_are_named() {
    if !privilege::privileged() {
        return;
    }
    for kind in ["user", "pid", "mnt"] {
        // The limit is set in a user namespace of the test's own, so that the machine's is left alone.
        let script = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces; exec $PIDONE --map-root -- true");
        let mut command = Command::new("unshare");
        command.args(["-U", "-r", "sh", "-c", &script]).env("PIDONE", binary());
        let hint = format!("user.max_{kind}_namespaces is 0");
        run(&mut command).exits(125).says(&["user, pid, mnt", "(ENOSPC)"], Some(&hint));
    }
}

#[test]
fn a_root_without_capabilities_hears_which_one_it_would_take() {
    if !privilege::privileged() {
        return;
    }
    let run_without = |options: &str| {
        run(&mut shell(&format!("exec setpriv --bounding-set=-all --inh-caps=-all $PIDONE {options} -- true")))
    };
    run_without("--map-root").exits(125).says(&["cannot map user and group ids", "(EPERM)"], Some("CAP_SETFCAP"));
    run_without("").exits(125).says(&["cannot create the new namespaces", "(EPERM)"], Some("--in-place"));
    run_without("--in-place").exits(0).silently();
}

#[test]
fn b46_a_masked_proc_is_named_with_the_flags_that_unmask_it() {
    if !privilege::privileged() || !privilege::user_namespaces() {
        return;
    }
    let masked = |options: &str| {
        // The last of them masks nothing, and is there on every machine with systemd.
        let masks = "mount -t tmpfs none /proc/fs; mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null; mount --bind /dev/null /proc/version";
        run(&mut in_own_mounts(&format!("{masks}; exec {AS_NOBODY} $PIDONE --map-root {options} -- true")))
    };
    let ended = masked("");
    ended.exits(125).says(&["cannot mount a fresh /proc: /proc:", "(EPERM)"], Some("(/proc/fs, /proc/version)"));
    for flag in ["systempaths=unconfined", "unmask=ALL", "procMount: Unmasked", "--proc bind"] {
        assert!(ended.stderr.contains(flag), "{ended:#?}");
    }
    masked("--as-pid1").exits(125).says(&["cannot mount a fresh /proc"], Some("/proc/version"));
    masked("--proc bind").exits(0).silently();
    masked("--proc none").exits(0).silently();
}

#[test]
fn a_root_without_proc_or_without_a_mount_is_explained() {
    if !privilege::privileged() || !privilege::has("busybox") {
        return;
    }
    let root = scratch("root");
    let make = format!(
        "cd {0} && mkdir -p bin dev && cp $PIDONE bin/pidone && cp $(command -v busybox) bin/busybox",
        root.display()
    );
    run(&mut shell(&make)).exits(0);
    let ended = run(&mut shell(&format!("exec chroot {} /bin/pidone -- /bin/busybox true", root.display())));
    ended.exits(125).says(&["cannot set the mount propagation: / (private):", "(EINVAL)"], Some("no mount point"));
    let script =
        format!("mount --bind {0} {0} && exec chroot {0} /bin/pidone -- /bin/busybox true", root.display());
    let ended = run(&mut in_own_mounts(&script));
    ended.exits(125).says(&["cannot mount a fresh /proc: /proc:", "(ENOENT)"], Some("--proc none"));
    let script = format!(
        "mount --bind {0} {0} && exec chroot {0} /bin/pidone --proc none -- /bin/busybox true",
        root.display()
    );
    run(&mut in_own_mounts(&script)).exits(0).silently();
}

#[test]
fn the_pids_limit_of_a_cgroup_is_named() {
    let Some(cgroup) = PidsCgroup::new() else { return };
    for (place, limit) in [("--in-place", 1), ("--isolate", 1), ("--isolate", 2), ("--as-pid1", 1)] {
        // The shell is the one process; pidone takes its place.
        let script = format!(
            "echo $$ > {0}/cgroup.procs; echo {limit} > {0}/pids.max; exec $PIDONE {place} -- true",
            cgroup.path.display()
        );
        let ended = run(&mut shell(&script));
        let hint = format!("limit on processes, {limit}, is reached ({}/pids.max)", cgroup.path.display());
        ended.exits(125).says(&["(EAGAIN)"], Some(&hint));
    }
}

/// A cgroup with the pids controller, removed with its value.
struct PidsCgroup {
    path: std::path::PathBuf,
}

impl PidsCgroup {
    fn new() -> Option<Self> {
        let parent = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]
            .into_iter()
            .find(|parent| std::path::Path::new(parent).join("cgroup.procs").exists())?;
        let path = std::path::Path::new(parent).join(format!("pidone-test-{}", std::process::id()));
        std::fs::create_dir(&path).ok().filter(|()| privilege::privileged())?;
        Some(PidsCgroup { path })
    }
}

impl Drop for PidsCgroup {
    fn drop(&mut self) {
        crate::support::eventually("the cgroup is empty and removed", || std::fs::remove_dir(&self.path).ok());
    }
}

#[test]
fn no_descriptor_left_is_told_as_such() {
    if !privilege::privileged() {
        return;
    }
    let mut command = pidone(["--", "true"]);
    sys::before_exec(&mut command, || sys::limit(Resource::RLIMIT_NOFILE, 3, 3));
    run(&mut command).exits(125).says(&["cannot make a pipe to init", "(EMFILE)"], None);
}

#[test]
fn a_name_in_a_message_cannot_start_a_line_of_its_own() {
    let ended = run(&mut Place::Subreaper.pidone(&[], &["/no\npidone:well\x1b[2J"]));
    ended.exits(127).says(&["/no\\x0apidone:well\\x1b[2J"], None);
}

#[test]
fn a_failed_start_leaves_no_process_behind() {
    let marker = format!("/nonexistent/{}", std::process::id());
    for place in Place::all() {
        run(&mut place.pidone(&[], &[&marker])).exits(127);
        assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
    }
    // And one that worked leaves none either.
    for place in Place::all() {
        let [player, role] = play("mass-death");
        run(&mut place.pidone(&[], &[player, role, marker.clone()])).exits(7);
        if place != Place::Subreaper {
            assert_eq!(procfs::marked(&marker), [0; 0], "{place:?}");
        }
    }
}
