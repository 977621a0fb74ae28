//! Runs in: any thread-free process. What can go wrong before the workload runs, and how it is told: one line, at
//! most one hint.

use crate::errno::reason;
use crate::packed::packed;
pub(crate) use crate::stage::Stage;
use crate::sys;
use nix::errno::Errno;
use nix::libc::STDERR_FILENO;
use nix::unistd::getpid;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};
use std::os::unix::ffi::OsStrExt;

/// A failed system call. One pointer, because hardly a function can do without returning one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(Box<FailedCall>);

/// What a system call was for, on what, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedCall {
    /// What pidone was doing.
    pub(crate) stage: Stage,
    /// On what: a path, a command, names of namespaces.
    pub(crate) object: OsString,
    /// The kernel's reason.
    pub(crate) errno: Errno,
}

impl Deref for Failure {
    type Target = FailedCall;

    fn deref(&self) -> &FailedCall {
        &self.0
    }
}

impl Failure {
    pub(crate) fn new(stage: Stage, object: impl AsRef<OsStr>, errno: Errno) -> Self {
        Self::on(stage, object.as_ref().to_owned(), errno)
    }

    /// The same on what is there already.
    #[inline(never)]
    pub(crate) fn on(stage: Stage, object: OsString, errno: Errno) -> Self {
        Failure(Box::new(FailedCall { stage, object, errno }))
    }

    /// The one line.
    pub(crate) fn line(&self, voice: Voice) -> Vec<u8> {
        let is_exec = matches!(self.stage, Stage::FindCommand | Stage::RunCommand);
        let (before, after) = match voice {
            Voice::Tini if is_exec => ("exec ".into(), format!(" failed: {}", sys::error_text(self.errno))),
            Voice::DumbInit if is_exec => (String::new(), format!(": {}", sys::error_text(self.errno))),
            _ => (format!("{}: ", self.stage.text()), format!(": {}", reason(self.errno))),
        };
        [voice.prefix().as_bytes(), before.as_bytes(), self.object.as_bytes(), after.as_bytes()].concat()
    }

    /// Prints the failure and, where there is one, what to do about it.
    pub(crate) fn print(&self, voice: Voice, hint: Option<&str>) {
        write_message(&self.line(voice), hint.unwrap_or_default());
    }
}

/// How messages about a failed start look: there are people who read logs by what other inits write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    Pidone,
    Tini,
    DumbInit,
    Catatonit,
}

impl Voice {
    /// Who speaks.
    fn name(self) -> &'static str {
        match self {
            Voice::Pidone => "pidone",
            Voice::Tini => "tini",
            Voice::DumbInit => "dumb-init",
            Voice::Catatonit => "catatonit",
        }
    }

    /// What a line about a failure begins with.
    fn prefix(self) -> String {
        let name = self.name();
        match self {
            Voice::Pidone => format!("{name}: "),
            Voice::Tini => format!("[FATAL {name} ({})] ", getpid()),
            Voice::DumbInit => format!("[{name}] "),
            Voice::Catatonit => format!("ERROR ({name}:{}): ", getpid()),
        }
    }
}

/// Why the command does not run.
pub(crate) enum Refusal {
    Usage(UsageError),
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Failure(failure)
    }
}

impl From<UsageError> for Refusal {
    fn from(error: UsageError) -> Self {
        Refusal::Usage(error)
    }
}

/// Something that was asked for in a way pidone does not understand or cannot do. One pointer, as a [`Failure`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageError(Box<Misuse>);

/// What a [`UsageError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misuse {
    /// One line: what, and the word in question.
    pub(crate) message: String,
    /// What to do instead; may be empty.
    pub(crate) hint: String,
}

impl Deref for UsageError {
    type Target = Misuse;

    fn deref(&self) -> &Misuse {
        &self.0
    }
}

impl DerefMut for UsageError {
    fn deref_mut(&mut self) -> &mut Misuse {
        &mut self.0
    }
}

impl UsageError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::with_hint(message, packed!("'pidone -h' lists the options, 'pidone --help' explains them"))
    }

    pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::of(message.into(), hint.into())
    }

    #[inline(never)]
    fn of(message: String, hint: String) -> Self {
        UsageError(Box::new(Misuse { message, hint }))
    }

    /// The line begins with the name alone, as getopt(3) and its like have it.
    pub(crate) fn print(&self, voice: Voice) {
        print_message(voice, self.message.as_bytes(), &self.hint);
    }
}

/// The same for any message, without the brackets and pids that some voices have.
pub(crate) fn print_message(voice: Voice, message: &[u8], hint: &str) {
    write_message(&[voice.name().as_bytes(), b": ", message].concat(), hint);
}

/// Writes message and hint to stderr in one piece, each on a line of its own whatever bytes they hold.
fn write_message(message: &[u8], hint: &str) {
    let mut text = Vec::new();
    push_escaped(&mut text, message);
    text.push(b'\n');
    if !hint.is_empty() {
        text.extend_from_slice(b"hint: ");
        push_escaped(&mut text, hint.as_bytes());
        text.push(b'\n');
    }
    // Ignoring the error: with stderr closed there is nowhere left to say so; the exit status still tells.
    let _ = crate::text::write_all(sys::stdio(STDERR_FILENO), &text);
}

/// For one line, whatever stands in it.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    push_escaped(&mut text, bytes);
    String::from_utf8_lossy(&text).into_owned()
}

/// Control characters would let a file name start a new line or drive the terminal.
fn push_escaped(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if byte.is_ascii_control() {
            let mut escaped = String::new();
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
            text.extend_from_slice(escaped.as_bytes());
        } else {
            text.push(*byte);
        }
    }
}

#[cfg(test)]
#[path = "fuzz/error.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_object_and_errno() {
        let failure = Failure::new(Stage::FindCommand, "nosuch", Errno::ENOENT);
        let line = |voice| String::from_utf8(failure.line(voice)).unwrap();
        assert_eq!(
            line(Voice::Pidone),
            "pidone: cannot find the command: nosuch: No such file or directory (ENOENT)"
        );
        assert_eq!(line(Voice::DumbInit), "[dumb-init] nosuch: No such file or directory");
        assert!(line(Voice::Tini).ends_with(")] exec nosuch failed: No such file or directory"));
    }

    #[test]
    fn a_stage_is_found_again_by_its_number() {
        for (index, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, index);
        }
    }

    #[test]
    fn a_name_cannot_start_a_new_line() {
        let mut text = Vec::new();
        push_escaped(&mut text, b"a\nb\x1b[31m\xff");
        assert_eq!(text, b"a\\x0ab\\x1b[31m\xff");
    }
}
