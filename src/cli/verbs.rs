//! Runs in: outer or init, before anything else. The command lines of the verbs other than `run`; pure.

use super::args::parse_options;
use super::values;
use super::words::{Manner, Words};
use crate::error::UsageError;
use crate::request::{Request, RunRequest, Target, Text};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The one argument of a verb that takes a directory.
pub(super) fn one_directory(
    verb: &str,
    words: &[&OsStr],
    request: fn(OsString) -> Request,
) -> Result<Request, UsageError> {
    match words {
        [word] if *word == "-h" || *word == "--help" => Ok(Request::Show(Text::LongHelp)),
        [directory] if !directory.as_bytes().starts_with(b"-") => Ok(request((*directory).to_owned())),
        _ => Err(UsageError::with_hint(format!("{verb} takes one directory"), format!("pidone {verb} DIR"))),
    }
}

/// `enter TARGET [OPTIONS] [--] [COMMAND…]`; options may stand before TARGET, too.
pub(super) fn enter(words: &[&OsStr], mut request: Box<RunRequest>) -> Result<Request, UsageError> {
    let mut words = Words::new(words, Manner::Pidone);
    if let Some(text) = parse_options(&mut words, &mut request)? {
        return Ok(Request::Show(text));
    }
    let target = if request.enter.files.is_empty() {
        let target = std::mem::take(&mut request.command).into_iter().next();
        let target = target.ok_or_else(|| UsageError::with_hint("no target given", ENTER_FORM))?;
        let mut words = Words::new(words.rest(), Manner::Pidone);
        if let Some(text) = parse_options(&mut words, &mut request)? {
            return Ok(Request::Show(text));
        }
        if !request.enter.files.is_empty() {
            let message = format!("--ns and a target, {}, exclude each other", target.display());
            return Err(UsageError::with_hint(message, ENTER_FORM));
        }
        match target.to_str().and_then(values::pid) {
            Some(pid) => Target::Process(pid),
            _ if target.as_bytes().contains(&b'/') => Target::Kept(target),
            _ => {
                let message = format!("this is no process and no path: {}", target.display());
                return Err(UsageError::with_hint(message, "a directory without a slash is written ./DIR"));
            }
        }
    } else {
        Target::Files(request.enter.files.clone())
    };
    Ok(Request::Enter(target, request))
}

const ENTER_FORM: &str =
    "pidone enter PID|DIR [OPTIONS] [--] [COMMAND...], or pidone enter --ns FILE [--] [COMMAND...]";

/// `probe [OPTIONS] [--] COMMAND…`.
pub(super) fn probe(words: &[&OsStr], mut request: Box<RunRequest>) -> Result<Request, UsageError> {
    if let Some(text) = parse_options(&mut Words::new(words, Manner::Pidone), &mut request)? {
        return Ok(Request::Show(text));
    }
    if request.command.is_empty() {
        return Err(UsageError::with_hint("no command given", "pidone probe [OPTIONS] -- COMMAND [ARG...]"));
    }
    if !request.enter.is_empty() {
        return Err(UsageError::with_hint("--ns and --only are for 'pidone enter'", "leave them out"));
    }
    Ok(Request::Probe(request))
}

/// For `run`, of which PIDONE_OPTIONS may say too much as well.
pub(super) fn refuse_options_of_verbs(request: &RunRequest) -> Result<(), UsageError> {
    if !request.enter.is_empty() {
        let form = "pidone enter TARGET -- COMMAND";
        return Err(UsageError::with_hint("--ns and --only are for 'pidone enter'", form));
    }
    if !request.probe.is_empty() {
        let message = "--signals, --settle, --ready-file, --ready-regex, --ready-timeout, --wait and --json are for \
                       'pidone probe'";
        return Err(UsageError::with_hint(message, "pidone probe [OPTIONS] -- COMMAND"));
    }
    Ok(())
}
