//! Runs in: outer or init, before anything else. The command line and `PIDONE_OPTIONS`, as typed; pure.
//!
//! Past 300 lines because each option has its arm here, and nothing else.

use super::files;
use super::help;
use super::options::{Group, OPTIONS, OptionDoc};
use super::values;
use super::verbs;
use crate::capability::Capabilities;
use crate::error::UsageError;
use crate::idmap::Caller;
use crate::namespace::{Kind, Kinds};
use crate::request::{
    EnvironmentChange, Grouping, Limit, OnExit, Output, Place, ProcMount, Propagation, Request, RunRequest,
    TraceFormat,
};
use crate::signal::Signal;
use lexopt::{Arg, Parser};
use log::LevelFilter;
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
    let mut args = args.peekable();
    // Asked alone, for what the program is, it answers whatever stands in the environment.
    let asks_for_text =
        args.peek().is_some_and(|first| ["-h", "--help", "--version"].iter().any(|text| first == text));
    if args.next_if(|first| first == "install-names").is_some() {
        return verbs::one_directory("install-names", args, Request::InstallNames);
    }
    if args.next_if(|first| first == "release").is_some() {
        return verbs::one_directory("release", args, Request::Release);
    }
    if args.next_if(|first| first == "inspect").is_some() {
        return super::inspect::parse(args);
    }
    let mut request = parse_environment(from_environment.filter(|_| !asks_for_text))?;
    if args.next_if(|first| first == "enter").is_some() {
        return verbs::enter(args, request);
    }
    if args.next_if(|first| first == "probe").is_some() {
        return verbs::probe(args, request);
    }
    args.next_if(|first| first == "run");
    let mut parser = Parser::from_args(args);
    if let Some(text) = parse_options(&mut parser, &mut request)? {
        return Ok(Request::Show(Output::Stdout, text));
    }
    verbs::refuse_options_of_verbs(&request)?;
    match (request.command.is_empty(), request.pause) {
        (true, false) => Err(UsageError::with_hint(
            "no command given",
            "pidone [OPTIONS] -- COMMAND [ARG...]; 'pidone -h' shows more",
        )),
        (false, true) => {
            let hint = "leave the command out, or --pause (it may stand in PIDONE_OPTIONS)";
            Err(UsageError::with_hint("--pause runs no command, and there is one", hint))
        }
        _ => Ok(Request::Run(request)),
    }
}

/// What `PIDONE_OPTIONS` asks for, of which the command line then is a continuation.
pub(super) fn parse_environment(options: Option<&OsStr>) -> Result<Box<RunRequest>, UsageError> {
    let mut request = Box::new(RunRequest::new());
    let Some(options) = options else { return Ok(request) };
    let in_environment = |mut error: UsageError| {
        error.message.insert_str(0, "PIDONE_OPTIONS: ");
        error
    };
    let mut words = shlex::bytes::Shlex::new(options.as_bytes());
    let split: Vec<_> = words.by_ref().map(OsString::from_vec).collect();
    if words.had_error {
        return Err(in_environment(UsageError::with_hint(
            "a quote or backslash is left open",
            "it is split as a shell splits words: close the quote",
        )));
    }
    let mut parser = Parser::from_args(split);
    if parse_options(&mut parser, &mut request).map_err(in_environment)?.is_some() {
        return Err(in_environment(UsageError::new("help and version belong on the command line")));
    }
    match request.command.first() {
        None => Ok(request),
        Some(word) => {
            let message = format!("only options can stand here: {}", word.display());
            Err(in_environment(UsageError::with_hint(message, "the command goes on the command line")))
        }
    }
}

/// Takes options until the first word that is none, which starts the command. Some text if that is all there is to do.
pub(super) fn parse_options(parser: &mut Parser, request: &mut RunRequest) -> Result<Option<String>, UsageError> {
    while let Some(arg) = parser.next().map_err(|error| from_lexopt(&error))? {
        let option = match arg {
            Arg::Short('h') => return Ok(Some(help::short())),
            Arg::Long("help") => return Ok(Some(help::long())),
            Arg::Long("version") => return Ok(Some(help::version())),
            Arg::Value(first) => {
                let rest = parser.raw_args().map_err(|error| from_lexopt(&error))?;
                request.command = std::iter::once(first).chain(rest).collect();
                return Ok(None);
            }
            Arg::Short(short) => OPTIONS.iter().find(|option| option.short == Some(short)),
            Arg::Long(long) => OPTIONS.iter().find(|option| option.long == long),
        };
        let option = option.ok_or_else(|| from_lexopt(&arg.unexpected()))?;
        let mut value = OsString::new();
        if option.value.starts_with('[') {
            // Optional, and so only behind a '='.
            value = parser.optional_value().unwrap_or_else(|| values::STDERR.into());
        } else if !option.value.is_empty() {
            let attached = parser.optional_value();
            let is_attached = attached.is_some();
            let given = attached.map_or_else(|| parser.value(), Ok);
            value = given
                .map_err(|error| UsageError::with_hint(from_lexopt(&error).message.as_str(), option.form()))?;
            if value == "--" && !is_attached {
                return Err(UsageError::with_hint(
                    format!("this option needs a value: --{}", option.long),
                    option.form(),
                ));
            }
        }
        let value = Value { option, value };
        match option.group {
            Group::Place | Group::General => set_place(request, &value)?,
            Group::Enter | Group::Probe => verbs::set(request, value)?,
            Group::Namespaces => set_namespaces(request, value)?,
            Group::Files => files::set(&mut request.furnishing, value)?,
            Group::Signals | Group::Stopping => set_signals(request, &value)?,
            Group::Identity => set_identity(request, value)?,
        }
    }
    Ok(None)
}

