//! Runs in: init in place, before the first namespace is entered. Opens all that a target has: its namespaces, its root and its
//! working directory. After that the target may end, or change; what was opened stays what it was.

use crate::error::{Failure, Stage, errno_of};
use crate::namespace::{self, Kind, Kinds};
use crate::request::Target;
use crate::sys;
use log::{info, warn};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, fstat, stat};
use nix::unistd::Pid;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What is to be entered.
pub(super) struct Joining {
    /// A process, whose namespaces can be entered all at once.
    pub(super) process: Option<OwnedFd>,
    /// Each with its path, for messages. None is one that we are in already.
    pub(super) namespaces: Vec<(Kind, PathBuf, OwnedFd)>,
    /// The target's root directory, where that is another than ours.
    pub(super) root: Option<(PathBuf, OwnedFd)>,
    /// Its working directory, unless its mounts are not asked for.
    pub(super) directory: Option<(PathBuf, OwnedFd)>,
}

impl Joining {
    /// Opens everything.
    ///
    /// # Errors
    /// The process is gone; a file cannot be opened, or is no namespace.
    pub(super) fn open(target: &Target, only: Option<Kinds>) -> Result<Self, Failure> {
        let wanted = only.unwrap_or(Kinds::of(&Kind::ALL));
        let joining = match target {
            Target::Process(pid) => Self::of_process(*pid, wanted)?,
            Target::Kept(directory) => Self::of_directory(Path::new(directory), wanted)?,
            Target::Files(files) => {
                let opened = files.iter().map(|file| open_file(Path::new(file)));
                Self::of_files(opened.collect::<Result<_, _>>()?, wanted)?
            }
        };
        Ok(joining)
    }

    fn of_process(pid: i32, wanted: Kinds) -> Result<Self, Failure> {
        let directory = PathBuf::from(format!("/proc/{pid}"));
        let gone = |errno| Failure::new(Stage::FindTarget, pid.to_string(), errno);
        // Before Linux 5.3 there is none: then each namespace is entered by its file.
        let process = match sys::pidfd_open(Pid::from_raw(pid)) {
            Err(errno @ (Errno::ESRCH | Errno::EINVAL)) => return Err(gone(errno)),
            other => other.ok(),
        };
        fs::metadata(&directory).map_err(|error| gone(errno_of(&error)))?;
        let kinds = Kind::ALL.into_iter().filter(|kind| wanted.has(*kind));
        // A kind that this kernel does not have has no file. A process that has ended has few of them left: where we have one
        // and it has not, to go on without it would be to run the command out here.
        let kinds = kinds.filter(|kind| Path::new("/proc/self/ns").join(kind.name()).try_exists().unwrap_or(true));
        let files = kinds.map(|kind| {
            open_file(&file_of(&directory, kind)).map_err(|failure| match failure.errno {
                Errno::ENOENT | Errno::ESRCH => gone(Errno::ESRCH),
                _ => failure,
            })
        });
        let mut joining = Self::of_files(files.collect::<Result<_, _>>()?, wanted)?;
        if wanted.has(Kind::Mount) {
            let root = open_directory(directory.join("root"))?;
            let is_elsewhere = joining.kinds().has(Kind::Mount) || !is_same("/", &root.1);
            joining.root = is_elsewhere.then_some(root);
            joining.directory = Some(open_directory(directory.join("cwd"))?);
        }
        // Alive now, so all that was opened is that process's.
        if process.as_ref().is_some_and(has_ended) {
            return Err(gone(Errno::ESRCH));
        }
        // By the descriptor of the process alone one would get into the namespace that it is in.
        let is_its_own = |(kind, path, _): &(Kind, PathBuf, OwnedFd)| path.ends_with(kind.name());
        let process = process.filter(|_| joining.namespaces.iter().all(is_its_own));
        Ok(Joining { process, ..joining })
    }

