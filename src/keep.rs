//! Runs in: outer. Keeps namespaces as files, namespaces(7): a file below /proc/PID/ns, bind-mounted somewhere else, keeps the
//! namespace when the last process has left it.

use crate::error::{Failure, Stage, Voice};
use crate::exit::PIDONE_FAILED;
use crate::files;
use crate::namespace::{self, Kind, Kinds};
use crate::sys::retry_interrupted;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, SFlag, lstat};
use nix::unistd::{Pid, UnlinkatFlags, mkdir, unlinkat};
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// A directory that namespaces are kept in; given up again when dropped, unless they are.
pub(crate) struct Keeper {
    directory: OsString,
    /// Whether the directory was not there before.
    made: bool,
    /// Whether it is a mount of its own now.
    mounted: bool,
    /// The files that were made in it.
    kept: Vec<OsString>,
    done: bool,
}

impl Keeper {
    /// Makes the directory ready, itself if need be: it becomes a mount of its own, and a private one, or the file of a mount
    /// namespace could not be mounted in it (it might come to lie in itself).
    ///
    /// # Errors
    /// EPERM: no CAP_SYS_ADMIN over our own mount namespace. EEXIST: something is kept there already. ENOTDIR: a file has
    /// that name.
    pub(crate) fn new(directory: &OsStr) -> Result<Self, Failure> {
        let mut keeper =
            Keeper { directory: directory.to_owned(), made: false, mounted: false, kept: Vec::new(), done: false };
        match files::c_path(directory).and_then(|path| mkdir(path.as_c_str(), Mode::from_bits_truncate(0o777))) {
            Ok(()) => keeper.made = true,
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(failure(directory, errno)),
        }
        // From here on paths must not depend on a working directory.
        keeper.directory = files::directory(directory).map_err(|errno| failure(directory, errno))?;
        for kind in Kind::ALL {
            let file = keeper.file(kind);
            if files::stat(&file).is_ok() {
                return Err(failure(&file, Errno::EEXIST));
            }
        }
        let directory = keeper.directory.as_os_str();
        bind(directory, directory).map_err(|errno| failure(directory, errno))?;
        keeper.mounted = true;
        make_private(directory).map_err(|errno| failure(directory, errno))?;
        Ok(keeper)
    }

    /// Keeps the namespaces of these kinds that `child` is in, or has made for its children.
    ///
    /// # Errors
    /// ENOENT: the child is gone. EPERM, ENOSPC, ….
    pub(crate) fn keep(&mut self, child: Pid, kinds: Kinds) -> Result<(), Failure> {
        for kind in kinds.iter() {
            let file = self.file(kind);
            // An init is in none of its own for time: it has made it for the workload.
            let name = if kind == Kind::Time { "time_for_children" } else { kind.name() };
            let source = format!("/proc/{child}/ns/{name}");
            self.keep_one(OsStr::new(&source), &file).map_err(|errno| failure(&file, errno))?;
        }
        Ok(())
    }

    fn keep_one(&mut self, source: &OsStr, file: &OsStr) -> nix::Result<()> {
        files::open(file, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL)?;
        self.kept.push(file.to_owned());
        bind(source, file)
    }

    /// They are to stay.
    pub(crate) fn leave(mut self) {
        self.done = true;
    }

    fn file(&self, kind: Kind) -> OsString {
        files::below(&self.directory, kind.name().as_bytes())
    }
}

impl Drop for Keeper {
    /// Nothing is left of what was begun.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        for file in &self.kept {
            // Ignoring errors: it may not have come to be a mount.
            let _ = detach(file);
            let _ = files::remove(file);
        }
        if self.mounted {
            let _ = detach(&self.directory);
        }
        if self.made {
            let _ = remove_directory(&self.directory);
        }
    }
}

fn failure(path: &OsStr, errno: Errno) -> Failure {
    Failure::new(Stage::KeepNamespace, path, errno)
}

/// Whoever may write to the directory must not make us unmount what is elsewhere.
#[inline(never)]
fn detach(path: &OsStr) -> nix::Result<()> {
    umount2(files::c_path(path)?.as_c_str(), MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)
}

fn remove_directory(path: &OsStr) -> nix::Result<()> {
    unlinkat(AT_FDCWD, files::c_path(path)?.as_c_str(), UnlinkatFlags::RemoveDir)
}

/// No argument.
const NONE: Option<&CStr> = None;

fn bind(source: &OsStr, target: &OsStr) -> nix::Result<()> {
    let (source, target) = (files::c_path(source)?, files::c_path(target)?);
    retry_interrupted(|| mount(Some(source.as_c_str()), target.as_c_str(), NONE, MsFlags::MS_BIND, NONE))
}

fn make_private(target: &OsStr) -> nix::Result<()> {
    let target = files::c_path(target)?;
    retry_interrupted(|| mount(NONE, target.as_c_str(), NONE, MsFlags::MS_PRIVATE, NONE))
}

/// `pidone release DIR`: drops what is kept there, and the directory if nothing else is in it. Returns the exit status.
pub(crate) fn release(directory: &OsStr) -> u8 {
    let Err(failure) = release_all(directory) else { return 0 };
    let hint = match failure.errno {
        Errno::EPERM => Some("this takes CAP_SYS_ADMIN, as --persist did"),
        Errno::ENOENT | Errno::ENOTDIR => {
            Some("no namespace is kept there: a directory made by --persist is wanted")
        }
        _ => None,
    };
    failure.print(Voice::Pidone, hint);
    PIDONE_FAILED
}

