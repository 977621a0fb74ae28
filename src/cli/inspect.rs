//! Runs in: any thread-free process. The command line of `pidone inspect`; pure.

use super::args::unknown_value;
use super::help;
use super::options::{Doc, Group, OptionDoc, options};
use super::values;
use super::words::{Manner, Word, Words, Wrong};
use crate::error::UsageError;
use crate::packed::packed;
use crate::request::{InspectRequest, Request, Text};
use std::ffi::OsStr;
use std::time::Duration;

#[rustfmt::skip] // a table
options! {
    Json => OptionDoc::flag(Group::General, "json", "one JSON object on one line; README has its members", ""),
    Tree => OptionDoc::flag(Group::General, "tree", "all PID and user namespaces that /proc shows, and their inits", ""),
    Watch => OptionDoc::value(Group::General, "watch", "[SECONDS]", "show it again every SECONDS (default 2); Ctrl-C ends it",
        "A number that follows is SECONDS, at most 3600: PID goes before. With --json, a line each time."),
    Help => OptionDoc::flag(Group::General, "help", "these options, and what the words mean", "").or('h'),
}

const FORM: &str = "pidone inspect [PID] [--json] [--tree] [--watch [SECONDS]]";

/// What `pidone inspect --help` prints.
pub(super) fn help() -> String {
    let mut text = String::from(packed!(ABOUT));
    text.extend(["\nUsage: ", FORM, "\n\n"]);
    OPTIONS.iter().for_each(|option| help::push_option(&mut text, option));
    packed!(WORDS).push_to(&mut text);
    packed!(FINDINGS).push_to(&mut text);
    packed!(STATUS).push_to(&mut text);
    text
}

const ABOUT: &str = "\
Shows what a process (default: PID 1) is as an init: its namespaces, what each signal does to it
from inside and from outside, zombies, and what is wrong. It looks, and touches nothing. To see all
of another user's process takes CAP_SYS_PTRACE; what could not be read is listed.
";

/// What the words in its tables mean.
pub(super) const WORDS: &str = "
Dispositions of signals: default, ignored, caught, and waited: blocked, and taken by sigwait or from
a signalfd. What becomes of one that is sent: dropped (by the kernel, because it is an init's),
ignored, handler, queued (until it is unblocked, or taken), terminates, stops, continues.
";

pub(super) const FINDINGS: &str = "
Findings:
  term-dropped    SIGTERM does nothing: a stop takes the whole grace period, then comes SIGKILL
  shell-wrapper   PID 1 is a shell that runs the command
  zombies         they are there, and whose fault that is
  double-init     an init below an init
  not-init        the process is not the init of its PID namespace
  stuck-teardown  the init of a PID namespace is dying, and waits for somebody
  masked-proc     something is mounted below /proc, so that no fresh one can be mounted without root
";

const STATUS: &str = "
Exit status: 0 shown, 125 could not.
";

/// Parses what follows `inspect`. Options and PID may stand in any order.
///
/// # Errors
/// Says which word was not understood.
pub(super) fn parse(words: &[&OsStr]) -> Result<Request, UsageError> {
    let mut words = Words::new(words, Manner::Pidone);
    let mut request = InspectRequest { pid: 1, json: false, tree: false, watch: None };
    let mut is_named = false;
    while let Some(word) = words.next()? {
        if let Word::Plain(word) = word {
            if is_named {
                return Err(UsageError::with_hint(format!("one process at a time: {}", word.display()), FORM));
            }
            (request.pid, is_named) = (pid_of(word)?, true);
            continue;
        }
        let option = Name::ALL.iter().zip(OPTIONS).find(|(_, option)| option.is(word));
        let (name, option) = option.ok_or_else(|| words.wrong(Wrong::Unknown))?;
        match name {
            Name::Json => request.json = true,
            Name::Tree => request.tree = true,
            Name::Watch => request.watch = Some(interval(&mut words, option)?),
            Name::Help => return Ok(Request::Show(Text::InspectHelp)),
        }
    }
    Ok(Request::Inspect(request))
}

fn pid_of(word: &OsStr) -> Result<i32, UsageError> {
    let pid = word.to_str().and_then(values::pid);
    pid.ok_or_else(|| UsageError::with_hint(format!("this is no process: {}", word.display()), FORM))
}

/// The value of `--watch`, which may be missing: any other word than a number is not it.
fn interval(words: &mut Words<'_>, option: &Doc<'_>) -> Result<Duration, UsageError> {
    const DEFAULT: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_secs(3600);
    let is_number = |word: &&OsStr| word.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
    let value = match words.attached() {
        Some(value) => value,
        None if words.rest().first().is_some_and(is_number) => words.following().unwrap_or_default(),
        None => return Ok(DEFAULT),
    };
    let meaning = value.to_str().and_then(values::duration);
    let interval = meaning.filter(|interval| (1..=LONGEST.as_millis()).contains(&interval.as_millis()));
    interval.ok_or_else(|| unknown_value(option.long, value, option.form()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &[&str]) -> Result<Request, UsageError> {
        parse(&line.iter().map(OsStr::new).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_pid_stand_in_any_order() {
        type Row = (&'static [&'static str], i32, bool, bool, Option<Duration>);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let table: &[Row] = &[
            (&[], 1, false, false, None),
            (&["42"], 42, false, false, None),
            (&["--json", "42"], 42, true, false, None),
            (&["42", "--tree"], 42, false, true, None),
            (&["--watch"], 1, false, false, seconds(2)),
            (&["42", "--watch"], 42, false, false, seconds(2)),
            (&["42", "--watch", "5"], 42, false, false, seconds(5)),
            (&["--watch", "5"], 1, false, false, seconds(5)),
            (&["--watch", "5", "42"], 42, false, false, seconds(5)),
            (&["--watch=5", "42", "--json"], 42, true, false, seconds(5)),
            (&["--watch", "--json", "42"], 42, true, false, seconds(2)),
            (&["--watch", "0.5"], 1, false, false, Some(Duration::from_millis(500))),
            (&["--", "42"], 42, false, false, None),
        ];
        for (line, pid, json, tree, watch) in table {
            let expected = InspectRequest { pid: *pid, json: *json, tree: *tree, watch: *watch };
            assert_eq!(parsed(line), Ok(Request::Inspect(expected)), "{line:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for line in [
            &["x"][..],
            &["0"],
            &["-1"],
            &["1", "2"],
            &["--watch", "4711"],
            &["--watch=x"],
            &["--watch", "0"],
            &["--jsom"],
            &["--json=1"],
            &["-v"],
        ] {
            assert!(parsed(line).is_err(), "{line:?}");
        }
        assert!(parsed(&["--watch", "4711"]).unwrap_err().hint.contains("PID goes before"));
    }

    #[test]
    fn help_lists_the_options_and_is_100_columns_wide() {
        assert_eq!(parsed(&["-h"]), Ok(Request::Show(Text::InspectHelp)));
        let text = help();
        for option in OPTIONS {
            assert!(text.contains(&format!("--{}", option.long)), "{}", option.long);
        }
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
