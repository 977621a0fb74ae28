//! What the tests may do here: probed, and never silently skipped.

use super::sys;
use nix::sched::CloneFlags;
use nix::unistd::geteuid;
use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Mutex;

/// An ordinary user that owns nothing.
pub const NOBODY: u32 = 65534;

/// Whether PID and mount namespaces can be made. A caller that gets `false` returns at once.
pub fn privileged() -> bool {
    granted("PID and mount namespaces", sys::may_unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS))
}

/// Whether an ordinary user can make user namespaces.
pub fn user_namespaces() -> bool {
    granted("user namespaces", sys::may_unshare(CloneFlags::CLONE_NEWUSER))
}

/// Whether a program that a test needs is there.
pub fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    granted(program, if found { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) })
}

/// Whether a file that a test needs is there.
pub fn has_file(path: &str) -> bool {
    granted(path, std::fs::metadata(path).map(drop))
}

/// Whether a program of ours, at this path, can be run by whoever the tests run as, and by an ordinary user.
pub fn can_run(program: &std::path::Path) -> bool {
    let mut line = Command::new("test");
    let tried = as_nobody(line.arg("-x").arg(program)).status();
    let found = tried.is_ok_and(|status| status.success());
    granted(&program.display().to_string(), if found { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) })
}

/// Whether what a probe has tried is to be had; says so, if not.
pub fn granted(what: &str, probe: std::io::Result<()>) -> bool {
    let Err(error) = probe else { return true };
    let required = std::env::var_os("PIDONE_REQUIRE_PRIVILEGE").is_some_and(|value| value == "1");
    assert!(!required, "PIDONE_REQUIRE_PRIVILEGE is set, but {what} cannot be had: {error}");
    static SAID: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    if !SAID.lock().is_ok_and(|mut said| said.insert((test.clone(), what.to_owned()))) {
        return false;
    }
    // Not by eprintln, which the test harness keeps to itself unless the test fails.
    let _ = writeln!(std::io::stderr(), "SKIPPED (part of) {test}: {what} cannot be had: {error}; try as root");
    false
}

/// Makes the command run as an ordinary user, if it is not going to be one anyway.
pub fn as_nobody(command: &mut Command) -> &mut Command {
    if geteuid().is_root() {
        // Without privilege std also drops the supplementary groups.
        command.uid(NOBODY).gid(NOBODY).env_remove("HOME");
    }
    command
}
