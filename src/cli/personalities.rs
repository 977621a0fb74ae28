//! Runs in: outer or init, before anything else. The names of other inits, and what their command lines mean to pidone.
//!
//! Called as `tini`, `docker-init`, `tini-static`, `dumb-init` or `catatonit` (a link or a copy), pidone takes that
//! program's options and variables, arranges groups, sessions and exit statuses as it does, and never makes a namespace.
//! What it does not take over are their bugs: options end at the first word that is none on every libc (B36), signals
//! above 31 are forwarded (B24), the workload's signal mask is left alone (B14).
//!
//! `PIDONE_OPTIONS` counts here too: under `docker run --init` there is no other place for an option.
//!
//! Past 300 lines because three command lines stand side by side, to be compared.

use super::args::{more_verbose, parse_environment};
use super::words::{Manner, Word, Words, Wrong};
use crate::error::{UsageError, Voice};
use crate::exit::Codes;
use crate::packed::packed;
use crate::request::{Grouping, OnExit, Orphans, Place, Request, RunRequest, Text};
use crate::signal::{Signal, digits};
use log::LevelFilter;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whose command line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Personality {
    Pidone,
    Tini,
    DumbInit,
    Catatonit,
}

/// Every name that stands for another program.
pub(crate) const NAMES: &[(&str, Personality)] = &[
    ("tini", Personality::Tini),
    ("tini-static", Personality::Tini),
    ("docker-init", Personality::Tini),
    ("dumb-init", Personality::DumbInit),
    ("catatonit", Personality::Catatonit),
];

/// What else it depends on: the value of a variable, if it is set.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Personality {
    /// The one that `argv[0]` names.
    pub(crate) fn of(argv0: Option<&OsStr>) -> Self {
        let name = argv0.and_then(|argv0| Path::new(argv0).file_name()).unwrap_or_default();
        NAMES.iter().find(|(known, _)| name == *known).map_or(Personality::Pidone, |(_, personality)| *personality)
    }

    /// The statuses for pidone's own failures.
    pub(crate) fn codes(self) -> Codes {
        match self {
            Personality::Pidone => Codes::PIDONE,
            Personality::Tini => Codes { failed: 1, not_runnable: 126, not_found: 127 },
            Personality::DumbInit => Codes { failed: 1, not_runnable: 2, not_found: 2 },
            Personality::Catatonit => Codes { failed: 1, not_runnable: 1, not_found: 1 },
        }
    }

    /// How its messages look.
    pub(crate) fn voice(self) -> Voice {
        match self {
            Personality::Pidone => Voice::Pidone,
            Personality::Tini => Voice::Tini,
            Personality::DumbInit => Voice::DumbInit,
            Personality::Catatonit => Voice::Catatonit,
        }
    }

    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    /// Says which word was not understood.
    #[inline(never)]
    pub(crate) fn parse(self, words: &[&OsStr], variable: Environment<'_>) -> Result<Request, UsageError> {
        let options = variable("PIDONE_OPTIONS");
        if self == Personality::Pidone {
            return super::args::parse(words, options.as_deref());
        }
        if self == Personality::Tini && matches!(words, [word] if *word == "--version") {
            return Ok(Request::Show(Text::TiniVersion));
        }
        let mut request = parse_environment(options.as_deref())?;
        let asks_for_namespaces = !request.namespaces.is_empty()
            || !request.furnishing.is_empty()
            || request.proc.is_some()
            || request.propagation.is_some();
        if asks_for_namespaces || !matches!(request.place, None | Some(Place::InPlace)) {
            return Err(UsageError::with_hint(
                packed!("PIDONE_OPTIONS asks for new namespaces, which an init of this name never makes"),
                packed!("leave --isolate, --as-pid1 and their like out, or call pidone by its own name"),
            ));
        }
        request.place = Some(Place::InPlace);
        request.shell_fallback = true;
        if let Some(text) = self.take_options(words, variable, &mut request)? {
            return Ok(Request::Show(text));
        }
        match (request.command.is_empty(), request.pause) {
            (false, true) => {
                let hint = "take --pause out of PIDONE_OPTIONS";
                Err(UsageError::with_hint("--pause runs no command, and there is one", hint))
            }
            (true, false) => Err(UsageError::with_hint("no command given", self.form())),
            _ => Ok(Request::Run(request)),
        }
    }

    /// How it wants to be called.
    fn form(self) -> &'static str {
        match self {
            Personality::Pidone | Personality::Tini => "tini [OPTIONS] [--] COMMAND [ARG...]; 'tini -h' shows more",
            Personality::DumbInit => "dumb-init [OPTIONS] [--] COMMAND [ARG...]; 'dumb-init -h' shows more",
            Personality::Catatonit => "catatonit [OPTIONS] [--] COMMAND [ARG...]; 'catatonit -h' shows more",
        }
    }

    /// Its options, as getopt_long(3) takes them.
    fn options(self) -> &'static [Row] {
        match self {
            Personality::Pidone | Personality::Tini => TINI,
            Personality::DumbInit => DUMB_INIT,
            Personality::Catatonit => CATATONIT,
        }
    }

    /// Takes options and variables until the command. Some text if that is all there is to do.
    fn take_options(
        self,
        words: &[&OsStr],
        variable: Environment<'_>,
        request: &mut RunRequest,
    ) -> Result<Option<Text>, UsageError> {
        if self == Personality::Catatonit && is_set(variable, "CATATONIT_LOG") {
            let message = "CATATONIT_LOG is reserved, and no catatonit starts with it";
            return Err(UsageError::with_hint(message, "unset it"));
        }
        // dumb-init leaves it at what is wrong.
        let hint = if self == Personality::DumbInit { "" } else { self.form() };
        let mut words = Words::new(words, Manner::Getopt(hint));
        let mut asked = Asked::default();
        while let Some(word) = words.next()? {
            let setting = match word {
                Word::Plain(first) => {
                    request.command = words.command(first);
                    break;
                }
                Word::Letter(letter) => self.options().iter().find(|(_, known, _)| *known == letter),
                Word::Name(name) => by_prefix(self.options(), name),
            };
            let (_, _, setting) = setting.ok_or_else(|| words.wrong(Wrong::Unknown))?;
            if matches!(word, Word::Name(_)) && !matches!(setting, Setting::Rewrite) && words.has_value() {
                return Err(words.wrong(Wrong::Value));
            }
            if let Setting::Show(text) = setting {
                return Ok(Some(*text));
            }
            set(request, &mut asked, *setting, &mut words)?;
        }
        match self {
            Personality::Pidone | Personality::Tini => asked.of_tini(variable, request),
            Personality::DumbInit => asked.of_dumb_init(variable, request),
            Personality::Catatonit => asked.of_catatonit(variable, request),
        }
        Ok(None)
    }
}

