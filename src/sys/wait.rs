//! Runs in: outer, init. Raw waits: nix's fail on a child that a real-time signal killed, after having reaped it.

use super::fd::pidfd_open;
use crate::signal::Signal;
use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::unistd::Pid;
use std::mem::MaybeUninit;
use std::time::Duration;

/// How a process ended, as wait(2) encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitStatus(pub(crate) c_int);

impl WaitStatus {
    fn of(self, pid: Pid) -> Reaped {
        match Signal::new(libc::WSTOPSIG(self.0)) {
            Some(signal) if libc::WIFSTOPPED(self.0) => Reaped::Stopped(pid, signal),
            _ => Reaped::Child(pid, self),
        }
    }
}

/// What one look at the children found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// This child had ended and is now gone.
    Child(Pid, WaitStatus),
    /// This child was stopped by this signal.
    Stopped(Pid, Signal),
    /// There are children, and all of them run.
    NoneEnded,
    /// There is no child at all (ECHILD).
    NoChildren,
}

/// Reaps one ended child, or hears of a stopped one, without blocking; `who` is `None` for any. Children that were made without SIGCHLD as
/// their exit signal count too (`__WALL`): pidone may have inherited them from the program that became it.
pub(crate) fn reap(who: Option<Pid>) -> Reaped {
    wait_without_blocking(who, None)
}

/// What an ended process has used, together with those of its children that it had reaped (getrusage(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// The most memory it had at a time, in bytes.
    pub(crate) max_rss: u64,
}

/// The same, and what it has used: status and usage in one call.
pub(crate) fn reap_with_usage(who: Option<Pid>) -> (Reaped, Usage) {
    // SAFETY: all zeros is a valid rusage.
    let mut usage: libc::rusage = unsafe { MaybeUninit::zeroed().assume_init() };
    let reaped = wait_without_blocking(who, Some(&mut usage));
    // The kernel gives no negative ones; the C libraries give the fields different types.
    let time = |time: libc::timeval| {
        let part = u32::try_from(time.tv_usec).unwrap_or_default();
        Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), part.saturating_mul(1000))
    };
    let max_rss = u64::try_from(usage.ru_maxrss).unwrap_or_default().saturating_mul(1024);
    (reaped, Usage { user: time(usage.ru_utime), system: time(usage.ru_stime), max_rss })
}

fn wait_without_blocking(who: Option<Pid>, usage: Option<&mut libc::rusage>) -> Reaped {
    const FLAGS: c_int = libc::WNOHANG | libc::WUNTRACED | libc::__WALL;
    let pid = who.map_or(-1, Pid::as_raw);
    let usage = usage.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let mut status = 0;
    loop {
        // SAFETY: `status` is a valid place for an int; `usage` is one for an rusage, or NULL as it may be (wait4(2)).
        let got = unsafe { libc::wait4(pid, &raw mut status, FLAGS, usage) };
        match got {
            0 => return Reaped::NoneEnded,
            pid if pid > 0 => return WaitStatus(status).of(Pid::from_raw(pid)),
            // WNOHANG never sleeps, yet the manual page reserves it.
            _ if Errno::last_raw() == libc::EINTR => {}
            // ECHILD; or a filter forbids the call, and there is none that we could reap.
            _ => return Reaped::NoChildren,
        }
    }
}

/// Waits for the end of one child, and reaps it.
pub(crate) fn wait_for(child: Pid) -> WaitStatus {
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int; the resource usage pointer may be NULL (wait4(2)).
    let mut wait = || unsafe { libc::wait4(child.as_raw(), &raw mut status, libc::__WALL, std::ptr::null_mut()) };
    while wait() == -1 && Errno::last_raw() == libc::EINTR {}
    WaitStatus(status)
}

/// The pid of an ended child that is left a zombie, so that `/proc/PID` can still be read (`WNOWAIT`), if there is one.
///
/// # Errors
/// ECHILD: there is no child at all.
pub(crate) fn peek_zombie() -> nix::Result<Option<Pid>> {
    wait_for_id(libc::WEXITED | libc::WNOWAIT).map(|info| pid_of(&info))
}

/// Hears of a stopped child, and reaps none: one that ends after a look that found no zombie is to be looked at, too, when its
/// SIGCHLD comes.
pub(crate) fn hear_of_stop() -> Reaped {
    // ECHILD where all that are left have ended just now.
    let Ok(info) = wait_for_id(libc::WSTOPPED) else { return Reaped::NoneEnded };
    // SAFETY: as in `pid_of`; si_status is another one of them, and of a stop the signal.
    let signal = Signal::new(unsafe { info.si_status() });
    match (pid_of(&info), signal) {
        (Some(pid), Some(signal)) => Reaped::Stopped(pid, signal),
        _ => Reaped::NoneEnded,
    }
}

/// One look at all children, without blocking; all zeros if there is nothing to tell (waitid(2)).
fn wait_for_id(what: c_int) -> nix::Result<libc::siginfo_t> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: `info` is a valid place for a siginfo_t.
    Errno::result(unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), what | libc::WNOHANG | libc::__WALL) })?;
    // SAFETY: all bit patterns are valid, and it was zeroed.
    Ok(unsafe { info.assume_init() })
}

fn pid_of(info: &libc::siginfo_t) -> Option<Pid> {
    // SAFETY: waitid(2) fills in the fields of a SIGCHLD, of which si_pid is one.
    let pid = unsafe { info.si_pid() };
    (pid != 0).then(|| Pid::from_raw(pid))
}

/// The inode number that identifies this process among all of this boot: that of its pidfd, since Linux 6.9.
/// `None` where pidfds are missing or still share one anonymous inode.
pub(crate) fn own_pidfd_inode() -> Option<u64> {
    /// `PID_FS_MAGIC` of statfs(2).
    const PIDFS_MAGIC: u64 = 0x5049_4446;
    let fd = pidfd_open(nix::unistd::getpid()).ok()?;
    let filesystem = nix::sys::statfs::fstatfs(&fd).ok()?;
    // The C libraries give the number different types.
    if i128::from(filesystem.filesystem_type().0) != i128::from(PIDFS_MAGIC) {
        return None;
    }
    nix::sys::stat::fstat(&fd).ok().map(|stat| stat.st_ino)
}
