//! Runs in: outer, or init in place, before any clone. Where the trace may go: anywhere but into the command's output.

use super::sink::{Sink, Way};
use crate::error::{Failure, Refusal, Stage, UsageError};
use crate::files;
use crate::request::TraceTo;
use crate::sys::{duplicate, own_fd, set_close_on_exec, stdio};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open as open_file};
use nix::libc::{STDERR_FILENO, STDOUT_FILENO};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::termios::tcgetsid;
use nix::unistd::{ftruncate, isatty};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Opens the trace's own descriptor. `None` where it is to go to a stderr that is closed.
///
/// # Errors
/// It cannot be opened, is not open for writing, or is standard output.
pub(super) fn open(to: &TraceTo) -> Result<Option<Sink>, Refusal> {
    let (opened, name) = match to {
        TraceTo::Descriptor(number) => (take(*number), format!("fd:{number}").into()),
        TraceTo::File(path) => (open_path(path), path.clone()),
    };
    // Who asked for stderr meant it, even where stdout is the same; and where it is closed, nobody misses anything.
    let is_stderr = matches!(to, TraceTo::Descriptor(STDERR_FILENO));
    let emptied = match opened {
        Err(Errno::EBADF) if is_stderr => return Ok(None),
        Ok(file) if !is_stderr && is_stdout(to, &file) => {
            let message =
                format!("--trace never goes to standard output, which is the command's: {}", name.display());
            let hint = "--trace goes to stderr; or name a FILE, or fd:3";
            return Err(UsageError::with_hint(message, hint).into());
        }
        opened => opened.and_then(|file| empty(to, &file).map(|()| file)),
    };
    match emptied {
        Ok(file) => Ok(Some(sink(to, file))),
        Err(errno) => Err(Failure::on(Stage::OpenTrace, name, errno).into()),
    }
}

/// A copy of an inherited descriptor.
fn take(number: i32) -> nix::Result<OwnedFd> {
    let copy = duplicate(number)?;
    let flags = OFlag::from_bits_truncate(fcntl(&copy, FcntlArg::F_GETFL)?);
    if flags.contains(OFlag::O_PATH) || flags & OFlag::O_ACCMODE == OFlag::O_RDONLY {
        return Err(Errno::EBADF);
    }
    // It was for pidone, and not for the command; what is stdio stays.
    if number > STDERR_FILENO {
        set_close_on_exec(number);
    }
    Ok(copy)
}

/// Without O_TRUNC: what turns out to be the command's own output is not to be emptied.
fn open_path(path: &OsStr) -> nix::Result<OwnedFd> {
    own_fd(open_file(
        files::c_path(path)?.as_c_str(),
        FOR_OURSELVES | OFlag::O_CREAT | OFlag::O_APPEND,
        Mode::from_bits_truncate(0o666),
    )?)
}

fn empty(to: &TraceTo, file: &OwnedFd) -> nix::Result<()> {
    match to {
        TraceTo::File(_) if kind(file) == Some(SFlag::S_IFREG) => ftruncate(file, 0),
        _ => Ok(()),
    }
}

/// How pidone opens what only it writes to.
const FOR_OURSELVES: OFlag =
    OFlag::O_WRONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

fn sink(to: &TraceTo, file: OwnedFd) -> Sink {
    match to {
        TraceTo::Descriptor(_) => shared(file),
        TraceTo::File(_) => Sink::new(file, Way::Plainly),
    }
}

/// For an open file that others may have, too.
fn shared(copy: OwnedFd) -> Sink {
    let way = match kind(&copy) {
        Some(SFlag::S_IFREG | SFlag::S_IFBLK) => Way::Plainly,
        Some(SFlag::S_IFSOCK) => Way::Sending,
        Some(SFlag::S_IFCHR) if isatty(&copy).unwrap_or(false) => Way::InPieces,
        _ => Way::AtOnce,
    };
    let is_pipe = kind(&copy) == Some(SFlag::S_IFIFO);
    let own = if is_pipe || way == Way::InPieces { reopen(&copy, way) } else { None };
    match own {
        Some(own) => Sink::new(own, Way::Plainly),
        None => Sink::new(copy, way),
    }
}

/// The same pipe or terminal, opened once more, for never waiting. It fails without /proc, as another user (but for the
/// controlling terminal, tty(4)), or when nobody reads the pipe any more.
fn reopen(copy: &OwnedFd, way: Way) -> Option<OwnedFd> {
    let by_name = |path: &str| own_fd(files::open(OsStr::new(path), FOR_OURSELVES).ok()?).ok();
    let is_controlling = || way == Way::InPieces && tcgetsid(copy).is_ok();
    by_name(&format!("/proc/self/fd/{}", copy.as_raw_fd()))
        .or_else(|| if is_controlling() { by_name("/dev/tty") } else { None })
}

fn kind(file: impl AsFd) -> Option<SFlag> {
    fstat(file).ok().map(|stat| files::kind(&stat))
}

fn is_stdout(to: &TraceTo, file: &OwnedFd) -> bool {
    let same = match (fstat(file), fstat(stdio(STDOUT_FILENO))) {
        (Ok(file), Ok(stdout)) => files::identity(&file) == files::identity(&stdout),
        _ => false,
    };
    // /dev/null and the like mix nothing up.
    let is_device = kind(file) == Some(SFlag::S_IFCHR) && !isatty(file).unwrap_or(false);
    matches!(to, TraceTo::Descriptor(STDOUT_FILENO)) || (same && !is_device)
}
