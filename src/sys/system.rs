//! Runs in: any thread-free process. What is set in new UTS, network and time namespaces; what is asked of any.

use crate::namespace::{Kind, Kinds};
use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_short};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
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

/// The user namespace that owns a namespace; of a user namespace, the one that it was made in (`NS_GET_USERNS`,
/// ioctl_ns(2)).
///
/// # Errors
/// EPERM: there is none, or it is not of the caller's own user namespace nor of one below it.
pub(crate) fn owning_user_namespace(namespace: BorrowedFd<'_>) -> Result<OwnedFd> {
    const NS_GET_USERNS: u32 = 0xb701;
    related_namespace(namespace, NS_GET_USERNS)
}

/// The namespace that a PID or user namespace was made in (`NS_GET_PARENT`, ioctl_ns(2)).
///
/// # Errors
/// EPERM: there is none, or it is not the caller's own nor below it. EINVAL: of another kind.
pub(crate) fn parent_namespace(namespace: BorrowedFd<'_>) -> Result<OwnedFd> {
    const NS_GET_PARENT: u32 = 0xb702;
    related_namespace(namespace, NS_GET_PARENT)
}

fn related_namespace(namespace: BorrowedFd<'_>, number: u32) -> Result<OwnedFd> {
    // The request's number has another type in each C library.
    let number = number as _;
    // SAFETY: the descriptor is open for as long as it is borrowed; there is no argument.
    let fd = Errno::result(unsafe { libc::ioctl(namespace.as_raw_fd(), number) })?;
    // SAFETY: the call just made this descriptor, close-on-exec; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Who made a user namespace (`NS_GET_OWNER_UID`, ioctl_ns(2)), as seen from the caller's.
///
/// # Errors
/// EINVAL: of another kind.
pub(crate) fn owner_uid(namespace: BorrowedFd<'_>) -> Result<u32> {
    const NS_GET_OWNER_UID: u32 = 0xb704;
    // The request's number has another type in each C library.
    let number = NS_GET_OWNER_UID as _;
    let mut uid = 0;
    // SAFETY: the descriptor is open for as long as it is borrowed, and the argument is the place for a uid_t.
    Errno::result(unsafe { libc::ioctl(namespace.as_raw_fd(), number, &raw mut uid) })?;
    Ok(uid)
}

/// Missing from the libc crate for some C libraries.
const CLONE_NEWTIME: c_int = 0x80;