/// What an option of theirs asks for.
#[derive(Clone, Copy)]
enum Setting {
    Show(Text),
    Adopt,
    MoreVerbose,
    Debug,
    AnnounceReaped,
    Group,
    ParentDeath,
    ExitZero,
    SingleChild,
    Rewrite,
    Pause,
}

/// The long name, which may be empty, and the letter of an option.
type Row = (&'static str, u8, Setting);

const TINI: &[Row] = &[
    ("", b'h', Setting::Show(Text::TiniHelp)),
    ("", b'l', Setting::Show(Text::License)),
    ("", b's', Setting::Adopt),
    ("", b'v', Setting::MoreVerbose),
    ("", b'w', Setting::AnnounceReaped),
    ("", b'g', Setting::Group),
    ("", b'p', Setting::ParentDeath),
    ("", b'e', Setting::ExitZero),
];

const DUMB_INIT: &[Row] = &[
    ("help", b'h', Setting::Show(Text::DumbInitHelp)),
    ("version", b'V', Setting::Show(Text::DumbInitVersion)),
    ("single-child", b'c', Setting::SingleChild),
    ("verbose", b'v', Setting::Debug),
    ("rewrite", b'r', Setting::Rewrite),
];

const CATATONIT: &[Row] = &[
    ("help", b'h', Setting::Show(Text::CatatonitHelp)),
    ("license", b'L', Setting::Show(Text::License)),
    ("version", b'V', Setting::Show(Text::CatatonitVersion)),
    ("", b'g', Setting::Group),
    ("", b'P', Setting::Pause),
];

/// The option whose long name begins like that, if only one does. None begins with the whole name of another.
fn by_prefix(options: &'static [Row], word: &OsStr) -> Option<&'static Row> {
    let mut matching =
        options.iter().filter(|(name, _, _)| name.as_bytes().starts_with(word.as_bytes()) && !name.is_empty());
    matching.next().filter(|_| matching.next().is_none())
}

/// What has been asked for that variables may ask for as well.
#[derive(Default)]
struct Asked {
    adopt: bool,
    single_child: bool,
    pause: bool,
}

/// Takes note of one option.
fn set(
    request: &mut RunRequest,
    asked: &mut Asked,
    setting: Setting,
    words: &mut Words<'_>,
) -> Result<(), UsageError> {
    match setting {
        Setting::Show(_) => {}
        Setting::Adopt => asked.adopt = true,
        Setting::MoreVerbose => request.level = Some(more_verbose(request.level)),
        Setting::Debug => request.level = Some(LevelFilter::Debug),
        Setting::AnnounceReaped => request.announce_reaped = true,
        Setting::Group => request.group = true,
        Setting::SingleChild => asked.single_child = true,
        Setting::Pause => asked.pause = true,
        Setting::ParentDeath => {
            let value = value(words)?;
            let signal = Signal::parse(&value).filter(|signal| *signal != Signal::CHLD);
            request.parent_death = Some(signal.ok_or_else(|| no_value_for_tini("-p", &value))?);
        }
        Setting::ExitZero => {
            let value = value(words)?;
            let status = digits(value.strip_prefix('+').unwrap_or(&value));
            request.exit_map.push((status.ok_or_else(|| no_value_for_tini("-e", &value))?, 0));
        }
        Setting::Rewrite => {
            let value = value(words)?;
            let (from, to) = dumb_init_rewrite(&value).ok_or_else(|| {
                let form = "-r FROM:TO, both numbers of signals from 1 to 31; TO 0 drops the signal";
                UsageError::with_hint(format!("-r does not know this value: {value}"), form)
            })?;
            request.rewrites.set(from, to);
        }
    }
    Ok(())
}

fn no_value_for_tini(option: &str, value: &str) -> UsageError {
    UsageError::with_hint(format!("Not a valid option for {option}: {value}"), Personality::Tini.form())
}

/// The value of the present option.
fn value(words: &mut Words<'_>) -> Result<String, UsageError> {
    let value = words.attached().or_else(|| words.following()).ok_or_else(|| words.wrong(Wrong::NoValue))?;
    Ok(value.to_string_lossy().into_owned())
}

fn is_set(variable: Environment<'_>, name: &str) -> bool {
    variable(name).is_some()
}

fn is(variable: Environment<'_>, name: &str, value: &str) -> bool {
    variable(name).is_some_and(|set| set == value)
}

impl Asked {
    fn of_tini(self, variable: Environment<'_>, request: &mut RunRequest) {
        request.group |= is_set(variable, "TINI_KILL_PROCESS_GROUP");
        if let Some(level) = variable("TINI_VERBOSITY") {
            request.level = Some(tini_level(&level.to_string_lossy()));
        }
        let adopts = self.adopt || is_set(variable, "TINI_SUBREAPER");
        request.orphans = if adopts { Orphans::Adopt } else { Orphans::LeaveAndWarn };
        request.on_exit.get_or_insert(OnExit::Leave);
    }

    fn of_dumb_init(self, variable: Environment<'_>, request: &mut RunRequest) {
        if is(variable, "DUMB_INIT_DEBUG", "1") {
            request.level = Some(LevelFilter::Debug);
        }
        let single_child = self.single_child || is(variable, "DUMB_INIT_SETSID", "0");
        request.grouping = if single_child { Grouping::Shared } else { Grouping::Session };
        request.group = !single_child;
        request.stops_itself = true;
        request.orphans = Orphans::Leave;
        request.on_exit.get_or_insert(OnExit::TermGroup);
    }

    fn of_catatonit(self, variable: Environment<'_>, request: &mut RunRequest) {
        if self.pause {
            // What follows -P is never looked at.
            (request.pause, request.command) = (true, Vec::new());
        }
        if is_set(variable, "CATATONIT_DEBUG") {
            request.level = Some(LevelFilter::Debug);
        }
        request.on_exit.get_or_insert(OnExit::Leave);
    }
}

/// 0 is next to silence and 1 the default; what does not begin with a number counts as 0, as it does for atoi(3).
fn tini_level(word: &str) -> LevelFilter {
    let word = word.trim_ascii_start();
    let end = word.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(word.len());
    match digits::<u32>(word.get(..end).unwrap_or_default()).unwrap_or(0) {
        0 => LevelFilter::Error,
        1 => LevelFilter::Warn,
        2 => LevelFilter::Info,
        3 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}

/// `FROM:TO`, numbers from 1 to 31 only; TO may be 0, for nothing.
fn dumb_init_rewrite(value: &str) -> Option<(Signal, Option<Signal>)> {
    let number = |word: &str| digits(word.strip_prefix('+').unwrap_or(word)).filter(|number| *number <= 31);
    let (from, to) = value.split_once(':')?;
    let (from, to) = (number(from)?, number(to)?);
    Some((Signal::new(from)?, Signal::new(to)))
}

#[cfg(test)]
#[path = "personalities_tests.rs"]
mod tests;
