//! Runs in: outer or init, before anything else. The command line and `PIDONE_OPTIONS`, as typed; pure.
//!
//! Past 300 lines because each option has its line here.

use super::files;
use super::options::{self, Doc, Name};
use super::values;
use super::verbs;
use super::words::{Manner, Word, Words, Wrong};
use crate::capability::Capabilities;
use crate::error::UsageError;
use crate::idmap::Caller;
use crate::namespace::{Kind, Kinds};
use crate::packed::packed;
use crate::request::{
    EnvironmentChange, Grouping, Limit, OnExit, Place, ProcMount, Propagation, Ready, Request, RunRequest, Text,
    TraceFormat,
};
use crate::signal::Signal;
use log::LevelFilter;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Parses the arguments after the program's name; `from_environment` is the value of `PIDONE_OPTIONS`, whose
/// options come before those of the command line, so that the command line has the last word.
///
/// # Errors
/// Says which word was not understood, and whether it came from `PIDONE_OPTIONS`.
pub(crate) fn parse(words: &[&OsStr], from_environment: Option<&OsStr>) -> Result<Request, UsageError> {
    let verb = words.first().and_then(|word| word.to_str()).unwrap_or_default();
    let rest = words.get(1..).unwrap_or_default();
    match verb {
        "install-names" => return verbs::one_directory("install-names", rest, Request::InstallNames),
        "release" => return verbs::one_directory("release", rest, Request::Release),
        "inspect" => return super::inspect::parse(rest),
        _ => {}
    }
    // Asked alone, for what the program is, it answers whatever stands in the environment.
    let asks_for_text = matches!(verb, "-h" | "--help" | "--version");
    let mut request = parse_environment(from_environment.filter(|_| !asks_for_text))?;
    let words = match verb {
        "enter" => return verbs::enter(rest, request),
        "probe" => return verbs::probe(rest, request),
        "run" => rest,
        _ => words,
    };
    let mut words = Words::new(words, Manner::Pidone);
    if let Some(text) = parse_options(&mut words, &mut request)? {
        return Ok(Request::Show(text));
    }
    verbs::refuse_options_of_verbs(&request)?;
    match (request.command.is_empty(), request.pause) {
        (true, false) => Err(UsageError::with_hint(
            "no command given",
            "pidone [OPTIONS] -- COMMAND [ARG...]; 'pidone -h' shows more",
        )),
        (false, true) => {
            let hint = packed!("leave the command out, or --pause (it may stand in PIDONE_OPTIONS)");
            Err(UsageError::with_hint("--pause runs no command, and there is one", hint))
        }
        _ => Ok(Request::Run(request)),
    }
}

/// What `PIDONE_OPTIONS` asks for, of which the command line then is a continuation.
pub(super) fn parse_environment(options: Option<&OsStr>) -> Result<Box<RunRequest>, UsageError> {
    let mut request = Box::new(RunRequest::new());
    let Some(options) = options else { return Ok(request) };
    options_of_environment(options, &mut request).map(|()| request).map_err(|mut error| {
        error.message.insert_str(0, "PIDONE_OPTIONS: ");
        error
    })
}

fn options_of_environment(options: &OsStr, request: &mut RunRequest) -> Result<(), UsageError> {
    let mut splitter = shlex::bytes::Shlex::new(options.as_bytes());
    let mut split = Vec::new();
    for word in splitter.by_ref() {
        split.push(word);
    }
    if splitter.had_error {
        let hint = packed!("it is split as a shell splits words: close the quote");
        return Err(UsageError::with_hint("a quote or backslash is left open", hint));
    }
    let mut words = Vec::new();
    for word in &split {
        words.push(OsStr::from_bytes(word));
    }
    if parse_options(&mut Words::new(&words, Manner::Pidone), request)?.is_some() {
        return Err(UsageError::new("help and version belong on the command line"));
    }
    match request.command.first() {
        None => Ok(()),
        Some(word) => {
            let message = format!("only options can stand here: {}", word.display());
            Err(UsageError::with_hint(message, "the command goes on the command line"))
        }
    }
}

/// Takes options until the first word that is none, which starts the command. Some text if that is all there is to do.
pub(super) fn parse_options(words: &mut Words<'_>, request: &mut RunRequest) -> Result<Option<Text>, UsageError> {
    while let Some(word) = words.next()? {
        if let Word::Plain(first) = word {
            request.command = words.command(first);
            break;
        }
        let (name, option) =
            options::find("", &|_, option| option.is(word)).ok_or_else(|| words.wrong(Wrong::Unknown))?;
        match (name, word) {
            (Name::Help, Word::Letter(_)) => return Ok(Some(Text::ShortHelp)),
            (Name::Help, _) => return Ok(Some(Text::LongHelp)),
            (Name::Version, _) => return Ok(Some(Text::Version)),
            _ => {}
        }
        let value = if option.value.is_empty() { OsStr::new("") } else { value_of(name, &option, words)? };
        set(request, name, &option, value)
            .unwrap_or_else(|| Err(unknown_value(option.long, value, options::form(name))))?;
    }
    Ok(None)
}

