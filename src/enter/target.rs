//! Runs in: init in place, before the first namespace is entered. Opens all that a target has: its namespaces, its root and its
//! working directory. After that the target may end, or change; what was opened stays what it was.

use crate::error::{Failure, Stage};
use crate::files;
use crate::logging::{info, warn};
use crate::namespace::{self, Kind, Kinds};
use crate::request::Target;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::fstat;
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};

/// What is to be entered.
pub(super) struct Joining {
    /// A process, whose namespaces can be entered all at once.
    pub(super) process: Option<OwnedFd>,
    /// None is one that we are in already.
    pub(super) namespaces: Vec<Opened>,
    /// The target's root directory, where that is another than ours.
    pub(super) root: Option<Opened>,
    /// Its working directory, unless its mounts are not asked for.
    pub(super) directory: Option<Opened>,
}

/// Something that was opened.
pub(super) struct Opened {
    /// Of a directory, that of mounts.
    pub(super) kind: Kind,
    /// For messages.
    pub(super) path: OsString,
    pub(super) file: OwnedFd,
}

impl Joining {
    /// Opens everything.
    ///
    /// # Errors
    /// The process is gone; a file cannot be opened, or is no namespace.
    pub(super) fn open(target: &Target, only: Option<Kinds>) -> Result<Self, Failure> {
        let wanted = only.unwrap_or(Kinds::of(&Kind::ALL));
        let mut joining = Joining { process: None, namespaces: Vec::new(), root: None, directory: None };
        match target {
            Target::Process(pid) => joining.take_process(*pid, wanted)?,
            Target::Kept(directory) => joining.take_directory(directory)?,
            Target::Files(files) => {
                for file in files {
                    joining.take(file)?;
                }
            }
        }
        joining.namespaces.retain(|opened| wanted.has(opened.kind) && !is_ours(opened));
        if let Target::Process(pid) = target {
            joining.take_directories(*pid, wanted)?;
        }
        Ok(joining)
    }

    fn take_process(&mut self, pid: i32, wanted: Kinds) -> Result<(), Failure> {
        // Before Linux 5.3 there is none: then each namespace is entered by its file.
        self.process = match sys::pidfd_open(Pid::from_raw(pid)) {
            Err(errno @ (Errno::ESRCH | Errno::EINVAL)) => return Err(gone(pid, errno)),
            other => other.ok(),
        };
        let directory = format!("/proc/{pid}");
        files::stat(OsStr::new(&directory)).map_err(|errno| gone(pid, errno))?;
        for kind in wanted.iter() {
            // A kind that this kernel does not have has no file. A process that has ended has few of them left: where we have one
            // and it has not, to go on without it would be to run the command out here.
            if files::stat(OsStr::new(&own(kind))) == Err(Errno::ENOENT) {
                continue;
            }
            match self.take(file_of(&directory, kind).as_ref()) {
                Err(failure) if matches!(failure.errno, Errno::ENOENT | Errno::ESRCH) => {
                    return Err(gone(pid, Errno::ESRCH));
                }
                taken => taken?,
            }
        }
        Ok(())
    }

    /// What else the process has; once the namespaces are there that we are not in.
    fn take_directories(&mut self, pid: i32, wanted: Kinds) -> Result<(), Failure> {
        if wanted.has(Kind::Mount) {
            let root = open_directory(format!("/proc/{pid}/root"))?;
            let is_elsewhere = self.kinds().has(Kind::Mount) || !is_same("/", &root.file);
            self.root = is_elsewhere.then_some(root);
            self.directory = Some(open_directory(format!("/proc/{pid}/cwd"))?);
        }
        // Alive now, so all that was opened is that process's.
        if self.process.as_ref().is_some_and(has_ended) {
            return Err(gone(pid, Errno::ESRCH));
        }
        // By the descriptor of the process alone one would get into the namespace that it is in.
        if self.namespaces.iter().any(|opened| opened.path.as_encoded_bytes().ends_with(FOR_CHILDREN.as_bytes())) {
            self.process = None;
        }
        Ok(())
    }

    fn take_directory(&mut self, directory: &OsStr) -> Result<(), Failure> {
        for kind in Kind::ALL {
            match self.take(&files::below(directory, kind.name().as_bytes())) {
                Err(failure) if matches!(failure.errno, Errno::ENOENT | Errno::ENOTDIR) => {}
                taken => taken?,
            }
        }
        if self.namespaces.is_empty() {
            let is_file = files::stat(directory).is_ok_and(|stat| !files::is_directory(&stat));
            let errno = if is_file { Errno::ENOTDIR } else { Errno::ENOENT };
            return Err(Failure::new(Stage::OpenNamespace, directory, errno));
        }
        Ok(())
    }

    /// A namespace's file, of a kind that is not there yet.
    fn take(&mut self, path: &OsStr) -> Result<(), Failure> {
        let failed = |errno| Failure::new(Stage::OpenNamespace, path, errno);
        let (kind, file) = namespace::open(path, OFlag::empty()).map_err(failed)?;
        if self.kinds().has(kind) {
            return Err(failed(Errno::EEXIST));
        }
        self.namespaces.push(Opened { kind, path: path.to_owned(), file });
        Ok(())
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
        self.namespaces.iter().fold(Kinds::NONE, |set, opened| set.with(opened.kind))
    }
}

fn gone(pid: i32, errno: Errno) -> Failure {
    Failure::new(Stage::FindTarget, pid.to_string(), errno)
}

/// Our own namespace of this kind.
fn own(kind: Kind) -> String {
    format!("/proc/self/ns/{}", kind.name())
}

/// Where a process has the namespaces of its children, if these get others. That can be so with two kinds, and matters with one:
/// an init that has made a time namespace is not in it.
const FOR_CHILDREN: &str = "/ns/time_for_children";

/// Where a process's namespace is found, or that of its children.
fn file_of(process: &str, kind: Kind) -> String {
    let own = format!("{process}/ns/{}", kind.name());
    if kind == Kind::Time {
        let of_children = [process, FOR_CHILDREN].concat();
        if let (Ok(one), Ok(other)) =
            (files::link(format_args!("{own}")), files::link(format_args!("{of_children}")))
            && one != other
        {
            return of_children;
        }
    }
    own
}

fn open_directory(path: String) -> Result<Opened, Failure> {
    match files::open(OsStr::new(&path), OFlag::O_PATH | OFlag::O_DIRECTORY) {
        Ok(file) => Ok(Opened { kind: Kind::Mount, path: path.into(), file }),
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
fn is_ours(opened: &Opened) -> bool {
    is_same(&own(opened.kind), &opened.file)
}

/// Whether this file is the one at `path`.
fn is_same(path: &str, file: &OwnedFd) -> bool {
    files::stat(OsStr::new(path))
        .is_ok_and(|one| fstat(file).is_ok_and(|other| files::identity(&one) == files::identity(&other)))
}
