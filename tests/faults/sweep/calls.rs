//! The system calls that can be made to fail, what each can fail with, and what is left out.

use nix::errno::Errno;
use nix::libc::{self, c_long};

/// Every system call that pidone makes in some scene.
const NAMES: &[(&str, c_long)] = &[
    ("access", libc::SYS_access),
    ("arch_prctl", libc::SYS_arch_prctl),
    ("brk", libc::SYS_brk),
    ("capget", libc::SYS_capget),
    ("capset", libc::SYS_capset),
    ("chdir", libc::SYS_chdir),
    ("chroot", libc::SYS_chroot),
    ("clock_gettime", libc::SYS_clock_gettime),
    ("clone", libc::SYS_clone),
    ("clone3", libc::SYS_clone3),
    ("close", libc::SYS_close),
    ("close_range", libc::SYS_close_range),
    ("dup", libc::SYS_dup),
    ("dup2", libc::SYS_dup2),
    ("execve", libc::SYS_execve),
    ("exit", libc::SYS_exit),
    ("exit_group", libc::SYS_exit_group),
    ("fchdir", libc::SYS_fchdir),
    ("fchmod", libc::SYS_fchmod),
    ("fchown", libc::SYS_fchown),
    ("fcntl", libc::SYS_fcntl),
    ("fork", libc::SYS_fork),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("fsopen", libc::SYS_fsopen),
    ("fstat", libc::SYS_fstat),
    ("fstatfs", libc::SYS_fstatfs),
    ("ftruncate", libc::SYS_ftruncate),
    ("getcwd", libc::SYS_getcwd),
    ("getdents64", libc::SYS_getdents64),
    ("getegid", libc::SYS_getegid),
    ("geteuid", libc::SYS_geteuid),
    ("getgid", libc::SYS_getgid),
    ("getgroups", libc::SYS_getgroups),
    ("getpgid", libc::SYS_getpgid),
    ("getpgrp", libc::SYS_getpgrp),
    ("getpid", libc::SYS_getpid),
    ("getppid", libc::SYS_getppid),
    ("getpriority", libc::SYS_getpriority),
    ("getrandom", libc::SYS_getrandom),
    ("getsid", libc::SYS_getsid),
    ("getsockopt", libc::SYS_getsockopt),
    ("gettid", libc::SYS_gettid),
    ("getuid", libc::SYS_getuid),
    ("ioctl", libc::SYS_ioctl),
    ("kill", libc::SYS_kill),
    ("lseek", libc::SYS_lseek),
    ("lstat", libc::SYS_lstat),
    ("madvise", libc::SYS_madvise),
    ("mkdir", libc::SYS_mkdir),
    ("mkdirat", libc::SYS_mkdirat),
    ("mknodat", libc::SYS_mknodat),
    ("mmap", libc::SYS_mmap),
    ("mount", libc::SYS_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("mprotect", libc::SYS_mprotect),
    ("mremap", libc::SYS_mremap),
    ("munmap", libc::SYS_munmap),
    ("nanosleep", libc::SYS_nanosleep),
    ("newfstatat", libc::SYS_newfstatat),
    ("open", libc::SYS_open),
    ("open_tree", libc::SYS_open_tree),
    ("openat", libc::SYS_openat),
    ("openat2", libc::SYS_openat2),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("pipe2", libc::SYS_pipe2),
    ("pivot_root", libc::SYS_pivot_root),
    ("poll", libc::SYS_poll),
    ("prctl", libc::SYS_prctl),
    ("prlimit64", libc::SYS_prlimit64),
    ("read", libc::SYS_read),
    ("readlink", libc::SYS_readlink),
    ("readlinkat", libc::SYS_readlinkat),
    ("restart_syscall", libc::SYS_restart_syscall),
    ("rmdir", libc::SYS_rmdir),
    ("rt_sigaction", libc::SYS_rt_sigaction),
    ("rt_sigprocmask", libc::SYS_rt_sigprocmask),
    ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
    ("rt_sigtimedwait", libc::SYS_rt_sigtimedwait),
    ("sched_getaffinity", libc::SYS_sched_getaffinity),
    ("set_tid_address", libc::SYS_set_tid_address),
    ("setgid", libc::SYS_setgid),
    ("setgroups", libc::SYS_setgroups),
    ("sethostname", libc::SYS_sethostname),
    ("setdomainname", libc::SYS_setdomainname),
    ("setns", libc::SYS_setns),
    ("setpgid", libc::SYS_setpgid),
    ("setpriority", libc::SYS_setpriority),
    ("setresgid", libc::SYS_setresgid),
    ("setresuid", libc::SYS_setresuid),
    ("setsid", libc::SYS_setsid),
    ("sigaltstack", libc::SYS_sigaltstack),
    ("socket", libc::SYS_socket),
    ("stat", libc::SYS_stat),
    ("statfs", libc::SYS_statfs),
    ("statx", libc::SYS_statx),
    ("symlinkat", libc::SYS_symlinkat),
    ("tgkill", libc::SYS_tgkill),
    ("tkill", libc::SYS_tkill),
    ("umask", libc::SYS_umask),
    ("umount2", libc::SYS_umount2),
    ("unlink", libc::SYS_unlink),
    ("unlinkat", libc::SYS_unlinkat),
    ("unshare", libc::SYS_unshare),
    ("vfork", libc::SYS_vfork),
    ("wait4", libc::SYS_wait4),
    ("waitid", libc::SYS_waitid),
    ("write", libc::SYS_write),
    ("writev", libc::SYS_writev),
];

/// The name of a call; its number where the table above has a gap.
pub fn name(call: c_long) -> String {
    NAMES
        .iter()
        .find(|(_, number)| *number == call)
        .map_or_else(|| format!("#{call}"), |(name, _)| (*name).to_owned())
}

/// The call of this name.
pub fn number(name: &str) -> Option<c_long> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The error of this name.
pub fn errno(name: &str) -> Option<Errno> {
    (1..=133).map(Errno::from_raw).find(|errno| format!("{errno:?}") == name)
}

/// What any call is made to fail with, whether its manual page has that or not: a filter can give every errno.
const ANY: &[Errno] =
    &[Errno::EINTR, Errno::EAGAIN, Errno::ENOMEM, Errno::EPERM, Errno::ENOSYS, Errno::EIO, Errno::EMFILE];

/// Beside those above.
const PARTICULAR: &[(&str, &[Errno])] = &[
    ("clone", &[Errno::EINVAL, Errno::ENOSPC, Errno::EUSERS]),
    ("execve", &[Errno::ENOENT, Errno::EACCES, Errno::ETXTBSY, Errno::ENOEXEC, Errno::E2BIG, Errno::ELOOP]),
    ("fsmount", &[Errno::EBUSY, Errno::EINVAL]),
    ("kill", &[Errno::ESRCH]),
    ("mkdirat", &[Errno::EROFS, Errno::ENOSPC]),
    ("mknodat", &[Errno::EROFS, Errno::ENOSPC]),
    ("mount", &[Errno::EBUSY, Errno::EINVAL, Errno::ENOSPC, Errno::EACCES]),
    ("mount_setattr", &[Errno::EINVAL]),
    ("move_mount", &[Errno::EBUSY, Errno::EINVAL, Errno::ENOSPC]),
    ("open", &[Errno::ENOENT, Errno::EACCES, Errno::ENFILE]),
    ("open_tree", &[Errno::EINVAL, Errno::ENOSPC]),
    ("openat", &[Errno::ENOENT, Errno::EACCES, Errno::ENFILE]),
    ("openat2", &[Errno::ENOENT, Errno::ELOOP, Errno::EXDEV]),
    ("pivot_root", &[Errno::EBUSY, Errno::EINVAL]),
    ("poll", &[Errno::EINVAL]),
    ("rt_sigqueueinfo", &[Errno::ESRCH]),
    ("setns", &[Errno::EINVAL, Errno::EUSERS]),
    ("setresuid", &[Errno::EINVAL]),
    ("unshare", &[Errno::EINVAL, Errno::ENOSPC, Errno::EUSERS]),
    ("wait4", &[Errno::ECHILD]),
    ("waitid", &[Errno::ECHILD, Errno::EINVAL]),
    ("write", &[Errno::EPIPE, Errno::ENOSPC, Errno::EINVAL]),
];

/// What this call is made to fail with.
pub fn errnos(call: &str) -> impl Iterator<Item = Errno> {
    // close(2): of a pipe, a file of /proc or a terminal it fails with nothing else, and the descriptor is gone whatever it
    // returns. The standard library takes more than that, after reading a directory, for a reason to panic.
    // wait4(2): for what it is asked here the kernel has these two.
    let is_possible = move |errno: &Errno| match call {
        "close" => *errno == Errno::EINTR,
        "wait4" => matches!(errno, Errno::EINTR | Errno::ECHILD),
        _ => true,
    };
    let particular = PARTICULAR.iter().filter(move |(name, _)| *name == call).flat_map(|(_, errnos)| errnos.iter());
    ANY.iter().chain(particular).copied().filter(is_possible)
}

/// Calls that do not fail, on any kernel and behind any filter that lets a C program start at all; each with the reason.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("arch_prctl", "the C library's start: without it there are no thread-locals, and no program"),
    ("set_tid_address", "the C library's start; it has no errors, set_tid_address(2)"),
    ("exit_group", "does not return"),
    ("exit", "does not return"),
    ("restart_syscall", "is how the kernel goes on with a call that a stop has interrupted"),
    ("getpid", "has no errors, getpid(2), and no filter that a process survives forbids it"),
    ("getppid", "as getpid"),
    ("getpgrp", "as getpid"),
    ("getuid", "as getpid"),
    ("geteuid", "as getpid"),
    ("getgid", "as getpid"),
    ("getegid", "as getpid"),
    ("gettid", "as getpid"),
    ("umask", "as getpid"),
];

