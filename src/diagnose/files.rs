//! Runs in: outer, when the new file system could not be furnished. What to do about it.

use super::Advice;
use crate::error::{Failure, Stage};
use nix::errno::Errno;

/// One line of advice, if there is any to give.
pub(super) fn hint(failure: &Failure, user_namespace: bool) -> Option<Advice> {
    if failure.errno == Errno::ENOSYS {
        return Some(format!(
            "this takes {}, or a seccomp filter that knows the call (docker: --security-opt seccomp=unconfined)",
            needed(failure.stage)?
        ).into());
    }
    let hint = match (failure.stage, failure.errno) {
        (Stage::OpenRoot, Errno::ENOENT) => {
            "--rootfs takes a directory that is there, with a root file system in it"
        }
        (Stage::OpenRoot, Errno::ENOTDIR) => {
            "--rootfs takes a directory: unpack an archive first, and mount an image"
        }
        (Stage::OpenRoot, Errno::EACCES) => "this user may not enter it (chmod +x, on each directory above it too)",
        (Stage::TakeSource, Errno::ENOENT) => "what is bound must be there outside, as the caller sees it",
        (Stage::TakeSource | Stage::MountRoot, Errno::EINVAL) => {
            "it lies on an unbindable mount, or on one of another mount namespace"
        }
        (Stage::TakeSource | Stage::FindMasked, Errno::EACCES) => {
            "this user may not reach it (chmod +x on each directory above it), or a security module forbids it"
        }
        (Stage::MakeTarget, Errno::EROFS) => "the mount point lies on something read-only: make it beforehand",
        (Stage::MakeTarget, Errno::EACCES | Errno::EPERM) => {
            "the mount point is not there, and this user may not make it: make it beforehand; or a seccomp filter forbids it"
        }
        (Stage::MakeTarget, Errno::ENOENT) => "a symbolic link on the way leads nowhere inside the new root",
        (Stage::MakeTarget | Stage::FindMasked, Errno::ENOTDIR) => "something on the way to it is no directory",
        (Stage::MakeTarget | Stage::FindMasked, Errno::ELOOP) => {
            "symbolic links lead in a circle, or through a magic link of /proc, which could lead out"
        }
        (Stage::FindMasked, Errno::ENOENT) => "only what is there can be masked",
        (Stage::MountThere, Errno::ENOTDIR | Errno::EISDIR) => {
            "a directory goes on a directory, and anything else on a file"
        }
        (Stage::MountThere, Errno::EBUSY) => {
            "a link leads to the root directory itself: --rootfs DIR gives the command another"
        }
        (Stage::SwitchRoot, Errno::EINVAL) => {
            "if / is the initial ramfs it cannot be put away: leave it by switch_root(8) first"
        }
        (Stage::MakeDevpts, Errno::ENODEV) => "this kernel has no devpts: leave out --dev",
        (Stage::MakeReadOnly | Stage::MakeRootReadOnly, Errno::EPERM) if user_namespace => {
            "flags of a mount that came from another user namespace are locked"
        }
        (_, Errno::EPERM) if user_namespace => {
            "a user namespace may not mount this, or a seccomp filter or security module forbids it; docker: \
             --security-opt seccomp=unconfined"
        }
        (_, Errno::EPERM | Errno::EACCES) => {
            "a seccomp filter or security module forbids it; docker: --security-opt seccomp=unconfined, \
             --security-opt apparmor=unconfined"
        }
        (_, Errno::ENOSPC) => "fs.mount-max mounts are in the namespace, or the file system is full",
        _ => return None,
    };
    Some(hint.into())
}

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
