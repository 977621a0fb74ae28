//! Runs in: any thread-free process. The report as tables, for people: at most 100 columns, with colours where they are
//! wanted.

use super::dispositions::{Disposition, Outcome, Row};
use super::phrase::{Ago, Count, Phrase, or};
use super::report::Report;
use super::sheet::{Sheet, Style};
use super::who::{Above, Role, Who};
use super::zombies::Forlorn;
use crate::procfs::Printable;
use std::fmt::{self, Display, Formatter};

/// Where the findings stand: below all else, where they end up next to the prompt, or where a short screen shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Findings {
    Last,
    First,
}

#[inline(never)]
pub(super) fn text(report: &Report<'_>, is_coloured: bool, place: Findings) -> String {
    let mut sheet = Sheet::new(is_coloured);
    who(&mut sheet, &report.who);
    if place == Findings::First {
        findings(&mut sheet, report);
    }
    namespaces(&mut sheet, report);
    signals(&mut sheet, report);
    dead_and_adopted(&mut sheet, report);
    if place == Findings::Last {
        findings(&mut sheet, report);
    }
    sheet.text
}

#[inline(never)]
fn who(sheet: &mut Sheet, who: &Who<'_>) {
    let (process, nspids) = (&who.seen.process, &who.seen.nspids);
    sheet.cell(process, 0, Style::Bold);
    sheet.plain(match (who.seen.is_init(), nspids.len()) {
        (true, 1) => &": the init of this PID namespace",
        (true, _) => &": the init of its PID namespace",
        (false, _) => &": not the init of its PID namespace",
    });
    sheet.end();
    let words = who.seen.words();
    let mut command = Phrase::default();
    for word in &words {
        command.join(" ", &Quoted(word));
    }
    if !words.is_empty() {
        field(sheet, "command", &command.0);
    }
    let mut state = Phrase::of(&state_name(process.state));
    state.clause(" in ", &who.wchan);
    if who.seen.is_dying() {
        state.add(&", dying");
    }
    state.clause("; ", &who.threads.map(|threads| Count(threads as usize, "thread")));
    state.clause("; uid ", &who.uid);
    state.add(&format_args!("; started {} ago", Ago(who.seen.age)));
    state.clause("; traced by ", &who.tracer);
    field(sheet, "state", &state.0);
    if nspids.len() > 1 {
        let mut pids = Phrase::default();
        nspids.iter().for_each(|pid| pids.join(" > ", pid));
        pids.add(&", from the outermost namespace to its own");
        field(sheet, "pids", &pids.0);
    }
    let mut above = Phrase::default();
    for Above { seen, role } in &who.above {
        above.join(" < ", &format_args!("{} ({}", seen.pid(), Printable(&seen.process.name)));
        above.clause(", ", &role.map(Role::name));
        above.add(&")");
    }
    if who.above.is_empty() {
        above.add(&"nobody to be seen");
    } else if who.is_adopted {
        above.add(&"; an orphan that was adopted");
    }
    field(sheet, "above", &above.0);
}

fn field(sheet: &mut Sheet, name: &str, value: &str) {
    const INDENT: usize = 11;
    sheet.cell(&"", 2, Style::Plain);
    sheet.cell(&name, INDENT - 2, Style::Plain);
    sheet.wrapped(value, INDENT);
}

/// As one could type it; long ones end in dots.
struct Quoted<'a>(&'a [u8]);

impl Display for Quoted<'_> {
    #[inline(never)]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 70;
        let mut text = String::new();
        for character in String::from_utf8_lossy(self.0).chars() {
            text.push(if character.is_control() { ' ' } else { character });
            if text.len() > LONGEST {
                text.push_str("...");
                break;
            }
        }
        let is_plain = |byte: u8| byte > 0x7f || byte.is_ascii_alphanumeric() || b"-_./:=@%+,^[]{}".contains(&byte);
        let quote = if !text.is_empty() && text.bytes().all(is_plain) { "" } else { "'" };
        write!(f, "{quote}{text}{quote}")
    }
}

fn state_name(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "in uninterruptible sleep",
        'Z' => "zombie",
        'T' => "stopped",
        't' => "stopped by its tracer",
        'I' => "idle",
        'X' => "dead",
        _ => "in a state unknown here",
    }
}

#[inline(never)]
fn namespaces(sheet: &mut Sheet, report: &Report<'_>) {
    sheet.heading("NAMESPACE          INODE       PROCESSES  CALLER'S  PARENT      OWNED BY, MADE BY UID");
    for row in &report.namespaces {
        sheet.cell(&row.name, 19, Style::Plain);
        sheet.cell(or(&row.inode, &"?"), 12, if row.inode.is_none() { Style::Yellow } else { Style::Plain });
        match row.processes {
            Some(count) => sheet.cell(&format_args!("{count:>9}"), 11, Style::Plain),
            None => sheet.cell(&"?", 11, Style::Plain),
        }
        let (same, style) = match row.same_as_caller {
            Some(true) => ("same", Style::Plain),
            Some(false) => ("other", Style::Green),
            None => ("?", Style::Plain),
        };
        sheet.cell(&same, 10, style);
        sheet.cell(or(&row.relations.parent, &"-"), 12, Style::Plain);
        sheet.plain(or(&row.relations.owner_userns, &"-"));
        if let Some(uid) = row.relations.owner_uid {
            sheet.plain(&format_args!(", {uid}"));
        }
        sheet.end();
    }
}