/// An option that was given, and its value; empty where it takes none.
pub(super) struct Value {
    pub(super) option: &'static OptionDoc,
    pub(super) value: OsString,
}

impl Value {
    /// What the value means as text; all but a few options take words of ASCII only.
    pub(super) fn text<T>(&self, meaning: impl FnOnce(&str) -> values::Meaning<T>) -> Result<T, UsageError> {
        self.value.to_str().and_then(meaning).ok_or_else(|| self.not_understood())
    }

    /// What the value means as bytes.
    pub(super) fn bytes<T>(self, meaning: impl FnOnce(OsString) -> values::Meaning<T>) -> Result<T, UsageError> {
        let error = self.not_understood();
        meaning(self.value).ok_or(error)
    }

    /// The meaning of a value that must be one of the words of `table`.
    fn one_of<T: Copy>(&self, table: &[(&str, T)]) -> Result<T, UsageError> {
        self.text(|word| table.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning))
    }

    pub(super) fn not_understood(&self) -> UsageError {
        let message = format!("--{} does not know this value: {}", self.option.long, self.value.display());
        UsageError::with_hint(message, self.option.form())
    }
}

impl OptionDoc {
    /// How to write it, for who did not.
    fn form(&self) -> String {
        format!("{}: {}. {}", self.usage(), self.summary, self.more).trim_end().to_owned()
    }
}

const PROC_MOUNTS: &[(&str, ProcMount)] =
    &[("fresh", ProcMount::Fresh), ("bind", ProcMount::Bind), ("none", ProcMount::None)];

const PROPAGATIONS: &[(&str, Propagation)] = &[
    ("private", Propagation::Private),
    ("slave", Propagation::Slave),
    ("shared", Propagation::Shared),
    ("unchanged", Propagation::Unchanged),
];

const ON_EXITS: &[(&str, OnExit)] = &[("kill", OnExit::Kill), ("term", OnExit::Term), ("wait", OnExit::Wait)];

const TRACE_FORMATS: &[(&str, TraceFormat)] = &[("json", TraceFormat::Json), ("chrome", TraceFormat::Chrome)];

fn set_place(request: &mut RunRequest, value: &Value) -> Result<(), UsageError> {
    match value.option.long {
        "in-place" => request.place = Some(Place::InPlace),
        "isolate" => request.place = Some(Place::Isolated),
        "as-pid1" => request.place = Some(Place::Bare),
        "pause" => request.pause = true,
        "trace" => request.trace = Some(values::trace_target(&value.value).ok_or_else(|| value.not_understood())?),
        "trace-format" => request.trace_format = Some(value.one_of(TRACE_FORMATS)?),
        "verbose" => request.level = Some(more_verbose(request.level)),
        other => return Err(forgotten(other)),
    }
    Ok(())
}

fn set_namespaces(request: &mut RunRequest, value: Value) -> Result<(), UsageError> {
    let namespaces = &mut request.namespaces;
    let mut implied = None;
    match value.option.long {
        "uts" => implied = Some(Kind::Uts),
        "ipc" => implied = Some(Kind::Ipc),
        "net" => implied = Some(Kind::Net),
        "user" => implied = Some(Kind::User),
        "cgroup" => implied = Some(Kind::Cgroup),
        "time" => implied = Some(Kind::Time),
        "all" => namespaces.kinds = Kinds::of(&Kind::ALL),
        "hostname" => (namespaces.hostname, implied) = (Some(value.bytes(values::system_name)?), Some(Kind::Uts)),
        "domainname" => {
            (namespaces.domainname, implied) = (Some(value.bytes(values::system_name)?), Some(Kind::Uts))
        }
        "monotonic" => {
            (namespaces.monotonic, implied) = (Some(value.text(values::clock_offset)?), Some(Kind::Time))
        }
        "boottime" => (namespaces.boottime, implied) = (Some(value.text(values::clock_offset)?), Some(Kind::Time)),
        "map-root" => (namespaces.map.caller, implied) = (Some(Caller::Root), Some(Kind::User)),
        "map-current" => (namespaces.map.caller, implied) = (Some(Caller::Current), Some(Kind::User)),
        "map-auto" => (namespaces.map.auto, implied) = (true, Some(Kind::User)),
        "map-users" => {
            namespaces.map.users.push(value.text(values::id_range)?);
            implied = Some(Kind::User);
        }
        "map-groups" => {
            namespaces.map.groups.push(value.text(values::id_range)?);
            implied = Some(Kind::User);
        }
        "persist" => namespaces.persist = Some(value.bytes(values::word)?),
        "proc" => request.proc = Some(value.one_of(PROC_MOUNTS)?),
        "propagation" => request.propagation = Some(value.one_of(PROPAGATIONS)?),
        "no-die-with-parent" => request.no_die_with_parent = true,
        other => return Err(forgotten(other)),
    }
    if let Some(kind) = implied {
        namespaces.kinds = namespaces.kinds.with(kind);
    }
    Ok(())
}

