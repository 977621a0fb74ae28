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
        if !keeper.directory.is_dir() {
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
    let mut released = 0;
    for file in Kind::ALL.map(|kind| directory.join(kind.name())) {
        // Not there, or no namespace: what somebody else put there is not ours to remove.
        if namespace::open(&file, OFlag::O_NOFOLLOW).is_err() {
            continue;
        }
        umount2(&file, DETACH).map_err(|errno| failed(&file, errno))?;
        fs::remove_file(&file).map_err(|error| io_failed(&file, &error))?;
        released += 1;
    }
    if released == 0 {
        return Err(failed(&directory, Errno::ENOENT));
    }
    match umount2(&directory, DETACH) {
        Ok(()) | Err(Errno::EINVAL) => {}
        Err(errno) => return Err(failed(&directory, errno)),
    }
    // Ignoring the error: something else is in it.
    let _ = fs::remove_dir(&directory);
    Ok(())
}