fn release_all(directory: &OsStr) -> Result<(), Failure> {
    let failed = |path: &OsStr, errno| Failure::new(Stage::ReleaseNamespace, path, errno);
    let directory = &files::directory(directory).map_err(|errno| failed(directory, errno))?;
    let mut released = false;
    for kind in Kind::ALL {
        let file = files::below(directory, kind.name().as_bytes());
        match namespace::open(&file, OFlag::O_NOFOLLOW) {
            Ok(_) => {}
            // Not there, or no namespace: what somebody else put there is not ours to remove.
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTTY | Errno::ENXIO) => continue,
            Err(errno) => return Err(failed(&file, errno)),
        }
        detach(&file).and_then(|()| files::remove(&file)).map_err(|errno| failed(&file, errno))?;
        released = true;
    }
    // More than one, where somebody who kept namespaces here was killed before all was done.
    while is_bound_on_itself(directory) {
        remove_left(directory).and_then(|()| detach(directory)).map_err(|errno| failed(directory, errno))?;
        released = true;
    }
    if !released {
        return Err(failed(directory, Errno::ENOENT));
    }
    // Ignoring the error: something else is in it.
    let _ = remove_directory(directory);
    Ok(())
}

/// Files that were made, but that nothing was mounted on yet.
fn remove_left(directory: &OsStr) -> nix::Result<()> {
    for kind in Kind::ALL {
        let file = files::below(directory, kind.name().as_bytes());
        let is_left = lstat(files::c_path(&file)?.as_c_str())
            .is_ok_and(|stat| stat.st_size == 0 && files::kind(&stat) == SFlag::S_IFREG);
        if is_left {
            files::remove(&file)?;
        }
    }
    Ok(())
}

/// Whether a directory is a mount of itself, as a `Keeper` makes it, by proc_pid_mountinfo(5).
fn is_bound_on_itself(directory: &OsStr) -> bool {
    let text = files::read(format_args!("/proc/self/mountinfo")).unwrap_or_default();
    let mut mounts = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        mounts.extend(Mount::parse(line));
    }
    // The last one is on top.
    let Some(top) = mounts.iter().rev().find(|mount| mount.point == directory.as_bytes()) else { return false };
    let below = mounts.iter().find(|mount| mount.id == top.parent && mount.device == top.device);
    below.is_some_and(|below| below.shows(directory.as_bytes()).is_some_and(|shown| shown == top.root))
}

/// A line of proc_pid_mountinfo(5).
struct Mount<'a> {
    id: &'a [u8],
    parent: &'a [u8],
    device: &'a [u8],
    /// What of the file system is mounted.
    root: Vec<u8>,
    point: Vec<u8>,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let mut field = || fields.next();
        let (id, parent, device) = (field()?, field()?, field()?);
        Some(Mount { id, parent, device, root: unescaped(field()?), point: unescaped(field()?) })
    }

    /// What of the file system is seen at a path that lies on this mount.
    fn shows(&self, path: &[u8]) -> Option<Vec<u8>> {
        let rest = path.strip_prefix(files::without_slash(&self.point))?;
        match rest.first() {
            None => Some(self.root.clone()),
            Some(b'/') => Some([files::without_slash(&self.root), rest].concat()),
            Some(_) => None,
        }
    }
}

/// Space, tab, newline and backslash stand there as `\040` and the like.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut path = Vec::new();
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] if *first == b'\\' => {
                ((a & 3) << 6 | (b & 7) << 3 | c & 7, after)
            }
            _ => (*first, after),
        };
        path.push(byte);
        rest = after;
    }
    path
}

#[cfg(test)]
#[path = "fuzz/keep.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_taken_apart() {
        let line = b"36 35 98:0 /mnt1 /mnt\\040two\\134 rw,noatime master:1 - ext3 /dev/root rw";
        let mount = Mount::parse(line).unwrap();
        assert_eq!((mount.id, mount.parent, mount.device), (&b"36"[..], &b"35"[..], &b"98:0"[..]));
        assert_eq!((mount.root, mount.point), (b"/mnt1".to_vec(), b"/mnt two\\".to_vec()));
        assert_eq!(unescaped(b"\\9x\\"), b"\\9x\\");
        assert!(Mount::parse(b"36 35").is_none());
    }

    #[test]
    fn what_a_mount_shows_at_a_path() {
        let shown = |line: &str, path: &str| {
            let mount = Mount::parse(line.as_bytes()).unwrap();
            mount.shows(path.as_bytes()).map(|shown| String::from_utf8(shown).unwrap())
        };
        let table = [
            ("1 0 8:1 / / rw", "/a/b", Some("/a/b")),
            ("1 0 8:1 /x /a rw", "/a/b", Some("/x/b")),
            ("1 0 8:1 /x /a rw", "/a", Some("/x")),
            ("1 0 8:1 / /a rw", "/a/b", Some("/b")),
            ("1 0 8:1 /x / rw", "/a", Some("/x/a")),
            ("1 0 8:1 /x /a rw", "/ab", None),
            ("1 0 8:1 /x /a rw", "/b", None),
        ];
        for (line, path, expected) in table {
            assert_eq!(shown(line, path).as_deref(), expected, "{path} on {line}");
        }
    }
}
