//! Runs in: outer. Keeps namespaces as files, namespaces(7): a file below /proc/PID/ns, bind-mounted somewhere else, keeps the
//! namespace when the last process has left it.

use crate::error::{Failure, Stage, Voice, errno_of};
use crate::exit::PIDONE_FAILED;
use crate::namespace::{self, Kind, Kinds};
use crate::sys::retry_interrupted;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Whoever may write to the directory must not make us unmount what is elsewhere.
const DETACH: MntFlags = MntFlags::MNT_DETACH.union(MntFlags::UMOUNT_NOFOLLOW);

/// A directory that namespaces are kept in; given up again when dropped, unless they are.
pub(crate) struct Keeper {
    directory: PathBuf,
    /// Whether the directory was not there before.
    made: bool,
    /// Whether it is a mount of its own now.
    mounted: bool,
    /// The files that were made in it.
    kept: Vec<PathBuf>,
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
        let directory = PathBuf::from(directory);
        let mut keeper = Keeper { directory, made: false, mounted: false, kept: Vec::new(), done: false };
        match fs::create_dir(&keeper.directory) {
            Ok(()) => keeper.made = true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failure(&keeper.directory, errno_of(&error))),
        }
        // From here on paths must not depend on a working directory.
        keeper.directory =
            fs::canonicalize(&keeper.directory).map_err(|error| failure(&keeper.directory, errno_of(&error)))?;
        let found =
            fs::metadata(&keeper.directory).map_err(|error| failure(&keeper.directory, errno_of(&error)))?;
        if !found.is_dir() {
            return Err(failure(&keeper.directory, Errno::ENOTDIR));
        }
        if let Some(file) = keeper.files(Kinds::of(&Kind::ALL)).map(|(_, file)| file).find(|file| file.exists()) {
            return Err(failure(&file, Errno::EEXIST));
        }
        let directory = keeper.directory.clone();
        bind(&directory, &directory).map_err(|errno| failure(&directory, errno))?;
        keeper.mounted = true;
        change(&directory, MsFlags::MS_PRIVATE).map_err(|errno| failure(&directory, errno))?;
        Ok(keeper)
    }

    /// Keeps the namespaces of these kinds that `child` is in, or has made for its children.
    ///
    /// # Errors
    /// ENOENT: the child is gone. EPERM, ENOSPC, ….
    pub(crate) fn keep(&mut self, child: Pid, kinds: Kinds) -> Result<(), Failure> {
        for (kind, file) in self.files(kinds).collect::<Vec<_>>() {
            // An init is in none of its own for time: it has made it for the workload.
            let link = |name: &str| PathBuf::from(format!("/proc/{child}/ns/{name}"));
            let source = if kind == Kind::Time { link("time_for_children") } else { link(kind.name()) };
            fs::File::create_new(&file).map_err(|error| failure(&file, errno_of(&error)))?;
            self.kept.push(file.clone());
            bind(&source, &file).map_err(|errno| failure(&file, errno))?;
        }
        Ok(())
    }

    /// They are to stay.
    pub(crate) fn leave(mut self) {
        self.done = true;
    }

    fn files(&self, kinds: Kinds) -> impl Iterator<Item = (Kind, PathBuf)> {
        let directory = self.directory.clone();
        kinds.iter().map(move |kind| (kind, directory.join(kind.name())))
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
            let _ = umount2(file, DETACH);
            let _ = fs::remove_file(file);
        }
        if self.mounted {
            let _ = umount2(&self.directory, DETACH);
        }
        if self.made {
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

fn failure(path: &Path, errno: Errno) -> Failure {
    Failure::new(Stage::KeepNamespace, path, errno)
}

fn bind(source: &Path, target: &Path) -> nix::Result<()> {
    retry_interrupted(|| mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>))
}

fn change(target: &Path, flags: MsFlags) -> nix::Result<()> {
    retry_interrupted(|| mount(None::<&str>, target, None::<&str>, flags, None::<&str>))
}

