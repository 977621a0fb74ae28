//! Runs in: outer, or init in place, when a start has failed. The advice that goes by stage and errno alone; pure.

use super::Advice;
use crate::error::Stage;
use crate::packed::packed;
use nix::errno::Errno;

/// A line of the table below, but for its text.
struct Row {
    when: When,
    /// By their numbers. None: any.
    stages: [u8; 4],
    /// None: any.
    errnos: [u8; 4],
}

/// What else must be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    /// A new user namespace was to be made.
    InUser,
    /// It is about what the workload finds in the file system.
    OfFiles,
    /// Both.
    OfFilesInUser,
}

/// Stands where there is no more.
const NONE: u8 = u8::MAX;

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "only ever runs while the table is compiled"
)]
const fn row(when: When, stages: &[Stage], errnos: &[Errno]) -> Row {
    let mut row = Row { when, stages: [NONE; 4], errnos: [NONE; 4] };
    let mut index = 0;
    while index < stages.len() {
        row.stages[index] = stages[index] as u8;
        index += 1;
    }
    index = 0;
    while index < errnos.len() {
        row.errnos[index] = errnos[index] as u8;
        index += 1;
    }
    row
}

impl Row {
    fn is_about(&self, stage: Stage, errno: Errno, in_user: bool) -> bool {
        let has = |set: &[u8; 4], number: i32| {
            set.starts_with(&[NONE]) || set.iter().any(|one| i32::from(*one) == number)
        };
        let holds = match self.when {
            When::Always => true,
            When::InUser => in_user,
            When::OfFiles => stage.is_about_files(),
            When::OfFilesInUser => in_user && stage.is_about_files(),
        };
        holds && has(&self.stages, stage as i32) && has(&self.errnos, errno as i32)
    }
}

/// The first advice that fits.
pub(super) fn look_up(stage: Stage, errno: Errno, in_user: bool) -> Option<Advice> {
    let index = ROWS.iter().position(|row| row.is_about(stage, errno, in_user))?;
    packed!(TEXTS).line(index).map(Advice::Owned)
}

/// Rows, and their texts in one piece: references to them would weigh as much as the rest of the table.
macro_rules! advice {
    ($($when:ident [$($stage:ident)*] [$($errno:ident)*] $text:literal)*) => {
        const ROWS: &[Row] = &[$(row(When::$when, &[$(Stage::$stage),*], &[$(Errno::$errno),*]),)*];
        const TEXTS: &str = concat!($($text, "\n",)*);
    };
}

