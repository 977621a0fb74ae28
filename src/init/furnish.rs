//! Runs in: init, workload child (bare). What the workload finds in its file system: another root, and mounts in it.
//!
//! First everything that comes from the caller is taken hold of, as the caller sees it, then it is put in place; so no step
//! changes what a later one means by its source. All of it happens in a mount namespace from which nothing travels out,
//! and which ends with this process: a failure half-way leaves no mount behind.

use super::mounts;
use super::root::{Kind, Root};
use crate::error::{Failure, Stage};
use crate::files;
use crate::request::{FurnishStep, Furnishing, ProcMount, Propagation};
use crate::sys::{Extent, MountAttributes, clone_tree, new_file_system, set_read_only};
use nix::Result as SysResult;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open};
use nix::sys::stat::{Mode, umask};
use nix::unistd::symlinkat;
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// Says of a failing call what it was for, and on what.
trait Doing<T> {
    fn doing(self, stage: Stage, object: impl AsRef<OsStr>) -> Result<T, Failure>;
}

impl<T> Doing<T> for SysResult<T> {
    fn doing(self, stage: Stage, object: impl AsRef<OsStr>) -> Result<T, Failure> {
        self.map_err(|errno| Failure::new(stage, object, errno))
    }
}

/// Neither programs with set-user-ID nor devices, nor programs at all.
const DATA_ONLY: MountAttributes = MountAttributes::NOSUID.and(MountAttributes::NODEV).and(MountAttributes::NOEXEC);

/// Furnishes the new mount namespace, of which the mounts are private or slaves already.
///
/// # Errors
/// The first thing that could not be done, with its path.
pub(super) fn set_up(furnishing: &Furnishing, proc: ProcMount, propagation: Propagation) -> Result<(), Failure> {
    // What is made gets the modes that stand here, whatever the caller's mask; the workload has that one back.
    let callers_umask = umask(Mode::from_bits_truncate(0o022));
    let mut sources = Vec::new();
    for step in &furnishing.steps {
        sources.push(source_of(step)?);
    }
    let devices = Devices::of_the_caller();
    let root = match &furnishing.rootfs {
        None => {
            mounts::mount_proc(proc, propagation)?;
            Root::own()?
        }
        Some(directory) => {
            let root = Root::of_directory(directory)?;
            // Before the old one goes: in a user namespace the kernel allows a new one only next to one that is fully
            // visible ("mount too revealing"). And before the steps, which may mask parts of it.
            proc_of(proc, &root)?;
            root
        }
    };
    for (step, source) in furnishing.steps.iter().zip(sources) {
        take(step, source, &root, &devices)?;
    }
    if furnishing.read_only {
        // Last, because mount points had to be made.
        set_read_only(&root, Extent::Mount).doing(Stage::MakeRootReadOnly, "/")?;
    }
    if let Some(directory) = &furnishing.rootfs {
        root.become_root().doing(Stage::SwitchRoot, directory)?;
    }
    umask(callers_umask);
    Ok(())
}

/// A detached copy of what a step takes from the caller, with its mounts, and read-only before anybody could write.
fn source_of(step: &FurnishStep) -> Result<Option<OwnedFd>, Failure> {
    let FurnishStep::Bind { source, read_only, .. } = step else { return Ok(None) };
    let name = OsStr::from_bytes(source.to_bytes());
    let tree = clone_tree(AT_FDCWD, source).doing(Stage::TakeSource, name)?;
    if *read_only {
        set_read_only(&tree, Extent::Tree).doing(Stage::MakeReadOnly, name)?;
    }
    Ok(Some(tree))
}

fn take(step: &FurnishStep, source: Option<OwnedFd>, root: &Root, devices: &Devices) -> Result<(), Failure> {
    match step {
        FurnishStep::Bind { target, .. } => source.map_or(Ok(()), |tree| root.mount(&tree, target)),
        FurnishStep::Tmpfs { target, size } => root.mount(&tmpfs(target, size.as_deref())?, target),
        FurnishStep::Dev { target } => dev(root, target, devices),
        FurnishStep::Proc { target } => root.mount(&fresh_proc(target)?, target),
        FurnishStep::Mask { target } => mask(root, target, devices),
    }
}

/// The one at /proc of another root.
fn proc_of(proc: ProcMount, root: &Root) -> Result<(), Failure> {
    let target = OsStr::new("/proc");
    match proc {
        ProcMount::None => Ok(()),
        ProcMount::Fresh => root.mount(&fresh_proc(target)?, target),
        // With its mounts: what masks parts of it goes on masking them.
        ProcMount::Bind => root.mount(&clone_tree(AT_FDCWD, c"/proc").doing(Stage::BindProc, target)?, target),
    }
}

fn fresh_proc(target: &OsStr) -> Result<OwnedFd, Failure> {
    new_file_system(c"proc", &[], DATA_ONLY).doing(Stage::MountProc, target)
}

