//! Runs in: probe. What came of it, as a table for people, or as JSON.

use super::verdict::{Effect, Finding, SignalVerdict, Verdict};
use crate::exit::Outcome;
use crate::json::{Json, Value};
use crate::request::Output;
use crate::sys::SignalState;
use crate::text;
use std::fmt::{Display, Formatter, Result, Write};
use std::os::unix::ffi::OsStrExt;

/// Prints to stdout. Returns the exit status.
pub(super) fn print(verdict: &Verdict<'_>, as_json: bool, signals: &SignalState) -> u8 {
    let mut shown = String::new();
    if as_json {
        json(verdict, &mut shown);
    } else {
        table(verdict, &mut shown);
    }
    match text::print(Output::Stdout, &shown, *signals) {
        0 => verdict.status(),
        failed => failed,
    }
}

// For the sake of size: a frame of its own is a small one.
#[inline(never)]
fn table(verdict: &Verdict<'_>, text: &mut String) {
    let mut space = "";
    for word in verdict.command {
        text.push_str(space);
        space = " ";
        // No byte of it is to drive the terminal.
        for character in word.to_string_lossy().chars() {
            text.push(if character.is_control() { '?' } else { character });
        }
    }
    text.push_str("\n\n");
    row(text, &[&"", &"as PID 1"], "under pidone");
    for signal in &verdict.signals {
        row(text, &[&signal.signal, signal.bare, signal.under_init], signal.why());
    }
    row(text, &[&"orphans", verdict.reaps_orphans], &verdict.init_reaps.to_string());
    text.push_str(match verdict.needs_init() {
        Some(false) => "\nsafe as PID 1\n",
        Some(true) => "\nneeds an init\n",
        None => "\ncould not tell whether it needs an init\n",
    });
    for reason in &verdict.reasons() {
        wrap(text, reason);
    }
}

/// A row of the table: cells, each with a column's width, and the last one.
fn row(text: &mut String, cells: &[&dyn Display], last: &str) {
    for (cell, width) in cells.iter().zip([12, 20, 20]) {
        let end = text.len() + width;
        // Writing to a String cannot fail.
        let _ = write!(text, "{cell}");
        while text.len() < end {
            text.push(' ');
        }
    }
    text.push_str(last);
    text.push('\n');
}

/// A reason, on lines of at most 100 columns, of which those after the first are indented.
fn wrap(text: &mut String, reason: &str) {
    const WIDTH: usize = 100;
    let mut column = 1;
    text.push('-');
    for word in reason.split(' ') {
        let length = word.chars().count();
        if column + 1 + length > WIDTH {
            text.push_str("\n ");
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + length;
    }
    text.push('\n');
}

/// `SIGTERM, 0.02s`: what killed it, and after how long.
impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (effect, after) = match self {
            Finding::Unknown(_) => return f.write_str("?"),
            Finding::Reaps(true) => return f.write_str("reaped"),
            Finding::Reaps(false) => return f.write_str("not reaped"),
            Finding::Effect(effect, after) => (effect, after),
        };
        match effect {
            Effect::Survived => return f.write_str("survived"),
            Effect::Stopped => return f.write_str("stopped"),
            Effect::Ended(Outcome::Exited(code)) => write!(f, "exited {code}"),
            Effect::Ended(Outcome::Killed(signal)) => signal.fmt(f),
        }?;
        write!(f, ", {}.{:02}s", after.as_secs(), after.subsec_millis() / 10)
    }
}

// For the sake of size, as above.
#[inline(never)]
fn json(verdict: &Verdict<'_>, text: &mut String) {
    Json::new(text).object(|json| {
        json.key("command");
        json.array(|json| verdict.command.iter().for_each(|word| json.text(word.as_bytes())));
        json.key("signals");
        json.array(|json| verdict.signals.iter().for_each(|signal| json_signal(json, signal)));
        json.members("reaps_orphans needs_init", &[verdict.reaps().into(), verdict.needs_init().into()]);
        json.key("reasons");
        json.array(|json| verdict.reasons().iter().for_each(|reason| json.text(reason)))
    });
    text.push('\n');
}

fn json_signal(json: &mut Json<'_>, verdict: &SignalVerdict<'_>) {
    json.object(|json| {
        json.members("name", &[(&verdict.signal).into()]);
        json_observed(json, "bare", verdict.bare);
        json_observed(json, "under_init", verdict.under_init);
        let why = verdict.bare.unknown().or(verdict.under_init.unknown()).unwrap_or(verdict.why());
        json.members("needs_init why", &[verdict.needs_init().into(), why.into()])
    })
}

/// An object, or null where it could not be told.
fn json_observed(json: &mut Json<'_>, name: &str, finding: &Finding) {
    json.key(name);
    let Finding::Effect(effect, after) = finding else { return json.null() };
    let (names, outcome, detail) = match effect {
        Effect::Survived => ("outcome", "survived", Value::Null),
        Effect::Stopped => ("outcome", "stopped", Value::Null),
        Effect::Ended(Outcome::Exited(code)) => ("outcome code", "exited", (*code).into()),
        Effect::Ended(Outcome::Killed(signal)) => ("outcome signal", "killed", signal.into()),
    };
    json.object(|json| {
        json.members(names, &[outcome.into(), detail]);
        json.key("seconds");
        json.plain(format_args!("{}.{:03}", after.as_secs(), after.subsec_millis()))
    })
}
