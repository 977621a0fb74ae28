//! Runs in: outer, or init in place. Writes the id maps of a child's new user namespace, user_namespaces(7).

use super::{IdMap, IdMaps};
use crate::environment::{Environment, inherited_value};
use crate::error::{Failure, Stage, UsageError};
use crate::exit::Outcome;
use crate::files;
use crate::path;
use crate::sys::{self, PointerArray};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{AccessFlags, Pid, access};
use std::ffi::{OsStr, c_int};

/// Maps users and groups into the user namespace of `child`.
///
/// # Errors
/// EPERM, EACCES: a security module forbids it. ENOENT: /proc is missing, or is that of another PID namespace; or there is
/// no newuidmap or newgidmap.
pub(crate) fn write(child: Pid, maps: &IdMaps) -> Result<(), Failure> {
    let failure = |(path, errno): (String, Errno)| Failure::new(Stage::MapIds, path, errno);
    write_groups(child, &maps.groups).map_err(failure)?;
    if maps.users.needs_helper {
        return run_helper(USER_HELPER, child, &maps.users).map_err(failure);
    }
    write_file(child, "uid_map", &maps.users.lines()).map_err(failure)
}

fn write_groups(child: Pid, map: &IdMap) -> Result<(), (String, Errno)> {
    if map.needs_helper {
        return run_helper(GROUP_HELPER, child, map);
    }
    match write_file(child, "gid_map", &map.lines()) {
        // Without CAP_SETGID outside, the kernel first wants setgroups(2) given up inside: dropping a group could
        // open what the group is denied.
        Err((_, Errno::EPERM)) => {
            write_file(child, "setgroups", "deny")?;
            write_file(child, "gid_map", &map.lines())
        }
        done => done,
    }
}

/// Of the package uidmap; setuid root, or with the capabilities in question.
pub(super) const USER_HELPER: &str = "newuidmap";
pub(super) const GROUP_HELPER: &str = "newgidmap";

/// Looks for a helper before there is anybody to map ids for.
///
/// # Errors
/// There is none that could be run, or it would have no rights.
pub(super) fn expect_helper(name: &str) -> Result<(), UsageError> {
    const ALONE: &str = "or map yourself alone: --map-root, --map-current";
    let candidates = path::candidates(OsStr::new(name), inherited_value("PATH"));
    if !candidates.iter().any(|candidate| access(*candidate, AccessFlags::X_OK).is_ok()) {
        let message = format!("these ids are mapped by {name}, and PATH has none that is executable");
        return Err(UsageError::with_hint(
            message,
            format!("install it (Debian: apt-get install uidmap), {ALONE}"),
        ));
    }
    // An error means that this kernel has no such thing.
    if prctl::get_no_new_privs() == Ok(true) {
        let message = format!("these ids are mapped by {name}, which gets no rights for that: no_new_privs is set");
        let hint = format!("docker: without --security-opt no-new-privileges; {ALONE}");
        return Err(UsageError::with_hint(message, hint));
    }
    Ok(())
}

/// A map must arrive in a single write(2).
fn write_file(child: Pid, name: &str, content: &str) -> Result<(), (String, Errno)> {
    let path = format!("/proc/{child}/{name}");
    files::write(format_args!("{path}"), content).map_err(|errno| (path, errno))
}

/// newuidmap(1) or newgidmap(1): `NAME PID INSIDE OUTSIDE COUNT…`. It says on stderr what it does not like.
fn run_helper(name: &'static str, child: Pid, map: &IdMap) -> Result<(), (String, Errno)> {
    let failure = |errno| (name.to_owned(), errno);
    let line = format!("{name} {child} {}", map.lines());
    let mut argv = Vec::new();
    for word in line.split_ascii_whitespace() {
        // Words of our own making hold no NUL.
        argv.extend(sys::kept(word.as_bytes()));
    }
    let argv = PointerArray::of(&argv);
    let env = Environment::inherited().into_array();
    let candidates = path::candidates(OsStr::new(name), inherited_value("PATH"));
    let mut refused = Errno::ENOENT;
    let spawned = sys::spawn_sharing_memory(&mut || -> c_int {
        for candidate in &candidates {
            match sys::execve(candidate, &argv, &env) {
                Errno::ENOENT | Errno::ENOTDIR => {}
                errno => refused = errno,
            }
        }
        NOT_RUN
    });
    let status = sys::wait_for(spawned.map_err(failure)?);
    match Outcome::from_wait(status) {
        Outcome::Exited(0) => Ok(()),
        Outcome::Exited(code) if c_int::from(code) == NOT_RUN => Err(failure(refused)),
        Outcome::Exited(_) | Outcome::Killed(_) => Err(failure(Errno::EPERM)),
    }
}

/// What no helper exits with.
const NOT_RUN: c_int = 127;