/// Whether a call is made to fail at all.
pub fn can_fail(call: &str) -> bool {
    LEFT_OUT.iter().all(|(name, _)| *name != call)
}

/// Whether an error is the kernel's way to say "again", after which nothing may be different from before: EINTR of every
/// call that can sleep, and EAGAIN where it means a full queue and not a limit.
pub fn is_passing(call: &str, errno: Errno) -> bool {
    // All signals are blocked, so these are what a stop interrupts, or a filter in user space. clone(2) makes its call again
    // by itself, fcntl(2) sleeps for locks, and files that sleep when they are opened are opened by nobody here.
    const SLEEPERS: &[&str] =
        &["read", "write", "wait4", "waitid", "rt_sigtimedwait", "poll", "nanosleep", "mount", "close"];
    match errno {
        Errno::EINTR => SLEEPERS.contains(&call),
        Errno::EAGAIN => ["rt_sigqueueinfo", "rt_sigtimedwait", "poll"].contains(&call),
        _ => false,
    }
}

/// Whether an error of this call means that an init knows nothing of its children any more: it then has to say so and to end.
/// Who is left may be left: ECHILD says that there is nobody. (The kernel has no other; EPERM and ENOSYS are a filter's.)
pub fn loses_children(call: &str, errno: Errno) -> bool {
    matches!(call, "wait4" | "waitid") && errno != Errno::EINTR
}

/// Whether a message may name another error than the one that happened.
pub fn is_renamed(call: &str, errno: Errno) -> bool {
    match call {
        // malloc(3) has one alone.
        "mmap" | "brk" | "mremap" | "munmap" => true,
        // Two files that cannot be compared are taken for different ones, and what is done then fails.
        "stat" | "fstat" => true,
        // A missing file of a process is a missing process.
        "open" => errno == Errno::ENOENT,
        _ => false,
    }
}

/// Calls that no filter forbids for good that lets any program run, with what becomes of pidone.
const NEVER_FORBIDDEN: &[(&str, &str)] = &[
    ("read", "nothing is heard from the other half"),
    ("write", "nothing can be said"),
    ("open", "without a look at /proc a subreaper waits, and says so, for descendants that it cannot find"),
    ("getdents64", "as open"),
];

/// Whether a filter may forbid it.
pub fn can_be_forbidden(call: &str) -> bool {
    can_fail(call) && NEVER_FORBIDDEN.iter().all(|(name, _)| *name != call)
}
