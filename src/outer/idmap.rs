//! Runs in: outer. Writes the id maps of the child's new user namespace, user_namespaces(7).

use crate::error::{Failure, Stage, errno_of};
use crate::request::IdMap;
use nix::errno::Errno;
use nix::unistd::{Pid, getegid, geteuid};
use std::fs::OpenOptions;
use std::io::Write as _;

/// Maps the caller's uid and gid, and nothing else, into the user namespace of `child`.
///
/// # Errors
/// EPERM, EACCES: a security module forbids it. ENOENT: /proc is missing, or is that of another PID namespace.
pub(super) fn write(child: Pid, map: IdMap) -> Result<(), Failure> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let (inside_uid, inside_gid) = match map {
        IdMap::Root => (0, 0),
        IdMap::Current => (uid, gid),
    };
    let gid_map = format!("{inside_gid} {gid} 1");
    match write_file(child, "gid_map", &gid_map) {
        Ok(()) => {}
        // Without CAP_SETGID outside, the kernel first wants setgroups(2) given up inside: dropping a group could
        // open what the group is denied.
        Err((_, Errno::EPERM)) => {
            write_file(child, "setgroups", "deny").map_err(failure)?;
            write_file(child, "gid_map", &gid_map).map_err(failure)?;
        }
        Err(error) => return Err(failure(error)),
    }
    write_file(child, "uid_map", &format!("{inside_uid} {uid} 1")).map_err(failure)
}

fn failure((path, errno): (String, Errno)) -> Failure {
    Failure::new(Stage::MapIds, path, errno)
}

/// A map must arrive in a single write(2).
fn write_file(child: Pid, name: &str, content: &str) -> Result<(), (String, Errno)> {
    let path = format!("/proc/{child}/{name}");
    let written =
        OpenOptions::new().write(true).open(&path).and_then(|mut file| file.write_all(content.as_bytes()));
    written.map_err(|error| (path, errno_of(&error)))
}
