//! Runs in: init, workload child (bare). A directory that paths are resolved in as if it were `/`, so that no symbolic
//! link and no `..` leads out of it (openat2(2), RESOLVE_IN_ROOT); mount points are made in it where they are missing.
//!
//! What is found is held by its descriptor and used by that, so that nobody can put something else in its place.

use crate::error::{Failure, Stage};
use crate::files;
use crate::sys::{attach, clone_tree, retry_interrupted};
use nix::Result as SysResult;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::unistd::{chdir, fchdir, pivot_root};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// What stands, or is to be made, at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    /// Anything else: a mount of any of it goes on an empty file.
    File,
}

impl Kind {
    pub(super) fn of(fd: &OwnedFd) -> SysResult<Self> {
        Ok(if files::is_directory(&fstat(fd)?) { Kind::Directory } else { Kind::File })
    }
}

/// A directory that paths are resolved in.
pub(super) struct Root(OwnedFd);

/// Enough to name a place; neither reads nor writes there.
const NAME_ONLY: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

impl Root {
    /// What is `/` for this process.
    ///
    /// # Errors
    /// EMFILE, ENFILE.
    pub(super) fn own() -> Result<Self, Failure> {
        let root = files::open(OsStr::new("/"), NAME_ONLY | OFlag::O_DIRECTORY);
        root.map(Root).map_err(|errno| Failure::new(Stage::OpenRoot, "/", errno))
    }

    /// A copy of the tree at `directory`, mounted on itself: pivot_root(2) wants a mount.
    ///
    /// # Errors
    /// ENOENT, ENOTDIR, EACCES: of the path. EPERM, ENOSYS: no such mounts here.
    pub(super) fn of_directory(directory: &OsStr) -> Result<Self, Failure> {
        let failed = |stage| move |errno| Failure::new(stage, directory, errno);
        let place = files::open(directory, NAME_ONLY | OFlag::O_DIRECTORY).map_err(failed(Stage::OpenRoot))?;
        let tree = clone_tree(&place, c"").map_err(failed(Stage::MountRoot))?;
        attach(&tree, &place).map_err(failed(Stage::MountRoot))?;
        Ok(Root(tree))
    }

    /// A mount of our own making.
    pub(super) fn of_mount(mount: OwnedFd) -> Self {
        Root(mount)
    }

    /// What stands at `path`, symbolic links followed inside.
    ///
    /// # Errors
    /// ENOENT, ENOTDIR, EACCES, ELOOP: of the path. ENOSYS before Linux 5.6.
    pub(super) fn find(&self, path: &OsStr) -> SysResult<OwnedFd> {
        self.resolve(path, ResolveFlag::empty())
    }

    fn resolve(&self, path: &OsStr, flags: ResolveFlag) -> SysResult<OwnedFd> {
        let inside = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let how = OpenHow::new().flags(NAME_ONLY).resolve(inside | flags);
        // EAGAIN is how the kernel says that somebody moved things about while it followed a `..`.
        let path = files::c_path(path)?;
        retry_interrupted(|| openat2(&self.0, path.as_c_str(), how))
    }

    /// Mounts `tree` on what was found at `target`, which is a directory if `tree` is one, and none if not.
    ///
    /// # Errors
    /// EPERM, ENOSYS: no such mounts here. ENOSPC: too many. EBUSY: it is the root itself, by a link; what is mounted on
    /// that is seen by nobody who looks from it.
    pub(super) fn mount_on(&self, tree: &OwnedFd, place: &OwnedFd, target: &OsStr) -> Result<(), Failure> {
        let mounted = self.refuse_root(place, target).and_then(|()| attach(tree, place));
        mounted.map_err(|errno| Failure::new(Stage::MountThere, target, errno))
    }

    /// Its directory may well be mounted somewhere inside, too: it is the root if no mount lies on the way.
    fn refuse_root(&self, place: &OwnedFd, target: &OsStr) -> SysResult<()> {
        if files::identity(&fstat(place)?) != files::identity(&fstat(&self.0)?) {
            return Ok(());
        }
        match self.resolve(target, ResolveFlag::RESOLVE_NO_XDEV) {
            Err(Errno::EXDEV) => Ok(()),
            _ => Err(Errno::EBUSY),
        }
    }

    /// Mounts `tree` at `target`, which is made where it is missing, like the directories above it.
    ///
    /// # Errors
    /// Of finding and making: `find`'s, EROFS, EACCES. ENOTDIR, EISDIR, when only one of the two is a directory.
    pub(super) fn mount(&self, tree: &OwnedFd, target: &OsStr) -> Result<(), Failure> {
        let failed = |stage| move |errno| Failure::new(stage, target, errno);
        let kind = Kind::of(tree).map_err(failed(Stage::MountThere))?;
        let place = self.find_or_make(target, kind).map_err(failed(Stage::MakeTarget))?;
        // The kernel's word for it would be EINVAL.
        match (kind, Kind::of(&place).map_err(failed(Stage::MountThere))?) {
            (Kind::Directory, Kind::File) => Err(failed(Stage::MountThere)(Errno::ENOTDIR)),
            (Kind::File, Kind::Directory) => Err(failed(Stage::MountThere)(Errno::EISDIR)),
            _ => self.mount_on(tree, &place, target),
        }
    }

    fn find_or_make(&self, target: &OsStr, kind: Kind) -> SysResult<OwnedFd> {
        match self.find(target) {
            Err(Errno::ENOENT) => self.make(target, kind),
            found => found,
        }
    }

    /// One name after the other, each looked up from the root again: what is found for the path so far may be a link to
    /// elsewhere inside.
    fn make(&self, target: &OsStr, kind: Kind) -> SysResult<OwnedFd> {
        let is_name = |name: &&[u8]| !name.is_empty() && *name != b".";
        let mut names = target.as_bytes().split(|byte| *byte == b'/').filter(is_name).peekable();
        let mut path = OsString::new();
        let mut found = self.0.try_clone().map_err(|error| crate::errno::errno_of(&error))?;
        while let Some(name) = names.next().map(OsStr::from_bytes) {
            path.push("/");
            path.push(name);
            let kind = if names.peek().is_none() { kind } else { Kind::Directory };
            found = match self.find(&path) {
                Err(Errno::ENOENT) => {
                    match make_one(&found, name, kind) {
                        // Somebody else was quicker; or it is a link to nowhere, of which the next look makes ENOENT.
                        Ok(()) | Err(Errno::EEXIST) => self.find(&path)?,
                        Err(errno) => return Err(errno),
                    }
                }
                there => there?,
            };
        }
        Ok(found)
    }

    /// Makes this directory, which must be the root of a mount, the root of the mount namespace and of this process. The
    /// old root is put on top of it and taken away, with all that is mounted below it: no directory is needed for it.
    ///
    /// # Errors
    /// EINVAL: `/` is the initial ramfs, which cannot be moved away.
    pub(super) fn become_root(self) -> SysResult<()> {
        fchdir(&self.0)?;
        pivot_root(c".", c".")?;
        umount2(c".", MntFlags::MNT_DETACH)?;
        chdir(c"/")
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Neither follows a link that stands there, but says EEXIST.
fn make_one(directory: &OwnedFd, name: &OsStr, kind: Kind) -> SysResult<()> {
    let name = files::c_path(name)?;
    let name = name.as_c_str();
    match kind {
        Kind::Directory => mkdirat(directory, name, Mode::from_bits_truncate(0o755)),
        Kind::File => {
            let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
            openat(directory, name, flags, Mode::from_bits_truncate(0o644)).map(drop)
        }
    }
}
