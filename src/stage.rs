//! Runs in: any thread-free process. What pidone does on the way to the workload, and may fail in; pure.

use crate::packed::packed;

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// What pidone was doing when it failed. Crosses from init to outer as its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Stage { $($(#[$doc])* $name,)* }

        impl Stage {
            /// All of them, in the order of their numbers.
            pub(crate) const ALL: &[Stage] = &[$(Stage::$name,)*];

            /// What could not be done.
            pub(crate) fn text(self) -> String {
                // In one piece: a table of references would weigh as much again.
                const TEXTS: &str = concat!($($text, "\n",)*);
                packed!(TEXTS).line(self as usize).unwrap_or_default()
            }
        }
    };
}

stages! {
    /// The very first calls, rt_sigprocmask(2) and sigaction(2).
    BlockSignals => "cannot block signals",
    /// The text of `--help` or `--version`.
    PrintText => "cannot print",
    /// pipe2(2) between outer and init.
    MakePipe => "cannot make a pipe to init",
    /// clone(2) with the namespace flags.
    CloneNamespaces => "cannot create the new namespaces",
    /// Writing uid_map, gid_map and setgroups, user_namespaces(7).
    MapIds => "cannot map user and group ids",
    /// setresuid(2) and setresgid(2) to 0, where the caller's own ids are not mapped.
    BecomeRootInside => "cannot become root in the new user namespace",
    /// sethostname(2).
    SetHostName => "cannot set the host name",
    /// setdomainname(2).
    SetDomainName => "cannot set the domain name",
    /// SIOCSIFFLAGS on `lo`, netdevice(7).
    BringUpLoopback => "cannot bring up the loopback interface",
    /// unshare(2) with CLONE_NEWTIME, and setns(2) into it.
    MakeTimeNamespace => "cannot create the new time namespace",
    /// Writing timens_offsets, time_namespaces(7).
    SetClocks => "cannot set the clocks",
    /// Opening a file below /proc/PID/ns, or one that keeps a namespace.
    OpenNamespace => "cannot open a namespace",
    /// /proc/PID.
    FindTarget => "cannot find the process to enter",
    /// setns(2).
    EnterNamespace => "cannot enter a namespace",
    /// chroot(2) and fchdir(2) to what the target has.
    EnterRoot => "cannot enter the target's root directory",
    /// clone(2) once all namespaces are entered.
    StartInside => "cannot start a process in the entered PID namespace",
    /// What can only be looked up inside: users, groups.
    LookUpInside => "cannot prepare the command inside",
    /// mount(2) of a namespace's file, and what that takes.
    KeepNamespace => "cannot keep a namespace",
    /// umount2(2) and unlink(2) of such a file.
    ReleaseNamespace => "cannot release a namespace",
    /// Writing a report that outer waits for.
    TellOuter => "cannot report to outer",
    /// Reading outer's word that the ids are mapped.
    AwaitIds => "cannot hear from outer that ids are mapped",
    /// PR_SET_PDEATHSIG and the pipe that notices outer's death.
    TieToOuter => "cannot arrange to die with outer",
    /// mount(2) with a propagation type on the root.
    SetPropagation => "cannot set the mount propagation",
    /// Making the old /proc private, so that the new one does not appear elsewhere.
    ConfineProc => "cannot keep the new /proc out of other mount namespaces",
    /// Mounting a new procfs.
    MountProc => "cannot mount a fresh /proc",
    /// Bind-mounting the caller's procfs.
    BindProc => "cannot bind the caller's /proc",
    /// Opening the directory that is to be the root.
    OpenRoot => "cannot open the new root directory",
    /// Mounting it on itself, for pivot_root(2).
    MountRoot => "cannot mount the new root directory",
    /// open_tree(2) of what is to be bound.
    TakeSource => "cannot take this to be mounted inside",
    /// mount_setattr(2) of it.
    MakeReadOnly => "cannot make the mount read-only",
    /// openat2(2), mkdirat(2) of a mount point.
    MakeTarget => "cannot make the mount point",
    /// move_mount(2).
    MountThere => "cannot mount on this path",
    /// openat2(2) of what is to be masked.
    FindMasked => "cannot find what is to be masked",
    /// fsopen(2) and what follows, for tmpfs.
    MakeTmpfs => "cannot make a tmpfs",
    /// The same for devpts.
    MakeDevpts => "cannot make a devpts",
    /// symlink(2) in a new /dev.
    MakeLink => "cannot make a link in the new /dev",
    /// mount_setattr(2) of the root.
    MakeRootReadOnly => "cannot make the root read-only",
    /// pivot_root(2).
    SwitchRoot => "cannot switch to the new root directory",
    /// open(2) of `--trace`.
    OpenTrace => "cannot open the trace",
    /// PR_SET_CHILD_SUBREAPER.
    BecomeSubreaper => "cannot become a child subreaper",
    /// clone(2) of the workload's process.
    StartProcess => "cannot start a process for the command",
    /// rt_sigprocmask(2) and sigaction(2) in the workload's process.
    RestoreSignals => "cannot restore the signal mask for the command",
    /// PR_SET_PDEATHSIG for `--pdeathsig`.
    TieToParent => "cannot arrange to hear of the parent's death",
    /// setsid(2).
    MakeSession => "cannot give the command a session of its own",
    /// setrlimit(2).
    SetLimit => "cannot set a resource limit for the command",
    /// setpriority(2).
    SetNice => "cannot set the command's scheduling priority",
    /// Writing oom_score_adj, proc_pid_oom_score_adj(5).
    SetOomScore => "cannot set the command's OOM score adjustment",
    /// setgroups(2).
    SetGroups => "cannot set the command's supplementary groups",
    /// setresgid(2).
    SetGid => "cannot set the command's group",
    /// setresuid(2).
    SetUid => "cannot set the command's user",
    /// PR_CAPBSET_DROP, capset(2).
    DropCaps => "cannot take capabilities from the command",
    /// PR_SET_KEEPCAPS, capset(2), PR_CAP_AMBIENT.
    KeepCaps => "cannot keep capabilities for the command",
    /// PR_SET_NO_NEW_PRIVS.
    NoNewPrivs => "cannot forbid new privileges to the command",
    /// chdir(2).
    ChangeDirectory => "cannot enter the command's working directory",
    /// Whatever `probe` needs for one.
    StartTrial => "cannot try the command out",
    /// /proc, and /proc/PID in it.
    Inspect => "cannot inspect",
    /// symlink(2) of `install-names`.
    InstallName => "cannot make a link to pidone",
    /// execve(2): nothing by that name.
    FindCommand => "cannot find the command",
    /// execve(2): it is there, but does not run.
    RunCommand => "cannot run the command",
}

impl Stage {
    /// Whether it is about what the workload finds in the file system.
    pub(crate) fn is_about_files(self) -> bool {
        matches!(
            self,
            Stage::OpenRoot
                | Stage::MountRoot
                | Stage::TakeSource
                | Stage::MakeReadOnly
                | Stage::MakeTarget
                | Stage::MountThere
                | Stage::FindMasked
                | Stage::MakeTmpfs
                | Stage::MakeDevpts
                | Stage::MakeLink
                | Stage::MakeRootReadOnly
                | Stage::SwitchRoot
        )
    }
}
