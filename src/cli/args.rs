//! Runs in: outer or init, before anything else. The command line and `PIDONE_OPTIONS`, as typed; pure.

use crate::error::UsageError;
use crate::request::{IdMap, Place, ProcMount, Propagation, Request, RunRequest};
use crate::signal::{Rewrites, Signal};
use lexopt::{Arg, Parser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Parses the arguments after the program's name; `from_environment` is the value of `PIDONE_OPTIONS`, whose
/// options come before those of the command line, so that the command line has the last word.
///
/// # Errors
/// Says which word was not understood, and whether it came from `PIDONE_OPTIONS`.
pub(crate) fn parse(
    args: impl Iterator<Item = OsString>,
    from_environment: Option<&OsStr>,
) -> Result<Request, UsageError> {
    let mut request = RunRequest {
        place: None,
        id_map: None,
        proc: None,
        propagation: None,
        group: false,
        rewrites: Rewrites::none(),
        exit_map: Vec::new(),
        no_die_with_parent: false,
        verbosity: 0,
        command: Vec::new(),
    };
    let mut args = args.peekable();
    // Asked alone, for what the program is, it answers whatever stands in the environment.
    let asks_for_text =
        args.peek().is_some_and(|first| ["-h", "--help", "--version"].iter().any(|text| first == text));
    if let Some(options) = from_environment.filter(|_| !asks_for_text) {
        parse_environment(options, &mut request)?;
    }
    args.next_if(|first| first == "run");
    let mut parser = Parser::from_args(args);
    if let Some(text) = parse_options(&mut parser, &mut request)? {
        return Ok(text);
    }
    if request.command.is_empty() {
        return Err(UsageError::with_hint(
            "no command given",
            "pidone [OPTIONS] -- COMMAND [ARG...]; 'pidone -h' shows more",
        ));
    }
    Ok(Request::Run(request))
}

fn parse_environment(options: &OsStr, request: &mut RunRequest) -> Result<(), UsageError> {
    let in_environment =
        |error: UsageError| UsageError { message: format!("PIDONE_OPTIONS: {}", error.message), ..error };
    let mut words = shlex::bytes::Shlex::new(options.as_bytes());
    let split: Vec<_> = words.by_ref().map(OsString::from_vec).collect();
    if words.had_error {
        return Err(in_environment(UsageError::with_hint(
            "a quote or backslash is left open",
            "it is split as a shell splits words: close the quote",
        )));
    }
    let mut parser = Parser::from_args(split);
    if parse_options(&mut parser, request).map_err(in_environment)?.is_some() {
        return Err(in_environment(UsageError::new("help and version belong on the command line")));
    }
    match request.command.first() {
        None => Ok(()),
        Some(word) => {
            let message = format!("only options can stand here: {}", word.display());
            Err(in_environment(UsageError::with_hint(message, "the command goes on the command line")))
        }
    }
}

/// Takes options until the first word that is none, which starts the command. Some request if that is all there is
/// to do.
fn parse_options(parser: &mut Parser, request: &mut RunRequest) -> Result<Option<Request>, UsageError> {
    while let Some(arg) = parser.next().map_err(|error| from_lexopt(&error))? {
        match arg {
            Arg::Short('h') => return Ok(Some(Request::ShortHelp)),
            Arg::Long("help") => return Ok(Some(Request::LongHelp)),
            Arg::Long("version") => return Ok(Some(Request::Version)),
            Arg::Long("in-place") => request.place = Some(Place::InPlace),
            Arg::Long("isolate") => request.place = Some(Place::Isolated),
            Arg::Long("as-pid1") => request.place = Some(Place::Bare),
            Arg::Long("map-root") => request.id_map = Some(IdMap::Root),
            Arg::Long("map-current") => request.id_map = Some(IdMap::Current),
            Arg::Long("proc") => request.proc = Some(one_of(parser, "--proc", PROC_MOUNTS)?),
            Arg::Long("propagation") => request.propagation = Some(one_of(parser, "--propagation", PROPAGATIONS)?),
            Arg::Short('g') | Arg::Long("group") => request.group = true,
            Arg::Long("rewrite") => {
                let (from, to) = rewrite(&text_value(parser, "--rewrite", REWRITE_FORM)?)?;
                request.rewrites.set(from, to);
            }
            Arg::Long("ignore") => {
                let word = text_value(parser, "--ignore", SIGNAL_FORM)?;
                let signal = Signal::parse(&word).ok_or_else(|| not_understood("--ignore", &word, SIGNAL_FORM))?;
                request.rewrites.set(forwarded("--ignore", signal)?, None);
            }
            Arg::Long("map-exit") => {
                request.exit_map.push(exit_mapping(&text_value(parser, "--map-exit", EXIT_FORM)?)?)
            }
            Arg::Long("no-die-with-parent") => request.no_die_with_parent = true,
            Arg::Short('v') | Arg::Long("verbose") => request.verbosity = request.verbosity.saturating_add(1),
            Arg::Value(first) => {
                let rest = parser.raw_args().map_err(|error| from_lexopt(&error))?;
                request.command = std::iter::once(first).chain(rest).collect();
                return Ok(None);
            }
            unknown => return Err(from_lexopt(&unknown.unexpected())),
        }
    }
    Ok(None)
}

const PROC_MOUNTS: &[(&str, ProcMount)] =
    &[("fresh", ProcMount::Fresh), ("bind", ProcMount::Bind), ("none", ProcMount::None)];

const PROPAGATIONS: &[(&str, Propagation)] = &[
    ("private", Propagation::Private),
    ("slave", Propagation::Slave),
    ("shared", Propagation::Shared),
    ("unchanged", Propagation::Unchanged),
];

/// The option's value, which must be one of the words of `table`.
fn one_of<T: Copy>(parser: &mut Parser, option: &str, table: &[(&str, T)]) -> Result<T, UsageError> {
    let words: Vec<_> = table.iter().map(|(word, _)| *word).collect();
    let hint = format!("one of {}", words.join(", "));
    let value = text_value(parser, option, &hint)?;
    let found = table.iter().find(|(word, _)| value == *word);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| not_understood(option, &value, &hint))
}

