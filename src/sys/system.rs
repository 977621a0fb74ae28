//! Runs in: init, workload child. What is set in new UTS, network and time namespaces.

use crate::namespace::{Kind, Kinds};
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

/// Enters the namespace of a file, which must be of this kind; or, with the descriptor of a process (Linux 5.8), its
/// namespaces of all these kinds at once (setns(2)). A PID namespace is entered by children alone.
///
/// # Errors
/// EPERM: no CAP_SYS_ADMIN over it, or CAP_SYS_CHROOT for one of mounts. EINVAL: of another kind, or a user namespace that
/// is ours already. ESRCH: the process is gone. EUSERS: the process shares its memory, and is to enter one of time.
pub(crate) fn enter(namespace: impl AsFd, kinds: Kinds) -> Result<()> {
    // SAFETY: the descriptor is open for as long as it is borrowed.
    Errno::result(unsafe { libc::setns(namespace.as_fd().as_raw_fd(), kinds.flags()) }).map(drop)
}

/// The kind of the namespace that a descriptor is of (`NS_GET_NSTYPE`, ioctl_ns(2)).
///
/// # Errors
/// ENOTTY: it is of none.
pub(crate) fn kind_of(namespace: impl AsFd) -> Result<Kind> {
    const NS_GET_NSTYPE: u32 = 0xb703;
    // The request's number has another type in each C library.
    let number = NS_GET_NSTYPE as _;
    // SAFETY: the descriptor is open for as long as it is borrowed; there is no argument.
    let flag = Errno::result(unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), number) })?;
    Kind::of_flag(flag).ok_or(Errno::ENOTTY)
}

/// Missing from the libc crate for some C libraries.
const CLONE_NEWTIME: c_int = 0x80;