fn set_signals(request: &mut RunRequest, value: &Value) -> Result<(), UsageError> {
    match value.option.long {
        "group" => request.group = true,
        "new-session" => request.grouping = Grouping::Session,
        "rewrite" => {
            let (from, to) = value.text(values::rewrite)?;
            request.rewrites.set(values::forwarded("rewrite", from)?, to);
        }
        "ignore" => {
            let signal = value.text(Signal::parse)?;
            request.rewrites.set(values::forwarded("ignore", signal)?, None);
        }
        "pdeathsig" => {
            request.parent_death =
                Some(value.text(|word| Signal::parse(word).filter(|signal| *signal != Signal::CHLD))?);
        }
        "map-exit" => request.exit_map.push(value.text(values::exit_mapping)?),
        "stop-timeout" => request.stop.timeout = Some(value.text(values::duration)?),
        "stop-delay" => request.stop.delay = Some(value.text(values::duration)?),
        "stop-all" => request.stop.all = true,
        "on-exit" => request.on_exit = Some(value.one_of(ON_EXITS)?),
        other => return Err(forgotten(other)),
    }
    Ok(())
}

fn set_identity(request: &mut RunRequest, value: Value) -> Result<(), UsageError> {
    let identity = &mut request.identity;
    let name = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
    match value.option.long {
        "uid" => {
            let (user, group) = value.text(values::user_and_group)?;
            (identity.user, identity.user_group) = (Some(user), group);
        }
        "gid" => (identity.group, identity.user_group) = (Some(value.text(name)?), None),
        "groups" => identity.groups = Some(value.text(values::groups)?),
        "no-new-privs" => identity.no_new_privs = true,
        "drop-caps" => identity.drop_caps.0 |= value.text(values::capabilities_or_all)?.0,
        "keep-caps" => {
            let kept = value.text(Capabilities::parse)?;
            identity.keep_caps.get_or_insert_default().0 |= kept.0;
        }
        "umask" => identity.umask = Some(value.text(values::umask)?),
        "workdir" => identity.workdir = Some(value.bytes(values::word)?),
        "env" => identity.environment.push(EnvironmentChange::Set(value.bytes(values::variable)?)),
        "unset-env" => identity.environment.push(EnvironmentChange::Unset(value.bytes(values::variable_name)?)),
        "clear-env" => identity.environment.push(EnvironmentChange::Clear),
        "argv0" => identity.argv0 = Some(value.value),
        "nice" => identity.nice = Some(value.text(|word| values::between(word, -20, 19))?),
        "rlimit" => set_limit(&mut identity.limits, value.text(values::limit)?),
        "oom-score-adj" => identity.oom_score_adj = Some(value.text(|word| values::between(word, -1000, 1000))?),
        other => return Err(forgotten(other)),
    }
    Ok(())
}

/// The last word on each of the two values counts: a hard limit that was lowered could not be raised again.
fn set_limit(limits: &mut Vec<Limit>, new: Limit) {
    match limits.iter_mut().find(|limit| limit.resource == new.resource) {
        Some(limit) => *limit = Limit { soft: new.soft.or(limit.soft), hard: new.hard.or(limit.hard), ..new },
        None => limits.push(new),
    }
}

/// An option that stands in the table and in no match above: a test goes through the whole table, so that nobody else
/// meets one.
pub(super) fn forgotten(name: &str) -> UsageError {
    UsageError::new(format!("the parser has forgotten this option: --{name}"))
}

/// What one more `-v` makes of a level.
pub(super) fn more_verbose(level: Option<LevelFilter>) -> LevelFilter {
    match level {
        None => LevelFilter::Info,
        Some(level) => level.increment_severity(),
    }
}

pub(super) fn from_lexopt(error: &lexopt::Error) -> UsageError {
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
#[path = "../fuzz/args.rs"]
mod properties;

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
