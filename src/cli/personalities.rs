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

use super::args::{from_lexopt, more_verbose, parse_environment};
use super::personality_texts::{
    CATATONIT_HELP, CATATONIT_VERSION, DUMB_INIT_HELP, DUMB_INIT_VERSION, LICENSE, TINI_HELP, TINI_VERSION,
};
use crate::error::{UsageError, Voice};
use crate::exit::Codes;
use crate::request::{Furnishing, Grouping, NamespaceRequest, OnExit, Orphans, Output, Place, Request, RunRequest};
use crate::signal::Signal;
use lexopt::{Arg, Parser};
use log::LevelFilter;
use std::ffi::{OsStr, OsString};
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
    pub(crate) fn parse(
        self,
        args: impl Iterator<Item = OsString>,
        variable: Environment<'_>,
    ) -> Result<Request, UsageError> {
        let options = variable("PIDONE_OPTIONS");
        if self == Personality::Pidone {
            return super::args::parse(args, options.as_deref());
        }
        let args: Vec<_> = args.collect();
        let is_version = self == Personality::Tini && args == ["--version"];
        if is_version {
            return Ok(Request::Show(Output::Stdout, TINI_VERSION.into()));
        }
        let mut request = parse_environment(options.as_deref())?;
        let asks_for_namespaces = request.namespaces != NamespaceRequest::default()
            || request.furnishing != Furnishing::default()
            || request.proc.is_some()
            || request.propagation.is_some();
        if asks_for_namespaces || !matches!(request.place, None | Some(Place::InPlace)) {
            return Err(UsageError::with_hint(
                "PIDONE_OPTIONS asks for new namespaces, which an init of this name never makes",
                "leave --isolate, --as-pid1 and their like out, or call pidone by its own name",
            ));
        }
        request.place = Some(Place::InPlace);
        request.shell_fallback = true;
        let mut parser = Parser::from_args(args);
        let text = match self {
            Personality::Pidone | Personality::Tini => tini(&mut parser, variable, &mut request)?,
            Personality::DumbInit => dumb_init(&mut parser, variable, &mut request)?,
            Personality::Catatonit => catatonit(&mut parser, variable, &mut request)?,
        };
        match text {
            Some(text) => Ok(text),
            None if request.pause && !request.command.is_empty() => {
                let hint = "take --pause out of PIDONE_OPTIONS";
                Err(UsageError::with_hint("--pause runs no command, and there is one", hint))
            }
            None if request.command.is_empty() && !request.pause => {
                Err(UsageError::with_hint("no command given", self.form()))
            }
            None => Ok(Request::Run(request)),
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

    /// The next option, in its short form. At the first word that is none, that and the rest become `command`.
    fn next_option(
        self,
        long_options: &[(&str, char)],
        parser: &mut Parser,
        command: &mut Vec<OsString>,
    ) -> Result<Option<char>, UsageError> {
        match parser.next().map_err(|error| self.in_getopts_words(&error))? {
            None => Ok(None),
            Some(Arg::Short(short)) => Ok(Some(short)),
            Some(Arg::Long(long)) => {
                let long = long.to_owned();
                self.short_form(long_options, long, parser).map(Some)
            }
            Some(Arg::Value(first)) => {
                let rest = parser.raw_args().map_err(|error| from_lexopt(&error))?;
                *command = std::iter::once(first).chain(rest).collect();
                Ok(None)
            }
        }
    }

    fn unknown(self, arg: Arg<'_>) -> UsageError {
        self.in_getopts_words(&arg.unexpected())
    }

    /// The short form of a long option, which may be cut short; none of them but `--rewrite` takes a value.
    fn short_form(self, options: &[(&str, char)], long: String, parser: &mut Parser) -> Result<char, UsageError> {
        let short = by_prefix(options, &long).ok_or_else(|| self.unknown(Arg::Long(&long)))?;
        // lexopt itself would only find out at the next option.
        match if short == 'r' { None } else { parser.optional_value() } {
            None => Ok(short),
            Some(value) => {
                let option = format!("--{long}");
                Err(self.in_getopts_words(&lexopt::Error::UnexpectedValue { option, value }))
            }
        }
    }

    fn value(self, parser: &mut Parser) -> Result<String, UsageError> {
        let value = parser.value().map_err(|error| self.in_getopts_words(&error))?;
        Ok(value.to_string_lossy().into_owned())
    }

    fn in_getopts_words(self, error: &lexopt::Error) -> UsageError {
        let message = match error {
            lexopt::Error::UnexpectedOption(option) => match option.strip_prefix("--") {
                Some(_) => format!("unrecognized option '{option}'"),
                None => format!("invalid option -- '{}'", option.trim_start_matches('-')),
            },
            lexopt::Error::MissingValue { option: Some(option) } => match option.strip_prefix("--") {
                Some(_) => format!("option '{option}' requires an argument"),
                None => format!("option requires an argument -- '{}'", option.trim_start_matches('-')),
            },
            lexopt::Error::UnexpectedValue { option, .. } => format!("option '{option}' doesn't allow an argument"),
            other => other.to_string(),
        };
        // dumb-init leaves it at that.
        let hint = if self == Personality::DumbInit { "" } else { self.form() };
        UsageError::with_hint(message, hint)
    }
}

/// `getopt(3)` with `p:hvwgle:s`, and three variables.
fn tini(
    parser: &mut Parser,
    variable: Environment<'_>,
    request: &mut RunRequest,
) -> Result<Option<Request>, UsageError> {
    let me = Personality::Tini;
    let wrong = |option: &str, value: &str| {
        UsageError::with_hint(format!("Not a valid option for {option}: {value}"), me.form())
    };
    let mut adopts = variable("TINI_SUBREAPER").is_some();
    while let Some(short) = me.next_option(&[], parser, &mut request.command)? {
        match short {
            'h' => return Ok(Some(Request::Show(Output::Stdout, TINI_HELP.into()))),
            'l' => return Ok(Some(Request::Show(Output::Stdout, LICENSE.into()))),
            's' => adopts = true,
            'v' => request.level = Some(more_verbose(request.level)),
            'w' => request.announce_reaped = true,
            'g' => request.group = true,
            'p' => {
                let value = me.value(parser)?;
                let signal = Signal::parse(&value).filter(|signal| *signal != Signal::CHLD);
                request.parent_death = Some(signal.ok_or_else(|| wrong("-p", &value))?);
            }
            'e' => {
                let value = me.value(parser)?;
                let status = value.parse().map_err(|_| wrong("-e", &value))?;
                request.exit_map.push((status, 0));
            }
            other => return Err(me.unknown(Arg::Short(other))),
        }
    }
    request.group |= variable("TINI_KILL_PROCESS_GROUP").is_some();
    if let Some(level) = variable("TINI_VERBOSITY") {
        request.level = Some(tini_level(&level.to_string_lossy()));
    }
    request.orphans = if adopts { Orphans::Adopt } else { Orphans::LeaveAndWarn };
    request.on_exit.get_or_insert(OnExit::Leave);
    Ok(None)
}

/// 0 is next to silence and 1 the default; what does not begin with a number counts as 0, as it does for atoi(3).
fn tini_level(word: &str) -> LevelFilter {
    let word = word.trim_start();
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match word.get(..digits).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0) {
        0 => LevelFilter::Error,
        1 => LevelFilter::Warn,
        2 => LevelFilter::Info,
        3 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}

/// `getopt_long(3)` with `+hvVcr:`, whose long options may be cut short, and two variables.
fn dumb_init(
    parser: &mut Parser,
    variable: Environment<'_>,
    request: &mut RunRequest,
) -> Result<Option<Request>, UsageError> {
    const LONG: &[(&str, char)] =
        &[("help", 'h'), ("single-child", 'c'), ("rewrite", 'r'), ("verbose", 'v'), ("version", 'V')];
    let me = Personality::DumbInit;
    let is = |name: &str, value: &str| variable(name).is_some_and(|set| set == value);
    let (mut single_child, mut verbose) = (is("DUMB_INIT_SETSID", "0"), is("DUMB_INIT_DEBUG", "1"));
    while let Some(short) = me.next_option(LONG, parser, &mut request.command)? {
        match short {
            'h' => return Ok(Some(Request::Show(Output::Stderr, DUMB_INIT_HELP.into()))),
            'V' => return Ok(Some(Request::Show(Output::Stderr, DUMB_INIT_VERSION.into()))),
            'c' => single_child = true,
            'v' => verbose = true,
            'r' => {
                let (from, to) = dumb_init_rewrite(&me.value(parser)?)?;
                request.rewrites.set(from, to);
            }
            other => return Err(me.unknown(Arg::Short(other))),
        }
    }
    if verbose {
        request.level = Some(LevelFilter::Debug);
    }
    request.grouping = if single_child { Grouping::Shared } else { Grouping::Session };
    request.group = !single_child;
    request.stops_itself = true;
    request.orphans = Orphans::Leave;
    request.on_exit.get_or_insert(OnExit::TermGroup);
    Ok(None)
}

/// The option that begins like that, if only one does.
fn by_prefix(options: &[(&str, char)], word: &str) -> Option<char> {
    let mut matching = options.iter().filter(|(name, _)| name.starts_with(word));
    let first = matching.next().map(|(_, short)| *short);
    let exact = options.iter().find(|(name, _)| *name == word).map(|(_, short)| *short);
    exact.or_else(|| first.filter(|_| matching.next().is_none()))
}

/// `FROM:TO`, numbers from 1 to 31 only; TO may be 0, for nothing.
fn dumb_init_rewrite(value: &str) -> Result<(Signal, Option<Signal>), UsageError> {
    let number = |word: &str| word.parse::<i32>().ok().filter(|number| (0..=31).contains(number));
    let parsed = value.split_once(':').and_then(|(from, to)| {
        let (from, to) = (number(from)?, number(to)?);
        Some((Signal::new(from)?, Signal::new(to)))
    });
    parsed.ok_or_else(|| {
        let form = "-r FROM:TO, both numbers of signals from 1 to 31; TO 0 drops the signal";
        UsageError::with_hint(format!("-r does not know this value: {value}"), form)
    })
}

/// `getopt_long(3)` with `ghLPV`, and a variable.
fn catatonit(
    parser: &mut Parser,
    variable: Environment<'_>,
    request: &mut RunRequest,
) -> Result<Option<Request>, UsageError> {
    const LONG: &[(&str, char)] = &[("help", 'h'), ("license", 'L'), ("version", 'V')];
    let me = Personality::Catatonit;
    let mut pauses = false;
    if variable("CATATONIT_LOG").is_some() {
        return Err(UsageError::with_hint(
            "CATATONIT_LOG is reserved, and no catatonit starts with it",
            "unset it",
        ));
    }
    while let Some(short) = me.next_option(LONG, parser, &mut request.command)? {
        match short {
            'h' => return Ok(Some(Request::Show(Output::Stderr, CATATONIT_HELP.into()))),
            'L' => return Ok(Some(Request::Show(Output::Stdout, LICENSE.into()))),
            'V' => return Ok(Some(Request::Show(Output::Stdout, CATATONIT_VERSION.into()))),
            'g' => request.group = true,
            'P' => pauses = true,
            other => return Err(me.unknown(Arg::Short(other))),
        }
    }
    if pauses {
        // What follows -P is never looked at.
        (request.pause, request.command) = (true, Vec::new());
    }
    if variable("CATATONIT_DEBUG").is_some() {
        request.level = Some(LevelFilter::Debug);
    }
    request.on_exit.get_or_insert(OnExit::Leave);
    Ok(None)
}

#[cfg(test)]
#[path = "personalities_tests.rs"]
mod tests;