    fn of_directory(directory: &Path, wanted: Kinds) -> Result<Self, Failure> {
        let opened = Kind::ALL.into_iter().map(|kind| open_file(&directory.join(kind.name())));
        let is_missing = |failure: &Failure| matches!(failure.errno, Errno::ENOENT | Errno::ENOTDIR);
        let files: Vec<_> =
            opened.filter(|file| !file.as_ref().is_err_and(is_missing)).collect::<Result<_, _>>()?;
        if files.is_empty() {
            let is_file = fs::metadata(directory).is_ok_and(|metadata| !metadata.is_dir());
            let errno = if is_file { Errno::ENOTDIR } else { Errno::ENOENT };
            return Err(Failure::new(Stage::OpenNamespace, directory, errno));
        }
        Self::of_files(files, wanted)
    }

    fn of_files(mut files: Vec<(Kind, PathBuf, OwnedFd)>, wanted: Kinds) -> Result<Self, Failure> {
        let mut seen = Kinds::NONE;
        for (kind, path, _) in &files {
            if seen.has(*kind) {
                return Err(Failure::new(Stage::OpenNamespace, path, Errno::EEXIST));
            }
            seen = seen.with(*kind);
        }
        files.retain(|(kind, _, file)| wanted.has(*kind) && !is_ours(*kind, file));
        Ok(Joining { process: None, namespaces: files, root: None, directory: None })
    }

    /// Tells what is entered, and warns where that is less than one may think.
    pub(super) fn tell(&self, only: Option<Kinds>) {
        let kinds = self.kinds();
        let left_out = only.map_or(Kinds::NONE, |only| kinds.iter().fold(only, Kinds::without));
        if !left_out.is_empty() {
            warn!("the target has no {left_out} namespace of its own to enter");
        } else if kinds.is_empty() && self.root.is_none() {
            warn!(
                "nothing to enter: the target is in the same namespaces; below a pidone, init is the process to name"
            );
        }
        if !kinds.is_empty() {
            info!("entering: {kinds}");
        }
    }

    /// Which kinds there are to enter.
    pub(super) fn kinds(&self) -> Kinds {
        self.namespaces.iter().fold(Kinds::NONE, |set, (kind, _, _)| set.with(*kind))
    }
}

/// A namespace's file, of whatever kind it is.
fn open_file(path: &Path) -> Result<(Kind, PathBuf, OwnedFd), Failure> {
    namespace::open(path, OFlag::empty())
        .map(|(kind, file)| (kind, path.to_owned(), file))
        .map_err(|errno| Failure::new(Stage::OpenNamespace, path, errno))
}

/// Where a process's namespace is found, or that of its children where they get another. That can be so with two kinds, and
/// matters with one: an init that has made a time namespace is not in it.
fn file_of(process: &Path, kind: Kind) -> PathBuf {
    let namespaces = process.join("ns");
    let own = namespaces.join(kind.name());
    let of_children = namespaces.join("time_for_children");
    let differs = || fs::read_link(&of_children).is_ok_and(|name| fs::read_link(&own).is_ok_and(|own| own != name));
    if kind == Kind::Time && differs() { of_children } else { own }
}

fn open_directory(path: PathBuf) -> Result<(PathBuf, OwnedFd), Failure> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match open(&path, flags, Mode::empty()) {
        Ok(directory) => Ok((path, directory)),
        Err(errno) => Err(Failure::new(Stage::EnterRoot, path, errno)),
    }
}

/// Whether the process of a pidfd has ended, reaped or not (pidfd_open(2)).
fn has_ended(process: &OwnedFd) -> bool {
    let mut poll_fd = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    // An error (EINTR, ENOMEM) does not say so.
    poll(&mut poll_fd, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Whether we are in that namespace: a user namespace cannot be entered twice, and others need not be.
fn is_ours(kind: Kind, file: &OwnedFd) -> bool {
    is_same(&format!("/proc/self/ns/{}", kind.name()), file)
}

/// Whether this file is the one at `path`.
fn is_same(path: &str, file: &OwnedFd) -> bool {
    let identity = |stat: nix::sys::stat::FileStat| (stat.st_dev, stat.st_ino);
    stat(path).is_ok_and(|own| fstat(file).is_ok_and(|theirs| identity(theirs) == identity(own)))
}
