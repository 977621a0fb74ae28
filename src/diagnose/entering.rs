//! Runs in: the process that enters, keeps or releases namespaces, when that failed. What to do about it.

use super::{Advice, UNSEEN};
use crate::error::Stage;
use nix::errno::Errno;

/// Why the command does not run in the namespaces of a target.
pub(super) fn not_entered(stage: Stage, errno: Errno) -> Option<Advice> {
    let hint = match (stage, errno) {
        (Stage::OpenNamespace, errno) => return not_opened(errno),
        (Stage::FindTarget, Errno::ESRCH | Errno::ENOENT) => UNSEEN,
        (Stage::StartInside, Errno::ENOMEM) => DEAD_TARGET,
        (Stage::EnterNamespace | Stage::EnterRoot, Errno::EPERM | Errno::EACCES) => {
            "this takes CAP_SYS_ADMIN (and CAP_SYS_CHROOT for mnt) over the namespace: be root, or its user namespace's \
             owner, and enter that as well (--ns with its file, too; or user in --only)"
        }
        (Stage::EnterNamespace, Errno::EINVAL) => {
            "a process with threads, or of another machine's making; see setns(2)"
        }
        _ => return None,
    };
    Some(hint.into())
}

fn not_opened(errno: Errno) -> Option<Advice> {
    let hint = match errno {
        Errno::EACCES | Errno::EPERM => {
            "this takes the rights to trace the process: the same user, or CAP_SYS_PTRACE"
        }
        Errno::ENOENT => "nothing is kept there, or the process has ended",
        Errno::ENOTTY => "that is no namespace's file",
        Errno::ENOTDIR => "a directory made by --persist is wanted, or --ns with the file of a namespace",
        Errno::EEXIST => "one namespace of a kind can be entered, and this is a second one",
        _ => return None,
    };
    Some(hint.into())
}

pub(super) fn not_kept(errno: Errno) -> Option<Advice> {
    let hint = match errno {
        Errno::EEXIST => "something is kept there already: 'pidone release' it, or choose another directory",
        Errno::EPERM => "to mount files takes CAP_SYS_ADMIN over the caller's own mount namespace",
        Errno::EACCES => "the directory must be one of your own",
        Errno::ENOTDIR => "that is a file: name a directory, which may be a new one",
        Errno::ENOENT => "the directory above it is missing: make that first",
        Errno::EINVAL => {
            "the kernel takes the new mount namespace for older than the caller's, as Linux 6.18 at times does inside \
             another one: try again, or outside"
        }
        _ => return None,
    };
    Some(hint.into())
}

const DEAD_TARGET: &str = "if memory is free, its init has ended: no process can be made in it; the target's other namespaces \
                           can be entered: --only with a list of them, such as --only mnt,net,uts";