/// Everyone may write there, as in /tmp, and as it is by itself, tmpfs(5).
const FOR_ALL: (&CStr, &CStr) = (c"mode", c"1777");
const FOR_ITS_OWNER: (&CStr, &CStr) = (c"mode", c"0755");

fn tmpfs(target: &OsStr, size: Option<&CStr>) -> Result<OwnedFd, Failure> {
    let attributes = MountAttributes::NOSUID.and(MountAttributes::NODEV);
    let made = match size {
        Some(size) => new_file_system(c"tmpfs", &[FOR_ALL, (c"size", size)], attributes),
        None => new_file_system(c"tmpfs", &[FOR_ALL], attributes),
    };
    made.doing(Stage::MakeTmpfs, target)
}

/// Nothing to be seen: an empty directory in the place of a directory, the null device in the place of anything else.
fn mask(root: &Root, target: &OsStr, devices: &Devices) -> Result<(), Failure> {
    let place = root.find(target).doing(Stage::FindMasked, target)?;
    let empty = match Kind::of(&place).doing(Stage::FindMasked, target)? {
        Kind::Directory => {
            let attributes = DATA_ONLY.and(MountAttributes::READ_ONLY);
            new_file_system(c"tmpfs", &[FOR_ITS_OWNER], attributes).doing(Stage::MakeTmpfs, target)?
        }
        Kind::File => devices.node(c"null")?,
    };
    root.mount_on(&empty, &place, target)
}

/// The caller's /dev, by a descriptor, which still leads there when something has been mounted on it.
struct Devices(SysResult<OwnedFd>);

impl Devices {
    /// That there is none matters only when something of it is needed.
    fn of_the_caller() -> Self {
        Devices(open(c"/dev", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()))
    }

    /// mknod(2) would take a privilege that user namespaces do not have; a mount of the node does not.
    fn node(&self, name: &CStr) -> Result<OwnedFd, Failure> {
        let directory = self.0.as_ref().map_err(|errno| *errno);
        directory
            .and_then(|directory| clone_tree(directory, name))
            .doing(Stage::TakeSource, below(OsStr::new("/dev"), name))
    }
}

const NODES: [&CStr; 6] = [c"null", c"zero", c"full", c"random", c"urandom", c"tty"];

/// Links of a usual /dev, with what they lead to.
const LINKS: [(&CStr, &CStr); 5] = [
    (c"/proc/self/fd", c"fd"),
    (c"/proc/self/fd/0", c"stdin"),
    (c"/proc/self/fd/1", c"stdout"),
    (c"/proc/self/fd/2", c"stderr"),
    (c"pts/ptmx", c"ptmx"),
];

/// A /dev with what programs take for granted, and no disk, no console, no memory.
fn dev(root: &Root, target: &OsStr, devices: &Devices) -> Result<(), Failure> {
    let attributes = MountAttributes::NOSUID.and(MountAttributes::NOEXEC);
    let directory = new_file_system(c"tmpfs", &[FOR_ITS_OWNER], attributes).doing(Stage::MakeTmpfs, target)?;
    // Taken before it goes where the caller's own /dev may be.
    let mut mounts = Vec::new();
    for name in NODES {
        mounts.push((name, devices.node(name)?));
    }
    mounts.push((c"pts", devpts().doing(Stage::MakeDevpts, below(target, c"pts"))?));
    let shm = new_file_system(c"tmpfs", &[FOR_ALL], DATA_ONLY);
    mounts.push((c"shm", shm.doing(Stage::MakeTmpfs, below(target, c"shm"))?));
    root.mount(&directory, target)?;
    let dev = Root::of_mount(directory);
    for (name, tree) in mounts {
        let mounted = dev.mount(&tree, OsStr::from_bytes(name.to_bytes()));
        mounted.map_err(|failure| Failure::on(failure.stage, below(target, name), failure.errno))?;
    }
    for (to, name) in LINKS {
        symlinkat(to, &dev, name).doing(Stage::MakeLink, below(target, name))?;
    }
    Ok(())
}

/// What stands in a directory, by its whole path.
fn below(directory: &OsStr, name: &CStr) -> OsString {
    files::below(directory, name.to_bytes())
}

/// A new instance: every mount of devpts is one. Its terminals belong to group 5, `tty`, wherever that group exists.
fn devpts() -> SysResult<OwnedFd> {
    const OPTIONS: [(&CStr, &CStr); 3] = [(c"ptmxmode", c"0666"), (c"mode", c"0620"), (c"gid", c"5")];
    let attributes = MountAttributes::NOSUID.and(MountAttributes::NOEXEC);
    match new_file_system(c"devpts", &OPTIONS, attributes) {
        // Not in a user namespace that has no group 5.
        Err(Errno::EINVAL) => {
            let [options @ .., _gid] = OPTIONS;
            new_file_system(c"devpts", &options, attributes)
        }
        made => made,
    }
}
