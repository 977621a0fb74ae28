//! Runs in: init, workload child. What is set in new UTS, network and time namespaces.

use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_short};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;

/// sethostname(2).
///
/// # Errors
/// EPERM: no CAP_SYS_ADMIN over the UTS namespace. EINVAL: longer than 64 bytes.
pub(crate) fn set_host_name(name: &OsStr) -> Result<()> {
    let name = name.as_bytes();
    // SAFETY: as many bytes as are said.
    Errno::result(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// setdomainname(2): the name of NIS, not of DNS.
///
/// # Errors
/// As `set_host_name`.
pub(crate) fn set_domain_name(name: &OsStr) -> Result<()> {
    let name = name.as_bytes();
    // SAFETY: as many bytes as are said.
    Errno::result(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Brings up `lo`, which gets 127.0.0.1 and ::1 by that (netdevice(7)).
///
/// # Errors
/// EPERM: no CAP_NET_ADMIN over the network namespace. EAFNOSUPPORT: a kernel without IPv4.
pub(crate) fn bring_up_loopback() -> Result<()> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all zeros is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = c_char::from_ne_bytes([*byte]);
    }
    // The flags fit: they are the lowest bits.
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as c_short;
    // The request's number has another type in each C library.
    let number = libc::SIOCSIFFLAGS as _;
    // SAFETY: the socket is open, and the argument an ifreq with name and flags.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), number, &raw const request) }).map(drop)
}

/// Makes a time namespace for children to come, whose clocks can be set until the first one is in it (unshare(2)).
///
/// # Errors
/// EPERM: no CAP_SYS_ADMIN. EINVAL: before Linux 5.6.
pub(crate) fn unshare_time() -> Result<()> {
    // SAFETY: takes flags; nothing that this process uses is taken from it.
    Errno::result(unsafe { libc::unshare(CLONE_NEWTIME) }).map(drop)
}

/// Enters a time namespace (setns(2)).
///
/// # Errors
/// EPERM: no CAP_SYS_ADMIN. EUSERS: the process shares its memory.
pub(crate) fn enter_time(namespace: impl AsFd) -> Result<()> {
    // SAFETY: the descriptor is open for as long as it is borrowed.
    Errno::result(unsafe { libc::setns(namespace.as_fd().as_raw_fd(), CLONE_NEWTIME) }).map(drop)
}

/// Missing from the libc crate for some C libraries.
const CLONE_NEWTIME: c_int = 0x80;
