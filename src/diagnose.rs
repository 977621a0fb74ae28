//! Runs in: outer, or init in place, when a start has failed. Looks at the machine to say what to do about it.

mod advice;
mod creating;

use crate::error::{Failure, Stage};
use crate::files;
use crate::namespace::{Kind, Kinds};
use crate::packed::{Packed, packed};
use crate::path::DEFAULT_PATH;
use crate::plan::LaunchPlan;
use nix::errno::Errno;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// One line that says what to do.
pub(crate) type Advice = Cow<'static, str>;

impl From<Packed> for Advice {
    fn from(packed: Packed) -> Self {
        Advice::Owned(packed.into())
    }
}

/// What bears on an advice, beside the failure.
pub(crate) struct Circumstances {
    /// The namespaces that were to be made.
    pub(crate) kinds: Kinds,
    /// The PATH that the command was looked for in.
    pub(crate) path: Option<&'static OsStr>,
    /// It was to have another root directory.
    pub(crate) other_root: bool,
}

impl Circumstances {
    /// Those of a start by this plan.
    pub(crate) fn of(plan: &LaunchPlan) -> Self {
        Circumstances {
            kinds: plan.namespaces.kinds,
            path: plan.workload.as_ref().and_then(|workload| workload.path),
            other_root: plan.namespaces.furnishing.rootfs.is_some(),
        }
    }
}

/// One line of advice, if there is any to give. Reads /proc and /sys; changes nothing.
pub(crate) fn hint(failure: &Failure, circumstances: &Circumstances) -> Option<Advice> {
    let (stage, errno, namespaces) = (failure.stage, failure.errno, circumstances.kinds);
    let in_user = namespaces.has(Kind::User);
    match (stage, errno) {
        (Stage::CloneNamespaces | Stage::StartProcess, Errno::EAGAIN) => return Some(process_limit()),
        (Stage::CloneNamespaces, errno) if errno != Errno::ENOMEM => return creating::not_made(errno, namespaces),
        (Stage::MapIds, _) => return creating::not_mapped(failure, namespaces),
        (Stage::SetPropagation, Errno::EPERM | Errno::EACCES) if in_user => {
            return Some(creating::user_namespace_refused(namespaces));
        }
        (Stage::FindCommand, _) => return not_found(&failure.object, circumstances),
        (_, Errno::ENOSYS) => {
            if let Some(needed) = needed(stage) {
                let filter = "or a seccomp filter that knows the call (docker: --security-opt seccomp=unconfined)";
                return Some(format!("this takes {needed}, {filter}").into());
            }
        }
        (Stage::MountProc, Errno::EPERM) => return Some(proc_refused(namespaces)),
        (Stage::ChangeDirectory, Errno::ENOENT) if circumstances.other_root => {
            return Some(LOOKED_FOR_INSIDE.into());
        }
        // What stands at that path out here says nothing about another root.
        (Stage::RunCommand, Errno::EACCES) if !circumstances.other_root && is_directory(&failure.object) => {
            return Some("it is a directory".into());
        }
        _ => {}
    }
    advice::look_up(stage, errno, in_user)
}

const LOOKED_FOR_INSIDE: Packed = packed!("it is looked for inside, in the root directory that the command gets");

/// The kernel that first had what a stage calls.
fn needed(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::MountRoot | Stage::TakeSource | Stage::MountThere | Stage::BindProc => {
            Some("Linux 5.2 (open_tree, move_mount)")
        }
        Stage::MakeTmpfs | Stage::MakeDevpts | Stage::MountProc => Some("Linux 5.2 (fsopen)"),
        Stage::MakeTarget | Stage::FindMasked => Some("Linux 5.6 (openat2)"),
        Stage::MakeReadOnly | Stage::MakeRootReadOnly => Some("Linux 5.12 (mount_setattr)"),
        _ => None,
    }
}

fn is_directory(path: &OsStr) -> bool {
    path.as_bytes().starts_with(b"/") && files::stat(path).is_ok_and(|stat| files::is_directory(&stat))
}

/// The kernel refuses a fresh /proc that would show what is hidden in the old one ("mount too revealing"). The new
/// mount namespace is a copy of ours, so the masks can be read here.
fn proc_refused(namespaces: Kinds) -> Advice {
    if namespaces.has(Kind::User) && !namespaces.has(Kind::Pid) {
        return packed!(
            "the new user namespace does not own this PID namespace: use --proc bind, or leave out --in-place"
        )
        .into();
    }
    let mounts = files::read(format_args!("/proc/self/mountinfo")).unwrap_or_default();
    let masked = masks_below_proc(&mounts);
    if masked.is_empty() {
        let advice = packed!(
            "a seccomp filter or security module may forbid it; --proc bind uses the caller's /proc, --proc none leaves it"
        );
        return advice.into();
    }
    format!(
        "parts of /proc are masked, so the kernel allows no fresh one ({}). Unmask: {UNMASK}; or use --proc bind",
        masked.join(", ")
    )
    .into()
}

/// By which flag each engine leaves /proc unmasked.
pub(crate) const UNMASK: &str = "docker --security-opt systempaths=unconfined, podman --security-opt unmask=ALL, Kubernetes \
                                 procMount: Unmasked";

