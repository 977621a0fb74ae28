//! Runs in: outer, or init in place, when new namespaces could not be made, or no ids mapped into one. What to do about it.

use super::{Advice, status_field, sysctl};
use crate::capability::{SETFCAP, SYS_ADMIN, is_effective};
use crate::environment::inherited_value;
use crate::error::Failure;
use crate::files;
use crate::namespace::{Kind, Kinds};
use crate::packed::{Packed, packed};
use nix::errno::Errno;
use nix::unistd::{Pid, geteuid, getpid};
use std::os::unix::ffi::OsStrExt;

/// Why there are no such namespaces.
pub(super) fn not_made(errno: Errno, kinds: Kinds) -> Option<Advice> {
    match errno {
        Errno::EPERM if kinds.has(Kind::User) && status_field("Seccomp").as_deref() == Some("2") => {
            Some(format!("{FILTERED}; {}", way_out(kinds)).into())
        }
        Errno::EPERM if kinds.has(Kind::User) => Some(user_namespace_refused(kinds)),
        Errno::EPERM => Some(no_privilege(kinds)),
        Errno::ENOSPC => Some(namespace_limit(kinds)),
        Errno::EINVAL => Some(OTHER_NAMESPACE_FOR_CHILDREN.into()),
        _ => None,
    }
}

/// Why ids are not mapped: by ourselves, or by newuidmap(1) and newgidmap(1), whose names are then what it failed on.
pub(super) fn not_mapped(failure: &Failure, kinds: Kinds) -> Option<Advice> {
    let by_helper = !failure.object.as_bytes().starts_with(b"/");
    match failure.errno {
        Errno::EPERM if by_helper => Some(HELPER_REFUSED.into()),
        Errno::ENOENT => Some(packed!("/proc must be mounted, and be that of this PID namespace").into()),
        Errno::EPERM if geteuid().is_root() && !is_effective(SETFCAP) => {
            Some(format!("{NO_SETFCAP}; {}", way_out(kinds)).into())
        }
        Errno::EPERM | Errno::EACCES => Some(user_namespace_refused(kinds)),
        _ => None,
    }
}

const OTHER_NAMESPACE_FOR_CHILDREN: Packed =
    packed!("setns or unshare has chosen another PID namespace for the children of this process: fork there first");
const FILTERED: &str = "a seccomp filter is in force and may forbid user namespaces; docker: --security-opt \
                        seccomp=unconfined";
const NO_SETFCAP: &str =
    "to map uid 0 of outside takes CAP_SETFCAP (docker: --cap-add SETFCAP, or --user for another uid)";
const HELPER_REFUSED: Packed = packed!(
    "it has said why, on a line of its own: it goes by /etc/subuid and /etc/subgid, and must be \
                              setuid root on a file system without nosuid"
);

/// What does without.
fn way_out(kinds: Kinds) -> &'static str {
    if is_in_place(kinds) { "leave out --user and the --map options" } else { "--in-place needs none" }
}

/// Where there is to be no PID namespace, pidone is in place, and the namespaces are asked for one by one.
fn is_in_place(kinds: Kinds) -> bool {
    !kinds.has(Kind::Pid)
}

/// CAP_SYS_ADMIN is missing, or something stronger than capabilities says no.
fn no_privilege(kinds: Kinds) -> Advice {
    if is_effective(SYS_ADMIN) {
        let way = if is_in_place(kinds) { "" } else { "; --in-place needs no namespaces" };
        return format!("CAP_SYS_ADMIN is there, so a seccomp filter or security module forbids it{way}").into();
    }
    let is_pid_1 = getpid() == Pid::from_raw(1);
    match (geteuid().is_root() && in_container(), is_pid_1) {
        _ if is_in_place(kinds) => packed!(
            "new namespaces for the command take CAP_SYS_ADMIN (docker: --cap-add SYS_ADMIN): be root, or add --user, or \
             --map-root, to do it as an ordinary user"
        ),
        (true, true) => packed!(
            "this container lacks CAP_SYS_ADMIN (docker: --cap-add SYS_ADMIN); without --isolate or --as-pid1 none is needed"
        ),
        (true, false) => packed!(
            "this container may not make namespaces, and pidone is not its PID 1: use --in-place, or try --map-root"
        ),
        (false, _) => packed!(
            "this needs CAP_SYS_ADMIN: run as root, add --map-root to do it as an ordinary user, or use --in-place"
        ),
    }
    .into()
}

/// The marks that engines leave.
fn in_container() -> bool {
    files::exists(format_args!("/.dockerenv"))
        || files::exists(format_args!("/run/.containerenv"))
        || inherited_value("KUBERNETES_SERVICE_HOST").is_some()
        || inherited_value("container").is_some()
}

/// Why an ordinary user gets no user namespace, or one without rights.
pub(super) fn user_namespace_refused(kinds: Kinds) -> Advice {
    if !is_effective(SYS_ADMIN) && sysctl("kernel/unprivileged_userns_clone") == Some(0) {
        return packed!("user namespaces are off for ordinary users: sysctl kernel.unprivileged_userns_clone=1")
            .into();
    }
    if sysctl("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return packed!(
            "AppArmor restricts user namespaces: add a profile that allows userns for pidone, \
                or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        )
        .into();
    }
    format!("user namespaces are forbidden here, by a chroot or a security module; {}", way_out(kinds)).into()
}

/// ENOSPC stands for both a limit and the depth of nesting; a limit of zero is the one case that can be told apart.
fn namespace_limit(namespaces: Kinds) -> Advice {
    for kind in namespaces.iter().map(Kind::name) {
        if sysctl(&format!("user/max_{kind}_namespaces")) == Some(0) {
            return format!("user.max_{kind}_namespaces is 0: raise it with sysctl").into();
        }
    }
    let limit = sysctl("user/max_pid_namespaces").map_or(String::new(), |limit| format!(" ({limit})"));
    format!(
        "PID and user namespaces nest 32 levels deep at most: this is one too many, or user.max_pid_namespaces{limit} is reached"
    )
    .into()
}
