//! Runs in: a program that uses this crate as a library. Why a command did not run, or a program is not supervised.

use crate::errno::reason;
use crate::error::{Failure, Refusal, UsageError, Voice, escaped, print_message};
use crate::exit::Codes;
use crate::launch::Refused;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Why a command did not run, or a program is not supervised.
///
/// [`report`](LaunchError::report) tells the user, as the `pidone` program does, and is what `main` is to return. `{}` gives the
/// same text without the name in front, for a program that has a log of its own; so does `{:?}`, for a `main` that returns a
/// `Result`.
#[derive(Clone, PartialEq, Eq)]
pub struct LaunchError {
    message: String,
    hint: String,
    status: u8,
}

impl LaunchError {
    /// From parts that crossed a process border.
    pub(super) fn from_parts(message: &str, hint: &str, status: u8) -> Self {
        LaunchError { message: message.to_owned(), hint: hint.to_owned(), status }
    }

    /// One line: what could not be done, to what, and why.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// One line, too: what to do about it. May be empty.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// What the `pidone` program would exit with: 127, the command was not found; 126, it cannot be run; 125, all else.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Tells the user on stderr, in a line that begins with `pidone:` and one with a hint where there is one, and returns the
    /// [`status`](LaunchError::status) for `main` to return.
    ///
    /// ```
    /// # use pidone::{Launch, LaunchError};
    /// let launch = Launch::new("true").option("--no-such-option").run();
    /// let code = launch.map_or_else(|error| error.report(), Into::into);
    /// assert_eq!(code, std::process::ExitCode::from(125));
    /// ```
    #[must_use = "it is what main is to return"]
    pub fn report(&self) -> ExitCode {
        print_message(Voice::Pidone, self.message.as_bytes(), &self.hint);
        self.status.into()
    }
}

/// The message, and the hint where there is one on a line of its own.
impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\nhint: {}", self.hint) }
    }
}

/// As `Display`: it is what Rust's runtime prints of an error that `main` returns.
impl fmt::Debug for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for LaunchError {}

impl From<UsageError> for LaunchError {
    fn from(error: UsageError) -> Self {
        let status = Codes::PIDONE.failed;
        LaunchError { message: escaped(error.message.as_bytes()), hint: escaped(error.hint.as_bytes()), status }
    }
}

impl From<Refused> for LaunchError {
    fn from(Refused { refusal, hint }: Refused) -> Self {
        match refusal {
            Refusal::Usage(error) => error.into(),
            Refusal::Failure(failure) => {
                LaunchError { hint: escaped(hint.unwrap_or_default().as_bytes()), ..failure.into() }
            }
        }
    }
}

impl From<Failure> for LaunchError {
    fn from(failure: Failure) -> Self {
        let status = Codes::PIDONE.status_of(&failure);
        let message = format!("{}: {}: {}", failure.stage.text(), failure.object.display(), reason(failure.errno));
        LaunchError { message: escaped(message.as_bytes()), hint: String::new(), status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Stage;
    use nix::errno::Errno;

    #[test]
    fn each_part_is_one_line_and_the_hint_has_its_own() {
        let error = LaunchError::from(Failure::new(Stage::FindCommand, "a\nb", Errno::ENOENT));
        let text = "cannot find the command: a\\x0ab: No such file or directory (ENOENT)";
        assert_eq!((error.to_string().as_str(), error.status()), (text, 127));
        let error = LaunchError::from(UsageError::with_hint("a\tb", "do\nit"));
        assert_eq!((error.to_string().as_str(), error.status()), ("a\\x09b\nhint: do\\x0ait", 125));
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
