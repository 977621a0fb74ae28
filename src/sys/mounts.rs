//! Runs in: init, workload child (bare). Mounts by file descriptor, as Linux 5.2 and later have them: a mount is made
//! detached, seen by nobody, and put in its place when it is all it should be.

use super::retry_interrupted;
use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_long, c_uint};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null;

/// How far a change of a mount goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// This mount alone.
    Mount,
    /// It and all mounts below it.
    Tree,
}

/// What a new mount does not allow; the bits are those of mount_setattr(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MountAttributes(u64);

impl MountAttributes {
    pub(crate) const READ_ONLY: Self = MountAttributes(libc::MOUNT_ATTR_RDONLY);
    pub(crate) const NOSUID: Self = MountAttributes(libc::MOUNT_ATTR_NOSUID);
    pub(crate) const NODEV: Self = MountAttributes(libc::MOUNT_ATTR_NODEV);
    pub(crate) const NOEXEC: Self = MountAttributes(libc::MOUNT_ATTR_NOEXEC);

    pub(crate) const fn and(self, other: Self) -> Self {
        MountAttributes(self.0 | other.0)
    }
}

/// Takes over a descriptor that a system call has just returned.
fn owned(fd: c_long) -> Result<OwnedFd> {
    let fd = RawFd::try_from(Errno::result(fd)?).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: every caller passes the result of a call that makes a descriptor, whose number nobody else knows.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A detached copy of the file or directory at `path`, which may be empty for `directory` itself, with all mounts below it
/// (open_tree(2), Linux 5.2).
///
/// # Errors
/// ENOENT, ENOTDIR, EACCES: of the path. EPERM: no CAP_SYS_ADMIN over the mount namespace, or a filter. ENOSYS.
pub(crate) fn clone_tree(directory: impl AsFd, path: &CStr) -> Result<OwnedFd> {
    // Neither constant has a bit above those of an int.
    let flags = libc::OPEN_TREE_CLONE
        | libc::OPEN_TREE_CLOEXEC
        | (libc::AT_RECURSIVE | libc::AT_EMPTY_PATH).cast_unsigned();
    let directory = directory.as_fd();
    retry_interrupted(|| {
        // SAFETY: `path` ends in NUL and `directory` is open, both for as long as they are borrowed here.
        owned(unsafe { libc::syscall(libc::SYS_open_tree, directory.as_raw_fd(), path.as_ptr(), flags) })
    })
}

/// Puts a detached tree on top of the file or directory that `target` stands for (move_mount(2), Linux 5.2).
///
/// # Errors
/// EINVAL: a directory on something else, or the other way round; `target` is not in our mount namespace. ENOSYS.
pub(crate) fn attach(tree: impl AsFd, target: impl AsFd) -> Result<()> {
    const SELF: &CStr = c"";
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (tree, target) = (tree.as_fd(), target.as_fd());
    let (from, to) = (tree.as_raw_fd(), target.as_raw_fd());
    retry_interrupted(|| {
        // SAFETY: the paths are empty static strings, and both descriptors are open for as long as they are borrowed.
        let done = unsafe { libc::syscall(libc::SYS_move_mount, from, SELF.as_ptr(), to, SELF.as_ptr(), flags) };
        Errno::result(done).map(drop)
    })
}

/// Makes a mount read-only, by its root (mount_setattr(2), Linux 5.12).
///
/// # Errors
/// EINVAL: `mount` is not the root of one. EBUSY: somebody writes there. ENOSYS.
pub(crate) fn set_read_only(mount: impl AsFd, extent: Extent) -> Result<()> {
    const SELF: &CStr = c"";
    let recursive = if extent == Extent::Tree { libc::AT_RECURSIVE } else { 0 };
    let flags = libc::AT_EMPTY_PATH | recursive;
    let attributes =
        libc::mount_attr { attr_set: MountAttributes::READ_ONLY.0, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let (fd, size) = (mount.as_fd(), size_of::<libc::mount_attr>());
    retry_interrupted(|| {
        let (fd, attributes) = (fd.as_raw_fd(), &raw const attributes);
        // SAFETY: an empty static string, and attributes of the size given, which the kernel only reads.
        let done = unsafe { libc::syscall(libc::SYS_mount_setattr, fd, SELF.as_ptr(), flags, attributes, size) };
        Errno::result(done).map(drop)
    })
}

/// A detached mount of a new file system of this kind, with its options (fsopen(2), fsconfig(2), fsmount(2), Linux 5.2).
///
/// # Errors
/// EINVAL: an option is not understood, or its id not mapped. EPERM: not for this user namespace, or, for proc, the
/// caller's own is masked. ENODEV: the kernel does not have it. ENOSYS.
pub(crate) fn new_file_system(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: MountAttributes,
) -> Result<OwnedFd> {
    // SAFETY: a NUL-terminated name.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), libc::FSOPEN_CLOEXEC) })?;
    // What mountinfo shows as the source.
    configure(&context, libc::FSCONFIG_SET_STRING, Some((c"source", kind)))?;
    for option in options {
        configure(&context, libc::FSCONFIG_SET_STRING, Some(*option))?;
    }
    configure(&context, libc::FSCONFIG_CMD_CREATE, None)?;
    let context = context.as_raw_fd();
    // SAFETY: an open descriptor and two numbers.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context, libc::FSMOUNT_CLOEXEC, attributes.0) })
}

fn configure(context: &OwnedFd, command: c_uint, option: Option<(&CStr, &CStr)>) -> Result<()> {
    let (key, value) = option.map_or((null(), null()), |(key, value)| (key.as_ptr(), value.as_ptr()));
    let context = context.as_raw_fd();
    // SAFETY: key and value are NUL-terminated strings where the command takes them, and NULL where it must have NULL.
    Errno::result(unsafe { libc::syscall(libc::SYS_fsconfig, context, command, key, value, 0) }).map(drop)
}
