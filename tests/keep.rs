//! Namespaces kept as files: `--persist`, `release`, and that nothing else is kept or released.

use crate::support::{Place, binary, pidone, privilege, run, scratch};
use std::path::Path;
use std::process::Command;

/// How many mounts there are at and below `path`.
fn mounts_below(path: &Path) -> usize {
    let mountinfo = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    mountinfo.lines().filter(|line| line.contains(&path.display().to_string())).count()
}

#[test]
fn namespaces_are_kept_and_entered_when_all_inside_has_ended() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("persist-kept").join("here");
    let path = directory.display().to_string();
    for place in [Place::Isolated, Place::Bare] {
        let options =
            ["--persist", &path, "--uts", "--net", "--time", "--hostname", "kept", "--boottime", "500000000"];
        run(&mut place.pidone(&options, &["true"])).exits(0).silently();
        let mut names: Vec<_> =
            std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["mnt", "net", "pid", "time", "uts"], "{place:?}");
        let script = "uname -n; cut -c 1-3 /proc/uptime; tail -n +3 /proc/net/dev | wc -l";
        let ended = run(&mut pidone(["enter", &path, "--only", "uts,net,time", "--", "sh", "-c", script]));
        assert_eq!(ended.exits(0).silently().stdout, "kept\n500\n1\n", "{place:?}");
        // A PID namespace without its init takes nobody in.
        run(&mut pidone(["enter", &path, "--", "true"]))
            .exits(125)
            .says(&["cannot start a process", "PID namespace", "ENOMEM"], Some("init has ended"));
        run(&mut place.pidone(&["--persist", &path], &["true"])).exits(125).says(&["EEXIST"], Some("release"));
        run(&mut pidone(["release", &path])).exits(0).silently();
        assert!(!directory.exists() && mounts_below(&directory) == 0, "{place:?}");
    }
}

#[test]
fn nothing_is_kept_where_nothing_ran_and_nothing_is_released_that_was_not_kept() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("persist-unkept");
    let path = directory.join("here").display().to_string();
    run(&mut pidone(["--persist", &path, "--", "/nonexistent"])).exits(127);
    run(&mut pidone(["--persist", &path, "--monotonic=-999999999", "--", "true"])).exits(125);
    assert!(!Path::new(&path).exists() && mounts_below(&directory) == 0);
    let mut command = pidone(["--map-root", "--persist", &path, "--", "true"]);
    run(privilege::as_nobody(&mut command))
        .exits(125)
        .says(&["cannot keep a namespace", "EPERM"], Some("CAP_SYS_ADMIN"));
    assert!(!Path::new(&path).exists());
    run(&mut pidone(["--in-place", "--persist", &path, "--", "true"]))
        .exits(125)
        .says(&["--persist"], Some("--isolate"));
    run(&mut pidone(["release", &path])).exits(125).says(&["ENOENT"], Some("--persist"));
    std::fs::write(directory.join("uts"), "mine").unwrap();
    run(&mut pidone(["release", &directory.display().to_string()])).exits(125).says(&["ENOENT"], Some("--persist"));
    assert!(directory.join("uts").exists(), "a file that is no mount is not ours");
}

#[test]
fn what_a_killed_keeper_left_is_released() {
    if !privilege::privileged() || !privilege::has("strace") {
        return;
    }
    let directory = scratch("persist-killed").join("a b");
    let path = directory.display().to_string();
    let traced = |inject: &str, arguments: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["-qq", "-o", "/dev/null", inject]).arg(binary()).args(arguments);
        run(&mut command)
    };
    let persist = ["--persist", &path, "--uts", "--", "true"];
    // Before there is anything to keep; with the first file made; and with the second.
    for call in ["clone:signal=KILL:when=1", "mount:signal=KILL:when=3", "mount:signal=KILL:when=4"] {
        traced(&format!("--inject={call}"), &persist);
        assert!(directory.exists(), "{call}");
        run(&mut pidone(["release", &path])).exits(0).silently();
        assert!(!directory.exists(), "{call}");
    }
    // Once more on top of what is left.
    traced("--inject=clone:signal=KILL:when=1", &persist);
    run(&mut pidone(persist)).exits(0).silently();
    traced("--inject=unlink:error=EIO:when=2", &["release", &path]).exits(125).says(&["EIO"], None);
    traced("--inject=ioctl:error=EIO:when=1", &["release", &path]).exits(125).says(&["EIO"], None);
    run(&mut pidone(["release", &path])).exits(0).silently();
    assert!(!directory.exists() && mounts_below(&directory) == 0);
    traced("--inject=mount:error=EINVAL:when=3", &persist).exits(125).says(&["EINVAL"], Some("try again"));
    assert!(!directory.exists());
}

#[test]
fn what_is_not_pidones_is_neither_removed_nor_unmounted() {
    if !privilege::privileged() {
        return;
    }
    let directory = scratch("persist-not-ours");
    let path = |name: &str| directory.join(name).display().to_string();
    std::fs::write(directory.join("file"), "precious").unwrap();
    std::os::unix::fs::symlink("file", directory.join("link")).unwrap();
    for name in ["file", "link"] {
        run(&mut pidone(["--persist", &path(name), "--", "true"]))
            .exits(125)
            .says(&["cannot keep a namespace", "ENOTDIR"], Some("a directory"));
        assert_eq!(std::fs::read_to_string(directory.join(name)).unwrap(), "precious");
    }
    // In a mount namespace of its own, whatever comes of it.
    let script = format!(
        "cd {}; mkdir victim evil x x/net; mount -t tmpfs victim victim; ln -s ../victim evil/pid
         mount -t tmpfs x x/net; $PIDONE release ./evil; $PIDONE release ./x; grep -c persist-not-ours.*tmpfs /proc/self/mountinfo",
        directory.display()
    );
    let mut shell = Command::new("unshare");
    shell.args(["-m", "sh", "-c", &script]).env("PIDONE", binary());
    assert_eq!(run(&mut shell).stdout.trim_end(), "2");
    assert!(directory.join("evil/pid").is_symlink());
    // The second of the two calls that make the directory ready fails.
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "inject=mount:error=EPERM:when=2"]);
    command.arg(binary()).args(["--persist", &path("here"), "--", "true"]);
    run(&mut command).exits(125).says(&["cannot keep a namespace", "EPERM"], Some("CAP_SYS_ADMIN"));
    assert!(!directory.join("here").exists() && mounts_below(&directory) == 0);
}
