//! Runs in: outer, or init in place, before any clone. Where the trace may go: anywhere but into the command's output.

use super::sink::{Sink, Way};
use crate::error::{Failure, Refusal, Stage, UsageError};
use crate::request::TraceTo;
use crate::sys::{duplicate, own_fd, set_close_on_exec};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open as open_file};
use nix::libc::{STDERR_FILENO, STDOUT_FILENO};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::termios::tcgetsid;
use nix::unistd::isatty;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Opens the trace's own descriptor. `None` where it is to go to a stderr that is closed.
///
/// # Errors
/// It cannot be opened, is not open for writing, or is standard output.
pub(super) fn open(to: &TraceTo) -> Result<Option<Sink>, Refusal> {
    match to {
        TraceTo::Descriptor(STDERR_FILENO) => match duplicate(STDERR_FILENO) {
            Err(Errno::EBADF) => Ok(None),
            // Even where stdout is the same: for it is stderr that was asked for.
            copy => Ok(Some(shared(copy.map_err(|errno| Failure::new(Stage::OpenTrace, "stderr", errno))?))),
        },
        TraceTo::Descriptor(number) => {
            let name = format!("fd:{number}");
            let failure = |errno| Failure::new(Stage::OpenTrace, &name, errno);
            if *number == STDOUT_FILENO {
                return Err(refusal(&name));
            }
            let copy = duplicate(*number).map_err(failure)?;
            let flags = fcntl(&copy, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate).map_err(failure)?;
            if flags.contains(OFlag::O_PATH) || flags & OFlag::O_ACCMODE == OFlag::O_RDONLY {
                return Err(failure(Errno::EBADF).into());
            }
            refuse_stdout(&copy, &name)?;
            // It was for pidone, and not for the command; what is stdio stays.
            if *number > STDERR_FILENO {
                set_close_on_exec(*number);
            }
            Ok(Some(shared(copy)))
        }
        TraceTo::File(path) => {
            // Not O_TRUNC: what turns out to be the command's own output is not to be emptied.
            let flags = OFlag::O_WRONLY
                | OFlag::O_CREAT
                | OFlag::O_APPEND
                | OFlag::O_CLOEXEC
                | OFlag::O_NONBLOCK
                | OFlag::O_NOCTTY;
            let failure = |errno| Failure::new(Stage::OpenTrace, path, errno);
            let file = open_file(path.as_os_str(), flags, Mode::from_bits_truncate(0o666)).map_err(failure)?;
            let file = own_fd(file).map_err(failure)?;
            refuse_stdout(&file, &path.display().to_string())?;
            if kind(&file) == Some(SFlag::S_IFREG) {
                nix::unistd::ftruncate(&file, 0).map_err(failure)?;
            }
            Ok(Some(Sink::new(file, Way::Plainly)))
        }
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
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let by_name = |path: &str| own_fd(open_file(path, flags, Mode::empty()).ok()?).ok();
    let is_controlling = || way == Way::InPieces && tcgetsid(copy).is_ok();
    by_name(&format!("/proc/self/fd/{}", copy.as_raw_fd()))
        .or_else(|| if is_controlling() { by_name("/dev/tty") } else { None })
}

fn kind(file: impl AsFd) -> Option<SFlag> {
    fstat(file).ok().map(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT)
}

fn refuse_stdout(file: &OwnedFd, name: &str) -> Result<(), Refusal> {
    let identity = |stat: FileStat| (stat.st_dev, stat.st_ino);
    let is_stdout = match (fstat(file), fstat(std::io::stdout().as_fd())) {
        (Ok(file), Ok(stdout)) => identity(file) == identity(stdout),
        _ => false,
    };
    // /dev/null and the like mix nothing up.
    let is_device = kind(file) == Some(SFlag::S_IFCHR) && !isatty(file).unwrap_or(false);
    if is_stdout && !is_device { Err(refusal(name)) } else { Ok(()) }
}

fn refusal(name: &str) -> Refusal {
    let message = format!("--trace never goes to standard output, which is the command's: {name}");
    UsageError::with_hint(message, "--trace goes to stderr, --trace=FILE to a file, --trace=fd:3 where 3>FILE says")
        .into()
}
