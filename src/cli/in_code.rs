//! Runs in: a program that uses this crate as a library. Options that are given in code, to a request that is being made; pure.

use super::args::parse_options;
use super::verbs;
use super::words::{Manner, Words};
use crate::error::UsageError;
use crate::request::RunRequest;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Adds what these words ask for, all of which must be options or their values: what stands behind them is to be the command,
/// whatever it looks like.
///
/// # Errors
/// A word that is no option, or that asks for something else than to run.
pub(crate) fn add_options(
    request: &mut RunRequest,
    words: impl IntoIterator<Item = OsString>,
) -> Result<(), UsageError> {
    let words: Vec<_> = words.into_iter().collect();
    let no_option = |word: &OsStr| {
        let message = format!("this is no option: {}", word.display());
        UsageError::with_hint(
            message,
            "write --NAME or --NAME=VALUE; the command and its arguments have their own place",
        )
    };
    if words.iter().any(|word| word.as_bytes().contains(&0)) {
        return Err(UsageError::with_hint("an option holds a NUL byte", "no argument of a program can"));
    }
    if let Some(word) = words.iter().find(|word| *word == "--") {
        return Err(no_option(word));
    }
    let words: Vec<_> = words.iter().map(OsString::as_os_str).collect();
    if parse_options(&mut Words::new(&words, Manner::Pidone), request)?.is_some() {
        return Err(UsageError::with_hint("an option asks for something else than to run", "leave it out"));
    }
    match std::mem::take(&mut request.command).first() {
        Some(word) => Err(no_option(word)),
        None if request.pause => {
            Err(UsageError::with_hint("--pause runs no command, and there is one", "leave it out"))
        }
        None => verbs::refuse_options_of_verbs(request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(words: &[&str]) -> Result<RunRequest, String> {
        let mut request = RunRequest::new();
        let added = add_options(&mut request, words.iter().map(OsString::from));
        added.map(|()| request).map_err(|error| error.message.clone())
    }

    #[test]
    fn no_word_becomes_the_command_or_ends_the_options() {
        for word in ["sh", "", "-", "--", "run", "enter", "install-names"] {
            assert_eq!(add(&[word]), Err(format!("this is no option: {word}")));
            assert_eq!(add(&["--group", word]), Err(format!("this is no option: {word}")));
        }
        assert_eq!(add(&["--group", "sh", "--group"]), Err("this is no option: sh".into()));
        assert_eq!(add(&["--argv0", "--"]), Err("this is no option: --".into()));
        for word in ["--help", "-h", "--version", "--pause", "--only=pid", "--json", "-gh", "--env=A=\0", "--frob"]
        {
            assert!(add(&[word]).is_err(), "{word}");
        }
    }

    #[test]
    fn options_are_those_of_a_command_line() {
        assert!(add(&["-gv"]).is_ok_and(|request| request.group && request.level.is_some()));
        let lab = |request: RunRequest| request.namespaces.hostname == Some("lab".into());
        assert!(add(&["--hostname=lab"]).is_ok_and(lab));
        assert!(add(&["--hostname", "lab"]).is_ok_and(lab));
        assert!(add(&["--argv0=--"]).is_ok_and(|request| request.identity.argv0 == Some("--".into())));
        assert_eq!(add(&[]), Ok(RunRequest::new()));
    }
}
