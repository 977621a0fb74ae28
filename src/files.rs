//! Runs in: any thread-free process. Small files and what paths stand for, by system calls. Not by `std::fs`, whose errors are
//! twice as wide and weigh on whatever passes them on.

use crate::sys::retry_interrupted;
use nix::Result;
use nix::errno::Errno;
use nix::fcntl::{self, OFlag};
use nix::sys::stat::{self, FileStat, Mode, SFlag};
use nix::unistd;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A path as system calls take it. (nix would do that anew for each call and each type of path.)
///
/// # Errors
/// EINVAL: it holds a NUL byte.
#[inline(never)]
pub(crate) fn c_path(path: &OsStr) -> Result<CString> {
    CString::new(path.as_bytes()).map_err(|_| Errno::EINVAL)
}

/// Opens a file, for nobody who runs after exec. What is made is for its owner to write and for all to read.
///
/// # Errors
/// Those of open(2).
#[inline(never)]
pub(crate) fn open(path: &OsStr, flags: OFlag) -> Result<OwnedFd> {
    let (path, mode) = (c_path(path)?, Mode::from_bits_truncate(0o644));
    loop {
        match fcntl::open(path.as_c_str(), flags | OFlag::O_CLOEXEC, mode) {
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

/// All that stands in a file of /proc or /sys, or in one as small.
///
/// # Errors
/// Those of open(2) and read(2).
#[inline(never)]
pub(crate) fn read(path: fmt::Arguments<'_>) -> Result<Vec<u8>> {
    read_from(&open(OsStr::new(&fmt::format(path)), OFlag::O_RDONLY)?)
}

/// The rest of a file, but of nothing that has no end.
///
/// # Errors
/// Those of read(2). EFBIG: it is longer than any that is meant to be read.
pub(crate) fn read_from(file: &OwnedFd) -> Result<Vec<u8>> {
    /// /etc/passwd with a few hundred thousand users.
    const MOST: usize = 32 << 20;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while bytes.len() <= MOST {
        match unistd::read(file, &mut part) {
            Err(Errno::EINTR) => {}
            Ok(0) => return Ok(bytes),
            read => bytes.extend_from_slice(part.get(..read?).unwrap_or_default()),
        }
    }
    Err(Errno::EFBIG)
}

/// The same as text, without space at its ends; `None` where there is none.
#[inline(never)]
pub(crate) fn text(path: fmt::Arguments<'_>) -> Option<String> {
    let bytes = read(path).ok()?;
    String::from_utf8(bytes.trim_ascii().to_vec()).ok()
}

/// The number that is all that stands in a file.
#[inline(never)]
pub(crate) fn number(path: fmt::Arguments<'_>) -> Option<u64> {
    text(path)?.parse().ok()
}

/// Writes to a file that is there, in one write(2).
///
/// # Errors
/// Those of open(2) and write(2). EIO: it was not all taken.
#[inline(never)]
pub(crate) fn write(path: fmt::Arguments<'_>, content: &str) -> Result<()> {
    let file = open(OsStr::new(&fmt::format(path)), OFlag::O_WRONLY)?;
    let written = retry_interrupted(|| unistd::write(&file, content.as_bytes()))?;
    if written == content.len() { Ok(()) } else { Err(Errno::EIO) }
}

/// What a symbolic link leads to.
///
/// # Errors
/// Those of readlink(2).
#[inline(never)]
pub(crate) fn link(path: fmt::Arguments<'_>) -> Result<OsString> {
    fcntl::readlink(c_path(OsStr::new(&fmt::format(path)))?.as_c_str())
}

/// What a path stands for, links followed.
///
/// # Errors
/// Those of stat(2).
#[inline(never)]
pub(crate) fn stat(path: &OsStr) -> Result<FileStat> {
    stat::stat(c_path(path)?.as_c_str())
}

/// Whether a path stands for something.
pub(crate) fn exists(path: fmt::Arguments<'_>) -> bool {
    stat(OsStr::new(&fmt::format(path))).is_ok()
}

/// What kind of file this is: one of `SFlag::S_IF…`.
pub(crate) fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// Whether this is a directory.
pub(crate) fn is_directory(stat: &FileStat) -> bool {
    kind(stat) == SFlag::S_IFDIR
}

/// Takes away a file.
///
/// # Errors
/// Those of unlink(2).
pub(crate) fn remove(path: &OsStr) -> Result<()> {
    unistd::unlink(c_path(path)?.as_c_str())
}

/// Device and inode, by which two paths are known to be the same file.
pub(crate) fn identity(stat: &FileStat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// What stands in a directory, by its whole path.
pub(crate) fn below(directory: &OsStr, name: &[u8]) -> OsString {
    OsString::from_vec([without_slash(directory.as_bytes()), b"/", name].concat())
}

/// The root directory is the one path that may end in a slash here.
pub(crate) fn without_slash(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

/// The path of a directory from the root on, without links in it; as /proc knows it.
///
/// # Errors
/// Those of open(2). ENOTDIR: it is none. ENOENT: there is no /proc.
pub(crate) fn directory(path: &OsStr) -> Result<OsString> {
    use std::os::fd::AsRawFd;
    let directory = open(path, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
    if stat::fstat(&directory)?.st_nlink == 0 {
        // Somebody has removed it.
        return Err(Errno::ENOENT);
    }
    link(format_args!("/proc/self/fd/{}", directory.as_raw_fd()))
}