#[inline(never)]
fn signals(sheet: &mut Sheet, report: &Report<'_>) {
    sheet.heading("SIGNAL                         DISPOSITION  BLOCKED  PENDING  FROM INSIDE  FROM OUTSIDE");
    let mut rest = report.signals.as_slice();
    while let Some(first) = rest.first() {
        // Real-time signals that are all alike take one line.
        let is_alike = |(number, row): &(i32, &Row)| {
            row.signal == first.signal
                || first.signal.number() > 31
                    && row.signal.number() == *number
                    && Row { signal: first.signal, ..**row } == *first
        };
        let alike = (first.signal.number()..).zip(rest).take_while(is_alike).count();
        let (rows, others) = rest.split_at_checked(alike).unwrap_or_default();
        signal_row(sheet, first, rows.last().unwrap_or(first), report.has_outside);
        rest = others;
    }
}

#[inline(never)]
fn signal_row(sheet: &mut Sheet, first: &Row, last: &Row, has_outside: bool) {
    let (number, name, end) = (first.signal.number(), first.signal, last.signal.number());
    if end == number {
        sheet.cell(&format_args!("{number:>2} {name}"), 31, Style::Plain);
    } else {
        sheet.cell(&format_args!("{number}-{end} {name} - {}", last.signal), 31, Style::Plain);
    }
    let style = if first.disposition == Some(Disposition::Default) { Style::Plain } else { Style::Bold };
    sheet.cell(or(&first.disposition.map(Disposition::name), &"?"), 13, style);
    for known in [first.blocked, Some(first.pending)] {
        sheet.cell(or(&known.map(|is_so| if is_so { "yes" } else { "-" }), &"?"), 9, Style::Plain);
    }
    outcome(sheet, first, first.from_inside);
    if has_outside {
        outcome(sheet, first, first.from_outside);
    } else {
        sheet.plain(&"no outside");
    }
    sheet.end();
}

fn outcome(sheet: &mut Sheet, row: &Row, outcome: Option<Outcome>) {
    let style = match outcome {
        Some(Outcome::Dropped) => Style::Red,
        Some(Outcome::Handler) => Style::Green,
        Some(Outcome::Queued) if row.disposition == Some(Disposition::Waited) => Style::Green,
        Some(Outcome::Terminates | Outcome::Stops) | None => Style::Yellow,
        Some(_) => Style::Plain,
    };
    sheet.cell(or(&outcome.map(Outcome::name), &"?"), 13, style);
}

fn dead_and_adopted(sheet: &mut Sheet, report: &Report<'_>) {
    let zombies = "ZOMBIE                      STARTED   PARENT                      WHO DOES NOT REAP IT";
    forlorn(sheet, zombies, &report.zombies, true);
    forlorn(sheet, "ORPHAN                      STARTED   ADOPTED BY", &report.orphans, false);
}

#[inline(never)]
fn forlorn(sheet: &mut Sheet, heading: &str, processes: &[Forlorn<'_>], are_dead: bool) {
    const MOST: usize = 20;
    if !processes.is_empty() {
        sheet.heading(heading);
    }
    for forlorn in processes.iter().take(MOST) {
        let process = &forlorn.seen.process;
        sheet.cell(&format_args!("{:>7} ({})", process.pid, Printable(&process.name)), 28, Style::Plain);
        sheet.cell(&Ago(forlorn.seen.age), 10, Style::Plain);
        sheet.cell(forlorn, 28, Style::Plain);
        if are_dead {
            sheet.cell(&forlorn.fault.name(), 0, Style::Red);
        }
        sheet.end();
    }
    if let Some(more) = processes.len().checked_sub(MOST).filter(|more| *more > 0) {
        sheet.plain(&format_args!("        and {more} more\n"));
    }
}

fn findings(sheet: &mut Sheet, report: &Report<'_>) {
    const INDENT: usize = 16;
    if !report.findings.is_empty() {
        sheet.heading("FINDINGS");
    }
    for finding in &report.findings {
        let style = if finding.code == "not-init" { Style::Bold } else { Style::Red };
        sheet.cell(&finding.code, INDENT, style);
        sheet.wrapped(&finding.message, INDENT);
        sheet.cell(&"", INDENT - 3, Style::Plain);
        sheet.plain(&"-> ");
        sheet.wrapped(&finding.advice, INDENT);
    }
    if report.unreadable.is_empty() {
        return;
    }
    sheet.heading("NOT READ, SO NOT KNOWN");
    for gap in &report.unreadable {
        sheet.wrapped(&format!("{}: {}", gap.what, gap.reason), 0);
    }
    sheet.plain(&"Another user's process, or one that may not be traced: be that user, or have CAP_SYS_PTRACE.");
    sheet.end();
}
