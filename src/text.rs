//! Runs in: a process that shows something and is nobody's init. Texts on stdout or stderr.

use crate::error::{self, Failure, Stage, Voice};
use crate::exit;
use crate::request::Output;
use crate::sys::SignalState;
use std::io::Write as _;

/// To the terminal, file or pipe that is meant, ending like any program when that is a closed pipe.
pub(crate) fn print(output: Output, text: &str, signals: SignalState) -> u8 {
    // Ignoring the error: the text can be printed all the same.
    let _ = signals.unblock();
    let (written, name) = match output {
        Output::Stdout => (std::io::stdout().write_all(text.as_bytes()), "standard output"),
        Output::Stderr => (std::io::stderr().write_all(text.as_bytes()), "standard error"),
    };
    match written {
        Ok(()) => 0,
        Err(error) => fail(&Failure::new(Stage::PrintText, name, error::errno_of(&error))),
    }
}

/// Tells the user, once, and returns the status that tells the caller.
pub(crate) fn fail(failure: &Failure) -> u8 {
    failure.print(Voice::Pidone, None);
    exit::PIDONE_FAILED
}
