//! Runs in: outer, init. File descriptors: ours stay above stdio, inherited ones go once the workload runs.

use crate::signal::Signal;
use nix::Result;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{self, c_int, c_long, c_uint};
use nix::unistd::Pid;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Moves a descriptor of ours above stdio. When pidone was started with, say, a closed stdin, the kernel gives
/// out 0 first, and a pipe of ours would pass for the workload's stdin.
///
/// # Errors
/// EMFILE when no descriptor is free above 2.
pub(crate) fn own_fd(fd: OwnedFd) -> Result<OwnedFd> {
    const FIRST_OWN: RawFd = 3;
    if fd.as_raw_fd() >= FIRST_OWN {
        return Ok(fd);
    }
    let moved = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(FIRST_OWN))?;
    // SAFETY: fcntl just made this descriptor; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(moved) })
}

/// Stdin, stdout or stderr, open or not. Not by way of `std::io::stdin()` and the like, each of which makes a buffer first, whose
/// pages an idle init would keep.
pub(crate) fn stdio(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: these three are closed by nobody here; one that was never open is an error in each call that takes it.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// A descriptor that stands for a process, close-on-exec (pidfd_open(2), Linux 5.3).
///
/// # Errors
/// ESRCH: there is no such process. ENOSYS, EPERM: an old kernel, or a filter.
pub(crate) fn pidfd_open(pid: Pid) -> Result<OwnedFd> {
    // SAFETY: takes two integers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, c_long::from(pid.as_raw()), 0) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: pidfd_open just made it; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes every descriptor above 2 except the ones in `keep`: an init that holds on to what it inherited keeps
/// pipes from reaching end-of-file and mounts busy.
///
/// Takes the fast way (close_range(2), Linux 5.9) and falls back to closing one by one. Errors are ignored: what
/// is not open needs no closing.
pub(crate) fn close_all_but(keep: &[Option<BorrowedFd<'_>>]) {
    let mut first: c_uint = 3;
    // A borrowed descriptor is never negative.
    let kept = |first| keep.iter().flatten().map(|fd| fd.as_raw_fd().unsigned_abs()).filter(move |fd| *fd >= first);
    while let Some(next) = kept(first).min() {
        if next > first {
            close_range(first, next.saturating_sub(1));
        }
        first = next.saturating_add(1);
    }
    close_range(first, c_uint::MAX);
}

fn close_range(first: c_uint, last: c_uint) {
    // SAFETY: closes descriptors that no `OwnedFd` in use refers to: the callers keep theirs out of the range
    // and forget inherited ones for good.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done == -1 {
        close_each(first, last);
    }
}

/// Before Linux 5.9, or behind a filter that does not know close_range(2): one by one, those that are open by /proc, or
/// without /proc all that could be.
fn close_each(first: c_uint, last: c_uint) {
    /// Where limits are practically absent (a thousand million in some containers), nobody has gone that far.
    const FAR: c_uint = 1 << 20;
    match super::numbers_in(format_args!("/proc/self/fd")) {
        Ok(numbers) => {
            numbers.into_iter().map(i32::cast_unsigned).filter(|fd| (first..=last).contains(fd)).for_each(close);
        }
        Err(_) => (first..=last.min(FAR)).for_each(close),
    }
}

fn close(fd: c_uint) {
    // SAFETY: as in `close_range`; a number that is not open is refused.
    unsafe { libc::syscall(libc::SYS_close, fd) };
}

/// Asks for `signal` to this process whenever something happens to the pipe `fd`: it was written to or read from, or
/// its other end was closed for the last time, as it is when its holder dies (fcntl(2)). Sets `flags` too.
///
/// # Errors
/// What fcntl(2) returns.
pub(crate) fn watch(fd: impl AsFd, signal: Signal, flags: OFlag) -> Result<()> {
    /// Missing from the libc crate for some C libraries.
    const F_SETSIG: c_int = 10;
    let raw = fd.as_fd().as_raw_fd();
    let own = nix::unistd::getpid();
    // SAFETY: `raw` is open for as long as `fd` is borrowed; F_SETOWN takes a pid by value.
    Errno::result(unsafe { libc::fcntl(raw, libc::F_SETOWN, own.as_raw()) })?;
    // SAFETY: as above; F_SETSIG takes a number.
    Errno::result(unsafe { libc::fcntl(raw, F_SETSIG, signal.number()) })?;
    // A new pipe's only status flag is its access mode, which F_SETFL ignores: no need to read them first.
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_ASYNC | flags)).map(drop)
}

/// Makes the terminal that is our stdin the controlling one of our session, which has none (TIOCSCTTY, ioctl_tty(2)).
///
/// # Errors
/// ENOTTY: it is no terminal. EPERM: it is another session's already.
pub(crate) fn claim_terminal() -> Result<()> {
    // SAFETY: an integer for an argument: do not take it from another session.
    Errno::result(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) }).map(drop)
}

/// Gives up the controlling terminal that is our stdin, for all of the session if we lead it (TIOCNOTTY, ioctl_tty(2)).
///
/// # Errors
/// ENOTTY: it is none of ours.
pub(crate) fn release_terminal() -> Result<()> {
    // SAFETY: no argument.
    Errno::result(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCNOTTY) }).map(drop)
}

/// How many rows the terminal that is our stdout has (TIOCGWINSZ, ioctl_tty(2)); 0 where it does not say.
///
/// # Errors
/// ENOTTY: it is no terminal.
pub(crate) fn terminal_rows() -> Result<u16> {
    // SAFETY: all zeros is a valid winsize.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the argument is the place for a winsize.
    Errno::result(unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) })?;
    Ok(size.ws_row)
}
