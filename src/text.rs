//! Runs in: a process that shows something and is nobody's init. Texts on stdout or stderr.

use crate::error::{Failure, Stage, Voice};
use crate::exit;
use crate::request::Output;
use crate::sys::{self, SignalState};
use nix::errno::Errno;
use nix::libc::{STDERR_FILENO, STDOUT_FILENO};
use nix::unistd::write;
use std::os::fd::BorrowedFd;

/// To the terminal, file or pipe that is meant, ending like any program when that is a closed pipe.
pub(crate) fn print(output: Output, text: &str, signals: SignalState) -> u8 {
    // Ignoring the error: the text can be printed all the same.
    let _ = signals.unblock();
    let (number, name) = match output {
        Output::Stdout => (STDOUT_FILENO, "standard output"),
        Output::Stderr => (STDERR_FILENO, "standard error"),
    };
    match write_all(sys::stdio(number), text.as_bytes()) {
        Ok(()) => 0,
        Err(errno) => fail(&Failure::new(Stage::PrintText, name, errno)),
    }
}

/// By hand: the standard library's own stdout takes a closed one for written, and keeps what ends in no newline to itself.
pub(crate) fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Tells the user, once, and returns the status that tells the caller.
pub(crate) fn fail(failure: &Failure) -> u8 {
    failure.print(Voice::Pidone, None);
    exit::PIDONE_FAILED
}