/// The value that an option was given; one that is optional only stands behind a `=`.
fn value_of<'a>(name: Name, option: &Doc<'_>, words: &mut Words<'a>) -> Result<&'a OsStr, UsageError> {
    let is_optional = option.value.starts_with('[');
    match words.attached() {
        Some(value) => Ok(value),
        None if is_optional => Ok(OsStr::new(values::STDERR)),
        None => words.following().filter(|word| *word != "--").ok_or_else(|| {
            let mut error = words.wrong(Wrong::NoValue);
            error.hint = options::form(name);
            error
        }),
    }
}

/// An option has another form than that value.
pub(super) fn unknown_value(option: &str, value: &OsStr, form: String) -> UsageError {
    UsageError::with_hint(format!("--{option} does not know this value: {}", value.display()), form)
}

impl Doc<'_> {
    pub(super) fn is(&self, word: Word<'_>) -> bool {
        match word {
            Word::Letter(letter) => self.short == Some(letter.into()),
            Word::Name(name) => name == self.long,
            Word::Plain(_) => false,
        }
    }

    /// How to write it, for who did not.
    pub(super) fn form(&self) -> String {
        format!("{}: {}. {}", self.usage(), self.summary, self.more).trim_ascii_end().to_owned()
    }

    /// Which of its forms, `fresh|bind|none`, the word is.
    #[inline(never)]
    fn choice(&self, word: Option<&str>) -> Option<usize> {
        let word = word?;
        values::parts(self.value, '|').iter().position(|form| *form == word)
    }
}

/// The kind of namespace that an option asks for, or implies.
fn kind_of(name: Name) -> Option<Kind> {
    match name {
        Name::Uts | Name::Hostname | Name::Domainname => Some(Kind::Uts),
        Name::Ipc => Some(Kind::Ipc),
        Name::Net => Some(Kind::Net),
        Name::User | Name::MapRoot | Name::MapCurrent | Name::MapAuto | Name::MapUsers | Name::MapGroups => {
            Some(Kind::User)
        }
        Name::Cgroup => Some(Kind::Cgroup),
        Name::Time | Name::Monotonic | Name::Boottime => Some(Kind::Time),
        _ => None,
    }
}

