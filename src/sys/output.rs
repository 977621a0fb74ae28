//! Runs in: outer, init. For the trace: writing without a wait, and descriptors by their number.

use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Writes what goes in without a wait, whether or not others have opened it for waiting (`RWF_NOWAIT`, pwritev2(2)).
///
/// # Errors
/// EAGAIN: no room. EOPNOTSUPP: this kind of file does not know it; a pipe does since Linux 6.4.
pub(crate) fn write_at_once(fd: impl AsFd, bytes: &[u8]) -> Result<usize> {
    /// Missing from the libc crate for some C libraries.
    const RWF_NOWAIT: c_int = 8;
    /// Where the file stands, as write(2) has it; in two halves where a register is too small for it.
    const HERE: c_long = -1;
    let piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let raw = fd.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open for as long as it is borrowed; one piece, of as many bytes as are said, is only read.
    let written = unsafe { libc::syscall(libc::SYS_pwritev2, raw, &raw const piece, 1, HERE, HERE, RWF_NOWAIT) };
    Errno::result(written).map(|written| usize::try_from(written).unwrap_or_default())
}

/// A copy of the descriptor with this number, close-on-exec and above stdio.
///
/// # Errors
/// EBADF: it is not open. EMFILE: no descriptor is free.
pub(crate) fn duplicate(number: RawFd) -> Result<OwnedFd> {
    const FIRST_OWN: c_int = 3;
    // SAFETY: takes integers; a number that is not open is refused.
    let copy = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, FIRST_OWN) })?;
    // SAFETY: fcntl just made this descriptor; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Makes exec close the descriptor with this number, which is open.
pub(crate) fn set_close_on_exec(number: RawFd) {
    // SAFETY: takes integers; a number that is not open is refused.
    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
}
