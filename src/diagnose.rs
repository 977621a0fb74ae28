//! Runs in: outer, or init in place, when a start has failed. Looks at the machine to say what to do about it.
//!
//! Past 300 lines because each failure has its advice here, and a look at the machine to tell which.

mod creating;
mod entering;
mod files;

use crate::error::{Failure, Stage};
use crate::files as file_system;
use crate::namespace::{Kind, Kinds};
use crate::path::DEFAULT_PATH;
use crate::plan::LaunchPlan;
use nix::errno::Errno;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// One line that says what to do.
pub(crate) type Advice = Cow<'static, str>;

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
    let namespaces = circumstances.kinds;
    let user_namespace = namespaces.has(Kind::User);
    match (failure.stage, failure.errno) {
        (Stage::CloneNamespaces | Stage::StartProcess, Errno::EAGAIN) => Some(process_limit()),
        (Stage::CloneNamespaces | Stage::StartProcess, Errno::ENOMEM) => Some(DEAD_NAMESPACE.into()),
        (Stage::CloneNamespaces, errno) => creating::not_made(errno, namespaces),
        (Stage::MapIds, _) => creating::not_mapped(failure, namespaces),
        (Stage::OpenTrace, Errno::ENXIO) => Some("nobody reads this FIFO: start its reader first".into()),
        (Stage::OpenTrace, Errno::EBADF) => {
            Some("it must be open for writing: pidone --trace=fd:3 ... 3>FILE".into())
        }
        (Stage::Inspect, Errno::ENOENT) => Some("/proc must be mounted".into()),
        (Stage::Inspect, _) => Some(UNSEEN.into()),
        (stage, errno) if stage.is_about_entering() => entering::not_entered(stage, errno),
        (Stage::KeepNamespace, errno) => entering::not_kept(errno),
        (Stage::MakeTimeNamespace, Errno::EINVAL | Errno::ENOENT) => Some("time namespaces need Linux 5.6".into()),
        (Stage::MakeTimeNamespace, Errno::ENOSPC) => {
            Some("user.max_time_namespaces is reached, or 0: raise it with sysctl".into())
        }
        (Stage::MakeTimeNamespace | Stage::SetClocks, Errno::EPERM | Errno::EACCES) => {
            Some("this takes CAP_SYS_ADMIN and CAP_SYS_TIME, or --map-root".into())
        }
        (Stage::SetClocks, Errno::ERANGE) => {
            Some("the clock would stand before 0, or in more than 146 years".into())
        }
        (Stage::SetPropagation, Errno::EPERM | Errno::EACCES) if user_namespace => {
            Some(creating::user_namespace_refused(namespaces))
        }
        (Stage::SetPropagation, Errno::EINVAL) => Some(NOT_A_MOUNT_POINT.into()),
        (Stage::ConfineProc, Errno::EINVAL) => {
            Some("/proc is no mount point: use --propagation private, or --proc none".into())
        }
        (Stage::MountProc | Stage::BindProc, Errno::ENOSYS) => files::hint(failure, user_namespace),
        (stage, _) if stage.is_about_files() => files::hint(failure, user_namespace),
        (Stage::MountProc, Errno::EPERM) => Some(proc_refused(namespaces)),
        (Stage::MountProc | Stage::SetPropagation, Errno::EACCES) => {
            Some("a security module forbids it; docker: --security-opt apparmor=unconfined".into())
        }
        (Stage::MountProc | Stage::BindProc, Errno::ENOENT) => {
            Some("there is no directory /proc here: make one, or use --proc none".into())
        }
        (Stage::ChangeDirectory, Errno::ENOENT) if circumstances.other_root => Some(LOOKED_FOR_INSIDE.into()),
        (stage, errno) if stage.is_about_identity() => identity_refused(stage, errno, user_namespace),
        (Stage::BecomeSubreaper, _) => Some(
            "this takes Linux 3.4, and no seccomp filter that forbids it; a PID 1 does not need it, nor --isolate"
                .into(),
        ),
        (Stage::TieToOuter, _) => Some("--no-die-with-parent does without".into()),
        (Stage::FindCommand, _) => not_found(&failure.object, circumstances),
        (Stage::RunCommand, errno) => not_runnable(&failure.object, errno, circumstances.other_root),
        (_, Errno::ENOSYS) => Some("this kernel does not have the call, or a seccomp filter hides it".into()),
        _ => None,
    }
}

const UNSEEN: &str = "it has ended, or runs in a PID namespace that this one does not see: ps shows what there is";
const DEAD_NAMESPACE: &str =
    "if memory is free, this is a PID namespace whose init has ended: no process can be made in it";
const LOOKED_FOR_INSIDE: &str = "it is looked for inside, in the root directory that the command gets";
const NOT_A_MOUNT_POINT: &str =
    "/ is no mount point (a chroot?): bind-mount it on itself before the chroot, or use --propagation unchanged";