/// Takes note of one option. `None`: its value is not understood.
#[rustfmt::skip] // a table
#[expect(clippy::too_many_lines, reason = "each option has its line, and the compiler tells of one that is forgotten")]
#[inline(never)]
fn set(request: &mut RunRequest, name: Name, option: &Doc<'_>, value: &OsStr) -> Option<Result<(), UsageError>> {
    let namespaces = &mut request.namespaces;
    if let Some(kind) = kind_of(name) {
        namespaces.kinds = namespaces.kinds.with(kind);
    }
    let (identity, probe) = (&mut request.identity, &mut request.probe);
    // All but a few options take words of ASCII only.
    let text = value.to_str();
    match name {
        Name::InPlace => request.place = Some(Place::InPlace),
        Name::Isolate => request.place = Some(Place::Isolated),
        Name::AsPid1 => request.place = Some(Place::Bare),
        Name::Pause => request.pause = true,

        Name::Uts | Name::Ipc | Name::Net | Name::User | Name::Cgroup | Name::Time => {}
        Name::All => namespaces.kinds = Kinds::of(&Kind::ALL),
        Name::Hostname => put_word(&mut namespaces.hostname, values::system_name(value)?),
        Name::Domainname => put_word(&mut namespaces.domainname, values::system_name(value)?),
        Name::Monotonic => put(&mut namespaces.monotonic, text, values::clock_offset)?,
        Name::Boottime => put(&mut namespaces.boottime, text, values::clock_offset)?,
        Name::MapRoot => namespaces.map.caller = Some(Caller::Root),
        Name::MapCurrent => namespaces.map.caller = Some(Caller::Current),
        Name::MapUsers => push(&mut namespaces.map.users, text, values::id_range)?,
        Name::MapGroups => push(&mut namespaces.map.groups, text, values::id_range)?,
        Name::MapAuto => namespaces.map.auto = true,
        Name::Proc => request.proc = Some(*PROC_MOUNTS.get(option.choice(text)?)?),
        Name::Propagation => request.propagation = Some(*PROPAGATIONS.get(option.choice(text)?)?),
        Name::Persist => put_word(&mut namespaces.persist, values::word(value)?),
        Name::NoDieWithParent => request.no_die_with_parent = true,

        Name::Rootfs => put_word(&mut request.furnishing.rootfs, values::word(value)?),
        Name::Bind | Name::RoBind | Name::Tmpfs | Name::Dev | Name::ProcAt | Name::Mask => {
            return files::push(&mut request.furnishing.steps, name, option.long, value);
        }
        Name::ReadOnly => request.furnishing.read_only = true,

        Name::Group => request.group = true,
        Name::NewSession => request.grouping = Grouping::Session,
        Name::Rewrite | Name::Ignore => {
            let (from, to) = if name == Name::Ignore { (Signal::parse(text?)?, None) } else { values::rewrite(text?)? };
            if !from.is_forwarded() {
                return Some(Err(values::never_forwarded(option.long, from)));
            }
            request.rewrites.set(from, to);
        }
        Name::Pdeathsig => {
            request.parent_death = Some(Signal::parse(text?).filter(|signal| *signal != Signal::CHLD)?);
        }
        Name::MapExit => request.exit_map.push(values::exit_mapping(text?)?),

        Name::StopTimeout => put(&mut request.stop.timeout, text, values::duration)?,
        Name::StopDelay => put(&mut request.stop.delay, text, values::duration)?,
        Name::StopAll => request.stop.all = true,
        Name::OnExit => request.on_exit = Some(*ON_EXITS.get(option.choice(text)?)?),

        Name::Uid => {
            let (user, group) = values::user_and_group(text?)?;
            (identity.user, identity.user_group) = (Some(user.to_owned()), group.map(ToOwned::to_owned));
        }
        Name::Gid => (identity.group, identity.user_group) = (Some(values::name(text?)?.to_owned()), None),
        Name::Groups => identity.groups = Some(values::groups(text?)?),
        Name::NoNewPrivs => identity.no_new_privs = true,
        Name::DropCaps => identity.drop_caps.0 |= values::capabilities_or_all(text?)?.0,
        Name::KeepCaps => identity.keep_caps.get_or_insert_default().0 |= Capabilities::parse(text?)?.0,
        Name::Umask => identity.umask = Some(values::umask(text?)?),
        Name::Workdir => put_word(&mut identity.workdir, values::word(value)?),
        Name::Env => identity.environment.push(EnvironmentChange::Set(values::variable(value)?.to_owned())),
        Name::UnsetEnv => identity.environment.push(EnvironmentChange::Unset(values::variable_name(value)?.to_owned())),
        Name::ClearEnv => identity.environment.push(EnvironmentChange::Clear),
        Name::Argv0 => put_word(&mut identity.argv0, value),
        Name::Nice => put(&mut identity.nice, text, |word| values::between(word, -20, 19))?,
        Name::Rlimit => set_limit(&mut identity.limits, values::limit(text?)?),
        Name::OomScoreAdj => put(&mut identity.oom_score_adj, text, |word| values::between(word, -1000, 1000))?,

        Name::Ns => request.enter.files.push(values::word(value)?.to_owned()),
        Name::Only => request.enter.only = Some(Kinds::parse(text?)?),

        Name::Signals => probe.signals = Some(values::signals(text?)?),
        Name::Settle => put(&mut probe.settle, text, values::duration)?,
        Name::ReadyFile => probe.ready = Some(Ready::File(values::absolute(value)?.to_owned())),
        Name::ReadyRegex => probe.ready = Some(Ready::Output(values::word(value)?.to_owned())),
        Name::ReadyTimeout => put(&mut probe.ready_timeout, text, values::duration)?,
        Name::Wait => put(&mut probe.wait, text, values::duration)?,
        Name::Json => probe.json = true,

        Name::Verbose => request.level = Some(more_verbose(request.level)),
        Name::Trace => request.trace = Some(values::trace_target(value)?),
        Name::TraceFormat => request.trace_format = Some(*TRACE_FORMATS.get(option.choice(text)?)?),
        // Answered before anything is set.
        Name::Help | Name::Version => {}
    }
    Some(Ok(()))
}

// Each once, for all options of a kind.

#[inline(never)]
fn put<T>(place: &mut Option<T>, text: Option<&str>, meaning: fn(&str) -> values::Meaning<T>) -> Option<()> {
    *place = Some(meaning(text?)?);
    Some(())
}

#[inline(never)]
fn push<T>(places: &mut Vec<T>, text: Option<&str>, meaning: fn(&str) -> values::Meaning<T>) -> Option<()> {
    places.push(meaning(text?)?);
    Some(())
}

#[inline(never)]
fn put_word(place: &mut Option<OsString>, word: &OsStr) {
    *place = Some(word.to_owned());
}

// In the order in which the options' forms name them.
const PROC_MOUNTS: &[ProcMount] = &[ProcMount::Fresh, ProcMount::Bind, ProcMount::None];
const PROPAGATIONS: &[Propagation] =
    &[Propagation::Private, Propagation::Slave, Propagation::Shared, Propagation::Unchanged];
const ON_EXITS: &[OnExit] = &[OnExit::Kill, OnExit::Term, OnExit::Wait];
const TRACE_FORMATS: &[TraceFormat] = &[TraceFormat::Json, TraceFormat::Chrome];

/// The last word on each of the two values counts: a hard limit that was lowered could not be raised again.
fn set_limit(limits: &mut Vec<Limit>, new: Limit) {
    match limits.iter_mut().find(|limit| limit.resource == new.resource) {
        Some(limit) => *limit = Limit { soft: new.soft.or(limit.soft), hard: new.hard.or(limit.hard), ..new },
        None => limits.push(new),
    }
}

/// What one more `-v` makes of a level.
pub(super) fn more_verbose(level: Option<LevelFilter>) -> LevelFilter {
    match level {
        None => LevelFilter::Info,
        Some(level) => level.increment_severity(),
    }
}

#[cfg(test)]
#[path = "../fuzz/args.rs"]
mod properties;

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