/// The mount points below /proc, from the text of proc_pid_mountinfo(5): the fifth field of each line. Not those that
/// stand on directories which are empty by design: they hide nothing, and the kernel lets them be.
pub(crate) fn masks_below_proc(mountinfo: &[u8]) -> Vec<String> {
    let mut masked = Vec::new();
    for line in mountinfo.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ');
        let (Some(point), Some(_), Some(kind)) =
            (fields.nth(4), fields.find(|field| *field == b"-"), fields.next())
        else {
            continue;
        };
        let hides = point.starts_with(b"/proc/") && kind != b"binfmt_misc" && kind != b"autofs";
        let point = String::from_utf8_lossy(point);
        if hides && !masked.iter().any(|known| *known == point) {
            masked.push(point.into_owned());
        }
    }
    masked
}

/// Which limit a failing fork ran into: that of the cgroup, or that of the user.
fn process_limit() -> Advice {
    if let Some((directory, limit)) = full_pids_cgroup() {
        return format!(
            "the cgroup's limit on processes, {limit}, is reached ({directory}/pids.max): raise it; docker: --pids-limit, \
             Kubernetes: podPidsLimit"
        )
        .into();
    }
    packed!("a limit on processes is reached: see ulimit -u, kernel.pid_max, kernel.threads-max").into()
}

/// The nearest cgroup above this process whose `pids.max` is used up, cgroups(7). An init that could not start the
/// workload is gone by now: it and the workload count as well.
fn full_pids_cgroup() -> Option<(String, u64)> {
    let cgroups = files::text(format_args!("/proc/self/cgroup"))?;
    let (root, path) = cgroups.lines().find_map(pids_cgroup)?;
    // Inside a container the path may be the host's: then the mount's own root is the container's cgroup.
    let mut level = [root, "/", path.trim_matches('/')].concat().trim_end_matches('/').to_owned();
    loop {
        let number = |name: &str| files::number(format_args!("{level}/{name}"));
        if let (Some(limit), Some(current)) = (number("pids.max"), number("pids.current"))
            && current.saturating_add(2) >= limit
        {
            return Some((level, limit));
        }
        let above = level.as_bytes().iter().rposition(|byte| *byte == b'/').filter(|above| *above >= root.len())?;
        level.truncate(above);
    }
}

/// From a line of /proc/self/cgroup, where the pids controller is: mount and path. Version 1 has a hierarchy named
/// for it; version 2 has one for all (`0::`).
fn pids_cgroup(line: &str) -> Option<(&'static str, &str)> {
    let mut fields = line.splitn(3, ':');
    let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    if controllers.split(',').any(|controller| controller == "pids") {
        return Some(("/sys/fs/cgroup/pids", path));
    }
    (id == "0" && files::exists(format_args!("/sys/fs/cgroup/cgroup.controllers")))
        .then_some(("/sys/fs/cgroup", path))
}

fn not_found(command: &OsStr, circumstances: &Circumstances) -> Option<Advice> {
    let other_root = circumstances.other_root;
    let bytes = command.as_bytes();
    if bytes.is_empty() {
        return Some(packed!("the command is an empty word; a variable that is not set?").into());
    }
    if bytes.contains(&b' ') {
        return Some(
            packed!("the command is one word, and no shell splits it: give its arguments apart, or use sh -c")
                .into(),
        );
    }
    let inside = if other_root { " (inside, in the root directory that it gets)" } else { "" };
    if bytes.starts_with(b"/") {
        return other_root.then(|| LOOKED_FOR_INSIDE.into());
    }
    if bytes.contains(&b'/') {
        return Some(packed!("a path without a leading / begins in the working directory").into());
    }
    match circumstances.path {
        Some(path) => Some(format!("looked in PATH={}{inside}", path.display()).into()),
        None => Some(format!("PATH is not set, so it was looked for in {DEFAULT_PATH}{inside}").into()),
    }
}

/// A number from /proc/sys.
fn sysctl(name: &str) -> Option<u64> {
    files::number(format_args!("/proc/sys/{name}"))
}

/// A field of /proc/self/status.
fn status_field(name: &str) -> Option<String> {
    let status = files::text(format_args!("/proc/self/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim_matches(['\t', ' ']).to_owned())
}

#[cfg(test)]
#[path = "fuzz/diagnose.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_the_mounts_below_proc() {
        let mountinfo = b"22 1 0:21 / /proc rw - proc proc rw\n\
            30 22 0:5 /null /proc/kcore rw - devtmpfs x rw\n\
            31 22 0:50 / /proc/acpi ro - tmpfs tmpfs ro\n\
            32 22 0:50 / /proc/acpi ro - tmpfs tmpfs ro\n\
            34 22 0:52 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw\n\
            35 22 0:53 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n\
            33 1 0:51 / /process rw - tmpfs tmpfs rw\n";
        assert_eq!(masks_below_proc(mountinfo), ["/proc/kcore", "/proc/acpi"]);
        assert!(masks_below_proc(b"garbage\n\n").is_empty());
    }

    #[test]
    fn the_pids_controller_is_found_in_version_1() {
        let found = pids_cgroup("8:pids:/docker/abc");
        assert_eq!(found, Some(("/sys/fs/cgroup/pids", "/docker/abc")));
        assert_eq!(pids_cgroup("9:cpu,cpuacct:/"), None);
        assert_eq!(pids_cgroup("garbage"), None);
    }
}