/// `pidone release DIR`: drops what is kept there, and the directory if nothing else is in it. Returns the exit status.
pub(crate) fn release(directory: &OsStr) -> u8 {
    match release_all(Path::new(directory)) {
        Ok(()) => 0,
        Err((path, errno)) => {
            let hint = match errno {
                Errno::EPERM => Some("this takes CAP_SYS_ADMIN, as --persist did"),
                Errno::ENOENT | Errno::ENOTDIR => {
                    Some("no namespace is kept there: a directory made by --persist is wanted")
                }
                _ => None,
            };
            Failure::new(Stage::ReleaseNamespace, path, errno).print(Voice::Pidone, hint);
            PIDONE_FAILED
        }
    }
}

fn release_all(directory: &Path) -> Result<(), (OsString, Errno)> {
    let failed = |path: &Path, errno| (path.as_os_str().to_owned(), errno);
    let io_failed = |path: &Path, error: &std::io::Error| failed(path, errno_of(error));
    let directory = fs::canonicalize(directory).map_err(|error| io_failed(directory, &error))?;
    let files = Kind::ALL.map(|kind| directory.join(kind.name()));
    let mut released = false;
    for file in &files {
        match namespace::open(file, OFlag::O_NOFOLLOW) {
            Ok(_) => {}
            // Not there, or no namespace: what somebody else put there is not ours to remove.
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTTY | Errno::ENXIO) => continue,
            Err(errno) => return Err(failed(file, errno)),
        }
        umount2(file, DETACH).map_err(|errno| failed(file, errno))?;
        fs::remove_file(file).map_err(|error| io_failed(file, &error))?;
        released = true;
    }
    // More than one, where somebody who kept namespaces here was killed before all was done.
    while is_bound_on_itself(&directory) {
        // Made, but nothing was mounted on it yet.
        let is_left =
            |file: &&PathBuf| fs::symlink_metadata(file).is_ok_and(|file| file.is_file() && file.len() == 0);
        files
            .iter()
            .filter(is_left)
            .try_for_each(fs::remove_file)
            .map_err(|error| io_failed(&directory, &error))?;
        umount2(&directory, DETACH).map_err(|errno| failed(&directory, errno))?;
        released = true;
    }
    if !released {
        return Err(failed(&directory, Errno::ENOENT));
    }
    // Ignoring the error: something else is in it.
    let _ = fs::remove_dir(&directory);
    Ok(())
}

/// Whether a directory is a mount of itself, as a `Keeper` makes it, by proc_pid_mountinfo(5).
fn is_bound_on_itself(directory: &Path) -> bool {
    let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mounts: Vec<_> = text.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect();
    // The last one is on top.
    let Some(top) = mounts.iter().rev().find(|mount| mount.point == directory) else { return false };
    let below = mounts.iter().find(|mount| mount.id == top.parent && mount.device == top.device);
    below.is_some_and(|below| {
        directory.strip_prefix(&below.point).is_ok_and(|rest| below.root.join(rest) == top.root)
    })
}

/// A line of proc_pid_mountinfo(5).
struct Mount<'a> {
    id: &'a [u8],
    parent: &'a [u8],
    device: &'a [u8],
    /// What of the file system is mounted.
    root: PathBuf,
    point: PathBuf,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let (id, parent, device) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Mount { id, parent, device, root: unescaped(fields.next()?), point: unescaped(fields.next()?) })
    }
}

/// Space, tab, newline and backslash stand there as `\040` and the like.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::new();
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.split_at_checked(3).filter(|_| *first == b'\\');
        let code = code
            .and_then(|(digits, after)| Some((u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()?, after)));
        let (byte, after) = code.unwrap_or((*first, after));
        path.push(byte);
        rest = after;
    }
    OsString::from_vec(path).into()
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
        assert_eq!((mount.root, mount.point), (PathBuf::from("/mnt1"), PathBuf::from("/mnt two\\")));
        assert_eq!(unescaped(b"\\9x\\"), PathBuf::from("\\9x\\"));
        assert!(Mount::parse(b"36 35").is_none());
    }
}