/// Why the workload cannot become whom it is to be.
fn identity_refused(stage: Stage, errno: Errno, user_namespace: bool) -> Option<Advice> {
    let hint = match (stage, errno) {
        (Stage::SetUid | Stage::SetGid | Stage::SetGroups, Errno::EPERM | Errno::EINVAL) if user_namespace => {
            "in a new user namespace only ids that are mapped into it can be taken: map more, by --map-auto or --map-users \
             and --map-groups"
        }
        (Stage::SetUid, Errno::EPERM) => {
            "this takes CAP_SETUID: start as root (docker: --user 0, --cap-add SETUID)"
        }
        (Stage::SetGid | Stage::SetGroups, Errno::EPERM) => {
            "this takes CAP_SETGID: start as root (docker: --user 0, --cap-add SETGID)"
        }
        (Stage::SetUid | Stage::SetGid | Stage::SetGroups, Errno::EINVAL) => {
            "an id is not mapped into this user namespace: see /proc/self/uid_map and gid_map; --groups none takes none"
        }
        (Stage::KeepCaps, Errno::EPERM) => {
            "only what pidone itself has can be kept: see CapPrm in /proc/self/status"
        }
        (Stage::DropCaps, Errno::EPERM) => {
            "to take from the bounding set takes CAP_SETPCAP; an ordinary user can have --no-new-privs"
        }
        (Stage::SetNice, Errno::EACCES | Errno::EPERM) => "to go below the present value takes CAP_SYS_NICE",
        (Stage::SetLimit, Errno::EPERM) => {
            "to raise a hard limit takes CAP_SYS_RESOURCE (docker: --ulimit); nofile cannot go beyond fs.nr_open"
        }
        (Stage::SetLimit, Errno::EINVAL) => "the soft limit would be above the hard one: give both, SOFT:HARD",
        (Stage::SetOomScore, Errno::EACCES) => {
            "to go below the present value takes CAP_SYS_RESOURCE (docker: --oom-score-adj)"
        }
        (Stage::SetOomScore, Errno::ENOENT) => "/proc must be mounted for that",
        (Stage::ChangeDirectory, Errno::EACCES) => "it is entered with the rights of the command's user",
        _ => return None,
    };
    Some(hint.into())
}

/// The kernel refuses a fresh /proc that would show what is hidden in the old one ("mount too revealing"). The new
/// mount namespace is a copy of ours, so the masks can be read here.
fn proc_refused(namespaces: Kinds) -> Advice {
    if namespaces.has(Kind::User) && !namespaces.has(Kind::Pid) {
        return "the new user namespace does not own this PID namespace: use --proc bind, or leave out --in-place"
            .into();
    }
    let mounts = file_system::read("/proc/self/mountinfo").unwrap_or_default();
    let masked = masks_below_proc(&mounts);
    if masked.is_empty() {
        return "a seccomp filter or security module may forbid it; --proc bind uses the caller's /proc, --proc none leaves it"
            .into();
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
    "a limit on processes is reached: see ulimit -u, kernel.pid_max, kernel.threads-max".into()
}

/// The nearest cgroup above this process whose `pids.max` is used up, cgroups(7). An init that could not start the
/// workload is gone by now: it and the workload count as well.
fn full_pids_cgroup() -> Option<(String, u64)> {
    let cgroups = file_system::text("/proc/self/cgroup")?;
    let (root, path) = cgroups.lines().find_map(pids_cgroup)?;
    // Inside a container the path may be the host's: then the mount's own root is the container's cgroup.
    let mut level = format!("{root}/{}", path.trim_matches('/'));
    loop {
        let number = |name: &str| file_system::number(&format!("{level}/{name}"));
        if let (Some(limit), Some(current)) = (number("pids.max"), number("pids.current"))
            && current.saturating_add(2) >= limit
        {
            return Some((level, limit));
        }
        let above = level.rfind('/').filter(|above| *above >= root.len())?;
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
    (id == "0" && file_system::exists("/sys/fs/cgroup/cgroup.controllers")).then_some(("/sys/fs/cgroup", path))
}

fn not_found(command: &OsStr, circumstances: &Circumstances) -> Option<Advice> {
    let other_root = circumstances.other_root;
    let bytes = command.as_bytes();
    if bytes.is_empty() {
        return Some("the command is an empty word; a variable that is not set?".into());
    }
    if bytes.contains(&b' ') {
        return Some(
            "the command is one word, and no shell splits it: give its arguments apart, or use sh -c".into(),
        );
    }
    let inside = if other_root { " (inside, in the root directory that it gets)" } else { "" };
    if bytes.starts_with(b"/") {
        return other_root.then(|| LOOKED_FOR_INSIDE.into());
    }
    if bytes.contains(&b'/') {
        return Some("a path without a leading / begins in the working directory".into());
    }
    match circumstances.path {
        Some(path) => Some(format!("looked in PATH={}{inside}", path.display()).into()),
        None => Some(format!("PATH is not set, so it was looked for in {DEFAULT_PATH}{inside}").into()),
    }
}

fn not_runnable(command: &OsStr, errno: Errno, other_root: bool) -> Option<Advice> {
    // What stands at that path out here says nothing about another root.
    let is_directory = !other_root
        && command.as_bytes().starts_with(b"/")
        && file_system::stat(command).is_ok_and(|stat| file_system::is_directory(&stat));
    let hint = match errno {
        Errno::EACCES if is_directory => "it is a directory",
        Errno::EACCES => {
            "it must be a file, executable for its user (chmod +x), in directories open to that user, on a file system without noexec"
        }
        Errno::ENOENT => "the file is there, but the interpreter of its #! line or its dynamic loader is not",
        Errno::ENOEXEC => "it has no #! line, or is built for another kind of machine",
        Errno::E2BIG => "arguments and environment together are too long (getconf ARG_MAX)",
        Errno::ETXTBSY => "something still has the file open for writing",
        _ => return None,
    };
    Some(hint.into())
}

/// A number from /proc/sys.
fn sysctl(name: &str) -> Option<u64> {
    file_system::number(&format!("/proc/sys/{name}"))
}

/// A field of /proc/self/status.
fn status_field(name: &str) -> Option<String> {
    let status = file_system::text("/proc/self/status")?;
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
