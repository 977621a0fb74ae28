//! Runs in: any thread-free process. The command line of `pidone inspect`; pure.

use super::args::{Value, forgotten, from_lexopt};
use super::help;
use super::options::{Group, OptionDoc};
use super::values;
use crate::error::UsageError;
use crate::request::{InspectRequest, Output, Request};
use lexopt::{Arg, Parser};
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// Every option of `inspect`, in the order in which help shows them.
#[rustfmt::skip] // a table
pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc::flag(Group::General, "json", "one JSON object on one line; README has its members", ""),
    OptionDoc::flag(Group::General, "tree", "all PID and user namespaces that /proc shows, and their inits", ""),
    OptionDoc::value(Group::General, "watch", "[SECONDS]", "show it again every SECONDS (default 2); Ctrl-C ends it",
        "A number that follows is SECONDS, at most 3600: PID goes before. With --json, a line each time."),
    OptionDoc::flag(Group::General, "help", "these options, and what the words mean", "").or('h'),
];

const FORM: &str = "pidone inspect [PID] [--json] [--tree] [--watch [SECONDS]]";

/// What `pidone inspect --help` prints.
fn help() -> String {
    let mut text = format!("{ABOUT}\nUsage: {FORM}\n\n");
    OPTIONS.iter().for_each(|option| help::push_option(&mut text, option));
    text + WORDS + FINDINGS + STATUS
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
pub(super) fn parse(args: impl Iterator<Item = OsString>) -> Result<Request, UsageError> {
    let mut parser = Parser::from_args(args);
    let mut request = InspectRequest { pid: 1, json: false, tree: false, watch: None };
    let mut pid = None;
    while let Some(arg) = parser.next().map_err(|error| from_lexopt(&error))? {
        let option = match &arg {
            Arg::Value(word) if pid.is_none() => {
                pid = Some(pid_of(word)?);
                continue;
            }
            Arg::Value(word) => {
                return Err(UsageError::with_hint(format!("one process at a time: {}", word.display()), FORM));
            }
            Arg::Short(short) => OPTIONS.iter().find(|option| option.short == Some(*short)),
            Arg::Long(long) => OPTIONS.iter().find(|option| option.long == *long),
        };
        match option.ok_or_else(|| from_lexopt(&arg.unexpected()))?.long {
            "json" => request.json = true,
            "tree" => request.tree = true,
            "watch" => request.watch = Some(interval(&mut parser)?),
            "help" => return Ok(Request::Show(Output::Stdout, help())),
            other => return Err(forgotten(other)),
        }
    }
    request.pid = pid.unwrap_or(request.pid);
    Ok(Request::Inspect(request))
}

fn pid_of(word: &OsStr) -> Result<i32, UsageError> {
    let pid = word.to_str().and_then(|word| word.parse().ok()).filter(|pid| *pid > 0);
    pid.ok_or_else(|| UsageError::with_hint(format!("this is no process: {}", word.display()), FORM))
}

/// The value of `--watch`, which may be missing: any other word than a number is not it.
fn interval(parser: &mut Parser) -> Result<Duration, UsageError> {
    const DEFAULT: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_secs(3600);
    let given = match parser.optional_value() {
        Some(value) => Some(value),
        None => {
            let is_number = |word: &OsStr| word.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
            let mut rest = parser.raw_args().map_err(|error| from_lexopt(&error))?;
            rest.next_if(is_number)
        }
    };
    let Some(value) = given else { return Ok(DEFAULT) };
    let meaning = value.to_str().and_then(values::duration);
    let option = OPTIONS.iter().find(|option| option.long == "watch");
    match (meaning.filter(|interval| (1..=LONGEST.as_millis()).contains(&interval.as_millis())), option) {
        (Some(interval), _) => Ok(interval),
        (None, Some(option)) => Err(Value { option, value }.not_understood()),
        (None, None) => Err(forgotten("watch")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &[&str]) -> Result<Request, UsageError> {
        parse(line.iter().map(OsString::from).collect::<Vec<_>>().into_iter())
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
        let Ok(Request::Show(Output::Stdout, text)) = parsed(&["-h"]) else { panic!("no help") };
        for option in OPTIONS {
            assert!(text.contains(&format!("--{}", option.long)), "{}", option.long);
        }
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
