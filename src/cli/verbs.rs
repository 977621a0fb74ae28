//! Runs in: outer or init, before anything else. The command lines of the verbs other than `run`; pure.

use super::args::{Value, forgotten, parse_options};
use super::help;
use super::values;
use crate::error::UsageError;
use crate::namespace::Kinds;
use crate::request::{EnterOptions, Output, ProbeOptions, Ready, Request, RunRequest, Target};
use lexopt::Parser;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The one argument of a verb that takes a directory.
pub(super) fn one_directory(
    verb: &str,
    mut args: impl Iterator<Item = OsString>,
    request: impl FnOnce(OsString) -> Request,
) -> Result<Request, UsageError> {
    match (args.next(), args.next()) {
        (Some(word), None) if word == "-h" || word == "--help" => Ok(Request::Show(Output::Stdout, help::long())),
        (Some(directory), None) if !directory.as_bytes().starts_with(b"-") => Ok(request(directory)),
        _ => Err(UsageError::with_hint(format!("{verb} takes one directory"), format!("pidone {verb} DIR"))),
    }
}

/// `enter TARGET [OPTIONS] [--] [COMMAND…]`; options may stand before TARGET, too.
pub(super) fn enter(
    args: impl Iterator<Item = OsString>,
    mut request: Box<RunRequest>,
) -> Result<Request, UsageError> {
    let mut parser = Parser::from_args(args);
    if let Some(text) = parse_options(&mut parser, &mut request)? {
        return Ok(Request::Show(Output::Stdout, text));
    }
    let target = if request.enter.files.is_empty() {
        let mut words = std::mem::take(&mut request.command).into_iter();
        let target = words.next().ok_or_else(|| UsageError::with_hint("no target given", ENTER_FORM))?;
        let mut parser = Parser::from_args(words);
        if let Some(text) = parse_options(&mut parser, &mut request)? {
            return Ok(Request::Show(Output::Stdout, text));
        }
        if !request.enter.files.is_empty() {
            let message = format!("--ns and a target, {}, exclude each other", target.display());
            return Err(UsageError::with_hint(message, ENTER_FORM));
        }
        match target.to_str().map(str::parse) {
            Some(Ok(pid)) if pid > 0 => Target::Process(pid),
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
pub(super) fn probe(
    args: impl Iterator<Item = OsString>,
    mut request: Box<RunRequest>,
) -> Result<Request, UsageError> {
    let mut parser = Parser::from_args(args);
    if let Some(text) = parse_options(&mut parser, &mut request)? {
        return Ok(Request::Show(Output::Stdout, text));
    }
    if request.command.is_empty() {
        return Err(UsageError::with_hint("no command given", "pidone probe [OPTIONS] -- COMMAND [ARG...]"));
    }
    if request.enter != EnterOptions::default() {
        return Err(UsageError::with_hint("--ns and --only are for 'pidone enter'", "leave them out"));
    }
    Ok(Request::Probe(request))
}

/// For `run`, of which PIDONE_OPTIONS may say too much as well.
pub(super) fn refuse_options_of_verbs(request: &RunRequest) -> Result<(), UsageError> {
    if request.enter != EnterOptions::default() {
        let form = "pidone enter TARGET -- COMMAND";
        return Err(UsageError::with_hint("--ns and --only are for 'pidone enter'", form));
    }
    if request.probe != ProbeOptions::default() {
        let message = "--signals, --settle, --ready-file, --ready-regex, --ready-timeout, --wait and --json are for \
                       'pidone probe'";
        return Err(UsageError::with_hint(message, "pidone probe [OPTIONS] -- COMMAND"));
    }
    Ok(())
}

/// Takes note of one option of theirs.
pub(super) fn set(request: &mut RunRequest, value: Value) -> Result<(), UsageError> {
    let (enter, probe) = (&mut request.enter, &mut request.probe);
    match value.option.long {
        "ns" => enter.files.push(value.bytes(values::word)?),
        "only" => enter.only = Some(value.text(Kinds::parse)?),
        "signals" => probe.signals = Some(value.text(values::signals)?),
        "settle" => probe.settle = Some(value.text(values::duration)?),
        "ready-file" => probe.ready = Some(Ready::File(value.bytes(values::absolute)?)),
        "ready-regex" => probe.ready = Some(Ready::Output(value.bytes(values::word)?)),
        "ready-timeout" => probe.ready_timeout = Some(value.text(values::duration)?),
        "wait" => probe.wait = Some(value.text(values::duration)?),
        "json" => probe.json = true,
        other => return Err(forgotten(other)),
    }
    Ok(())
}