#[rustfmt::skip] // a table
advice! {
    Always [CloneNamespaces StartProcess] [ENOMEM]
        "if memory is free, this is a PID namespace whose init has ended: no process can be made in it"
    Always [OpenTrace] [ENXIO] "nobody reads this FIFO: start its reader first"
    Always [OpenTrace] [EBADF] "it must be open for writing: pidone --trace=fd:3 ... 3>FILE"
    Always [Inspect] [ENOENT] "/proc must be mounted"
    Always [Inspect] []
        "it has ended, or runs in a PID namespace that this one does not see: ps shows what there is"

    Always [OpenNamespace] [EACCES EPERM]
        "this takes the rights to trace the process: the same user, or CAP_SYS_PTRACE"
    Always [OpenNamespace] [ENOENT] "nothing is kept there, or the process has ended"
    Always [OpenNamespace] [ENOTTY] "that is no namespace's file"
    Always [OpenNamespace] [ENOTDIR]
        "a directory made by --persist is wanted, or --ns with the file of a namespace"
    Always [OpenNamespace] [EEXIST] "one namespace of a kind can be entered, and this is a second one"
    Always [FindTarget] [ESRCH ENOENT]
        "it has ended, or runs in a PID namespace that this one does not see: ps shows what there is"
    Always [StartInside] [ENOMEM]
        "if memory is free, its init has ended: no process can be made in it; the target's other namespaces can be \
         entered: --only with a list of them, such as --only mnt,net,uts"
    Always [EnterNamespace EnterRoot] [EPERM EACCES]
        "this takes CAP_SYS_ADMIN (and CAP_SYS_CHROOT for mnt) over the namespace: be root, or its user namespace's \
         owner, and enter that as well (--ns with its file, too; or user in --only)"
    Always [EnterNamespace] [EINVAL] "a process with threads, or of another machine's making; see setns(2)"

    Always [KeepNamespace] [EEXIST]
        "something is kept there already: 'pidone release' it, or choose another directory"
    Always [KeepNamespace] [EPERM] "to mount files takes CAP_SYS_ADMIN over the caller's own mount namespace"
    Always [KeepNamespace] [EACCES] "the directory must be one of your own"
    Always [KeepNamespace] [ENOTDIR] "that is a file: name a directory, which may be a new one"
    Always [KeepNamespace] [ENOENT] "the directory above it is missing: make that first"
    Always [KeepNamespace] [EINVAL]
        "the kernel takes the new mount namespace for older than the caller's, as Linux 6.18 at times does inside \
         another one: try again, or outside"

    Always [MakeTimeNamespace] [EINVAL ENOENT] "time namespaces need Linux 5.6"
    Always [MakeTimeNamespace] [ENOSPC] "user.max_time_namespaces is reached, or 0: raise it with sysctl"
    Always [MakeTimeNamespace SetClocks] [EPERM EACCES]
        "this takes CAP_SYS_ADMIN and CAP_SYS_TIME, or --map-root"
    Always [SetClocks] [ERANGE] "the clock would stand before 0, or in more than 146 years"

    Always [SetPropagation] [EINVAL]
        "/ is no mount point (a chroot?): bind-mount it on itself before the chroot, or use --propagation unchanged"
    Always [ConfineProc] [EINVAL] "/proc is no mount point: use --propagation private, or --proc none"
    Always [MountProc SetPropagation] [EACCES]
        "a security module forbids it; docker: --security-opt apparmor=unconfined"
    Always [MountProc BindProc] [ENOENT] "there is no directory /proc here: make one, or use --proc none"

    Always [OpenRoot] [ENOENT] "--rootfs takes a directory that is there, with a root file system in it"
    Always [OpenRoot] [ENOTDIR] "--rootfs takes a directory: unpack an archive first, and mount an image"
    Always [OpenRoot] [EACCES] "this user may not enter it (chmod +x, on each directory above it too)"
    Always [TakeSource] [ENOENT] "what is bound must be there outside, as the caller sees it"
    Always [TakeSource MountRoot] [EINVAL]
        "it lies on an unbindable mount, or on one of another mount namespace"
    Always [TakeSource FindMasked] [EACCES]
        "this user may not reach it (chmod +x on each directory above it), or a security module forbids it"
    Always [MakeTarget] [EROFS] "the mount point lies on something read-only: make it beforehand"
    Always [MakeTarget] [EACCES EPERM]
        "the mount point is not there, and this user may not make it: make it beforehand; or a seccomp filter \
         forbids it"
    Always [MakeTarget] [ENOENT] "a symbolic link on the way leads nowhere inside the new root"
    Always [MakeTarget FindMasked] [ENOTDIR] "something on the way to it is no directory"
    Always [MakeTarget FindMasked] [ELOOP]
        "symbolic links lead in a circle, or through a magic link of /proc, which could lead out"
    Always [FindMasked] [ENOENT] "only what is there can be masked"
    Always [MountThere] [ENOTDIR EISDIR] "a directory goes on a directory, and anything else on a file"
    Always [MountThere] [EBUSY] "a link leads to the root directory itself: --rootfs DIR gives the command another"
    Always [SwitchRoot] [EINVAL] "if / is the initial ramfs it cannot be put away: leave it by switch_root(8) first"
    Always [MakeDevpts] [ENODEV] "this kernel has no devpts: leave out --dev"
    InUser [MakeReadOnly MakeRootReadOnly] [EPERM]
        "flags of a mount that came from another user namespace are locked"
    OfFilesInUser [] [EPERM]
        "a user namespace may not mount this, or a seccomp filter or security module forbids it; docker: \
         --security-opt seccomp=unconfined"
    OfFiles [] [EPERM EACCES]
        "a seccomp filter or security module forbids it; docker: --security-opt seccomp=unconfined, --security-opt \
         apparmor=unconfined"
    OfFiles [] [ENOSPC] "fs.mount-max mounts are in the namespace, or the file system is full"

    InUser [SetUid SetGid SetGroups] [EPERM EINVAL]
        "in a new user namespace only ids that are mapped into it can be taken: map more, by --map-auto or \
         --map-users and --map-groups"
    Always [SetUid] [EPERM] "this takes CAP_SETUID: start as root (docker: --user 0, --cap-add SETUID)"
    Always [SetGid SetGroups] [EPERM]
        "this takes CAP_SETGID: start as root (docker: --user 0, --cap-add SETGID)"
    Always [SetUid SetGid SetGroups] [EINVAL]
        "an id is not mapped into this user namespace: see /proc/self/uid_map and gid_map; --groups none takes none"
    Always [KeepCaps] [EPERM] "only what pidone itself has can be kept: see CapPrm in /proc/self/status"
    Always [DropCaps] [EPERM]
        "to take from the bounding set takes CAP_SETPCAP; an ordinary user can have --no-new-privs"
    Always [SetNice] [EACCES EPERM] "to go below the present value takes CAP_SYS_NICE"
    Always [SetLimit] [EPERM]
        "to raise a hard limit takes CAP_SYS_RESOURCE (docker: --ulimit); nofile cannot go beyond fs.nr_open"
    Always [SetLimit] [EINVAL] "the soft limit would be above the hard one: give both, SOFT:HARD"
    Always [SetOomScore] [EACCES]
        "to go below the present value takes CAP_SYS_RESOURCE (docker: --oom-score-adj)"
    Always [SetOomScore] [ENOENT] "/proc must be mounted for that"
    Always [ChangeDirectory] [EACCES] "it is entered with the rights of the command's user"

    Always [BecomeSubreaper] []
        "this takes Linux 3.4, and no seccomp filter that forbids it; a PID 1 does not need it, nor --isolate"
    Always [TieToOuter] [] "--no-die-with-parent does without"
    Always [RunCommand] [EACCES]
        "it must be a file, executable for its user (chmod +x), in directories open to that user, on a file system \
         without noexec"
    Always [RunCommand] [ENOENT]
        "the file is there, but the interpreter of its #! line or its dynamic loader is not"
    Always [RunCommand] [ENOEXEC] "it has no #! line, or is built for another kind of machine"
    Always [RunCommand] [E2BIG] "arguments and environment together are too long (getconf ARG_MAX)"
    Always [RunCommand] [ETXTBSY] "something still has the file open for writing"
    Always [] [ENOSYS] "this kernel does not have the call, or a seccomp filter hides it"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_text_and_can_be_met() {
        assert_eq!(TEXTS.lines().count(), ROWS.len());
        for (row, text) in ROWS.iter().zip(TEXTS.lines()) {
            let met = Stage::ALL.iter().any(|stage| {
                (1..=133).map(Errno::from_raw).any(|errno| {
                    [false, true].iter().any(|in_user| look_up(*stage, errno, *in_user).as_deref() == Some(text))
                })
            });
            assert!(met, "{:?} {:?} {:?}: {text}", row.when, row.stages, row.errnos);
        }
    }
}