const REWRITE_FORM: &str = "FROM:TO, such as TERM:QUIT or RTMIN+3:TERM; TO 0 drops the signal";
const SIGNAL_FORM: &str = "a signal by name or number: TERM, SIGTERM, 15, RTMIN+3";
const EXIT_FORM: &str = "FROM:TO, both from 0 to 255, such as 143:0";

/// The option's value as text; all these options take words of ASCII only.
fn text_value(parser: &mut Parser, option: &str, form: &str) -> Result<String, UsageError> {
    let value = parser.value().map_err(|error| UsageError { hint: form.into(), ..from_lexopt(&error) })?;
    value.into_string().map_err(|value| not_understood(option, &value.to_string_lossy(), form))
}

fn not_understood(option: &str, value: &str, form: &str) -> UsageError {
    UsageError::with_hint(format!("{option} does not know this value: {value}"), form)
}

/// `FROM:TO` of `--rewrite`; TO 0 stands for nothing.
fn rewrite(value: &str) -> Result<(Signal, Option<Signal>), UsageError> {
    let wrong = || not_understood("--rewrite", value, REWRITE_FORM);
    let (from, to) = value.split_once(':').ok_or_else(wrong)?;
    let from = Signal::parse(from).ok_or_else(wrong)?;
    let to = if to == "0" { None } else { Some(Signal::parse(to).ok_or_else(wrong)?) };
    Ok((forwarded("--rewrite", from)?, to))
}

/// A signal that pidone forwards at all.
fn forwarded(option: &str, signal: Signal) -> Result<Signal, UsageError> {
    if signal.is_forwarded() {
        return Ok(signal);
    }
    let message = format!("{option}: pidone never forwards this signal: {signal}");
    Err(UsageError::with_hint(message, "KILL and STOP act on pidone itself, CHLD is about its own children"))
}

/// `FROM:TO` of `--map-exit`.
fn exit_mapping(value: &str) -> Result<(u8, u8), UsageError> {
    let parsed = value.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    parsed.ok_or_else(|| not_understood("--map-exit", value, EXIT_FORM))
}

fn from_lexopt(error: &lexopt::Error) -> UsageError {
    match error {
        lexopt::Error::UnexpectedOption(option) => UsageError::new(format!("unknown option: {option}")),
        lexopt::Error::MissingValue { option: Some(option) } => {
            UsageError::new(format!("this option needs a value: {option}"))
        }
        lexopt::Error::UnexpectedValue { option, value } => UsageError::with_hint(
            format!("this option takes no value: {option}={}", value.display()),
            format!("write just {option}"),
        ),
        other => UsageError::new(other.to_string()),
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
