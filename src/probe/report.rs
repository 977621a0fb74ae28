//! Runs in: probe. What came of it, as a table for people, or as JSON.

use super::verdict::{Effect, Observed, SignalVerdict, Verdict};
use crate::exit::Outcome;
use crate::json::Json;
use crate::request::Output;
use crate::sys::SignalState;
use crate::text;
use std::fmt::{Result, Write};
use std::os::unix::ffi::OsStrExt;

/// Prints to stdout. A status if that failed.
pub(super) fn print(verdict: &Verdict, as_json: bool, signals: SignalState) -> Option<u8> {
    let mut shown = String::new();
    // Writing to a String cannot fail.
    let _ = if as_json { json(verdict, &mut shown) } else { table(verdict, &mut shown) };
    let status = text::print(Output::Stdout, &shown, signals);
    (status != 0).then_some(status)
}

fn table(verdict: &Verdict, text: &mut String) -> Result {
    for (index, word) in verdict.command.iter().enumerate() {
        // No byte of it is to drive the terminal.
        let space = if index == 0 { "" } else { " " };
        write!(text, "{space}{}", word.to_string_lossy().replace(char::is_control, "?"))?;
    }
    writeln!(
        text,
        "

{:12}{:20}under pidone",
        "", "as PID 1"
    )?;
    for signal in &verdict.signals {
        let (bare, under_init) = (in_words(&signal.bare), in_words(&signal.under_init));
        writeln!(text, "{:12}{bare:20}{under_init:20}{}", signal.signal.to_string(), signal.why())?;
    }
    let [bare, under_init] = [&verdict.reaps_orphans, &verdict.init_reaps].map(|reaps| match reaps {
        Ok(true) => "reaped",
        Ok(false) => "not reaped",
        Err(_) => "?",
    });
    writeln!(text, "{:12}{bare:20}{under_init}", "orphans")?;
    let summary = match verdict.needs_init() {
        Some(false) => "safe as PID 1",
        Some(true) => "needs an init",
        None => "could not tell whether it needs an init",
    };
    writeln!(text, "\n{summary}")?;
    for reason in verdict.reasons() {
        write_wrapped(text, &format!("- {reason}"))?;
    }
    Ok(())
}

/// A sentence, on lines of at most 100 columns, of which those after the first are indented.
fn write_wrapped(text: &mut String, sentence: &str) -> Result {
    const WIDTH: usize = 100;
    let mut column = 0;
    for word in sentence.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.write_str("\n ")?;
            column = 1;
        }
        let space = if column == 0 { "" } else { " " };
        write!(text, "{space}{word}")?;
        column += space.len() + length;
    }
    text.write_char('\n')
}

/// `SIGTERM, 0.02s`: what killed it, and after how long.
fn in_words(observed: &Observed) -> String {
    let Ok((effect, after)) = observed else { return "?".into() };
    let seconds = format!("{}.{:02}s", after.as_secs(), after.subsec_millis() / 10);
    match effect {
        Effect::Survived => "survived".into(),
        Effect::Stopped => "stopped".into(),
        Effect::Ended(Outcome::Exited(code)) => format!("exited {code}, {seconds}"),
        Effect::Ended(Outcome::Killed(signal)) => format!("{signal}, {seconds}"),
    }
}

fn json(verdict: &Verdict, text: &mut String) -> Result {
    let mut json = Json::new(&mut *text);
    json.object(|json| {
        json.key("command")?;
        json.array(|json| verdict.command.iter().try_for_each(|word| json.text(word.as_bytes())))?;
        json.key("signals")?;
        json.array(|json| verdict.signals.iter().try_for_each(|signal| json_signal(json, signal)))?;
        json.key("reaps_orphans")?;
        json_bool(json, verdict.reaps_orphans.as_ref().ok().copied())?;
        json.key("needs_init")?;
        json_bool(json, verdict.needs_init())?;
        json.key("reasons")?;
        json.array(|json| verdict.reasons().iter().try_for_each(|reason| json.text(reason)))
    })?;
    text.write_char('\n')
}

fn json_signal<W: Write>(json: &mut Json<W>, verdict: &SignalVerdict) -> Result {
    json.object(|json| {
        json.key("name")?;
        json.text(verdict.signal.to_string())?;
        json.key("bare")?;
        json_observed(json, &verdict.bare)?;
        json.key("under_init")?;
        json_observed(json, &verdict.under_init)?;
        json.key("needs_init")?;
        json_bool(json, verdict.needs_init())?;
        json.key("why")?;
        match verdict.bare.as_ref().err().or(verdict.under_init.as_ref().err()) {
            Some(why) => json.text(why),
            None => json.text(verdict.why()),
        }
    })
}

/// An object, or null where it could not be told.
fn json_observed<W: Write>(json: &mut Json<W>, observed: &Observed) -> Result {
    let Ok((effect, after)) = observed else { return json.null() };
    json.object(|json| {
        json.key("outcome")?;
        match effect {
            Effect::Survived => json.text("survived")?,
            Effect::Stopped => json.text("stopped")?,
            Effect::Ended(Outcome::Exited(code)) => {
                json.text("exited")?;
                json.key("code")?;
                json.plain(code)?;
            }
            Effect::Ended(Outcome::Killed(signal)) => {
                json.text("killed")?;
                json.key("signal")?;
                json.text(signal.to_string())?;
            }
        }
        json.key("seconds")?;
        json.plain(format_args!("{}.{:03}", after.as_secs(), after.subsec_millis()))
    })
}

fn json_bool<W: Write>(json: &mut Json<W>, value: Option<bool>) -> Result {
    match value {
        Some(value) => json.plain(value),
        None => json.null(),
    }
}
