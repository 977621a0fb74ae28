//! Runs in: any thread-free process. The report as tables, for people: at most 100 columns, with colours where they are
//! wanted.

use super::dispositions::{Disposition, Outcome, Row};
use super::report::Report;
use super::sheet::{Sheet, Style};
use super::who::Who;
use super::zombies::Forlorn;
use crate::procfs::printable;
use std::fmt::Write as _;

/// Where the findings stand: below all else, where they end up next to the prompt, or where a short screen shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Findings {
    Last,
    First,
}

pub(super) fn text(report: &Report, is_coloured: bool, place: Findings) -> String {
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

fn who(sheet: &mut Sheet, who: &Who) {
    sheet.cell(&format!("{} ({})", who.pid, printable(&who.comm)), 0, Style::Bold);
    sheet.text.push_str(match (who.is_init, who.nspids.len()) {
        (true, 1) => ": the init of this PID namespace",
        (true, _) => ": the init of its PID namespace",
        (false, _) => ": not the init of its PID namespace",
    });
    sheet.end();
    let command: Vec<String> = who.command.iter().map(|word| quoted(word)).collect();
    if !command.is_empty() {
        field(sheet, "command", &command.join(" "));
    }
    let mut state = state_name(who.state).to_owned();
    if let Some(wchan) = &who.wchan {
        let _ = write!(state, " in {wchan}");
    }
    if who.is_dying {
        state.push_str(", dying");
    }
    if let Some(threads) = who.threads {
        let _ = write!(state, "; {threads} {}", if threads == 1 { "thread" } else { "threads" });
    }
    if let Some(uid) = who.uid {
        let _ = write!(state, "; uid {uid}");
    }
    let _ = write!(state, "; started {} ago", ago(who.age));
    if let Some(tracer) = who.tracer {
        let _ = write!(state, "; traced by {tracer}");
    }
    field(sheet, "state", &state);
    if who.nspids.len() > 1 {
        let pids: Vec<String> = who.nspids.iter().map(ToString::to_string).collect();
        field(sheet, "pids", &format!("{}, from the outermost namespace to its own", pids.join(" > ")));
    }
    let above: Vec<String> = who
        .above
        .iter()
        .map(|above| {
            let role = above.role.map(|role| format!(", {}", role.name())).unwrap_or_default();
            format!("{} ({}{role})", above.pid, printable(&above.comm))
        })
        .collect();
    let adopted = if who.is_adopted { "; an orphan that was adopted" } else { "" };
    match above.is_empty() {
        true => field(sheet, "above", "nobody to be seen"),
        false => field(sheet, "above", &format!("{}{adopted}", above.join(" < "))),
    }
}

fn field(sheet: &mut Sheet, name: &str, value: &str) {
    const INDENT: usize = 11;
    sheet.cell("", 2, Style::Plain);
    sheet.cell(name, INDENT - 2, Style::Plain);
    sheet.wrapped(value, INDENT);
}

/// As one could type it; long ones end in dots.
fn quoted(word: &[u8]) -> String {
    const LONGEST: usize = 70;
    let mut text = String::new();
    for character in String::from_utf8_lossy(word).chars() {
        text.push(if character.is_control() { ' ' } else { character });
        if text.len() > LONGEST {
            text.push_str("...");
            break;
        }
    }
    let is_plain = |byte: u8| byte > 0x7f || byte.is_ascii_alphanumeric() || b"-_./:=@%+,^[]{}".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) { text } else { format!("'{text}'") }
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

/// `12 s`, `5 min`, `3 h`, `2 d`.
fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86400),
    }
}

fn namespaces(sheet: &mut Sheet, report: &Report) {
    sheet.heading("NAMESPACE          INODE       PROCESSES  CALLER'S  PARENT      OWNED BY, MADE BY UID");
    for row in &report.namespaces {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
        sheet.cell(row.name, 19, Style::Plain);
        match row.inode {
            Some(inode) => sheet.cell(&inode.to_string(), 12, Style::Plain),
            None => sheet.cell("?", 12, Style::Yellow),
        }
        sheet.cell(&row.processes.map_or("?".to_owned(), |count| format!("{count:>9}")), 11, Style::Plain);
        let same = match row.same_as_caller {
            Some(true) => "same",
            Some(false) => "other",
            None => "?",
        };
        sheet.cell(same, 10, if row.same_as_caller == Some(false) { Style::Green } else { Style::Plain });
        sheet.cell(&number(row.parent), 12, Style::Plain);
        sheet.cell(&number(row.owner_userns), 0, Style::Plain);
        if let Some(uid) = row.owner_uid {
            let _ = write!(sheet.text, ", {uid}");
        }
        sheet.end();
    }
}

fn signals(sheet: &mut Sheet, report: &Report) {
    sheet.heading("SIGNAL                         DISPOSITION  BLOCKED  PENDING  FROM INSIDE  FROM OUTSIDE");
    let mut rest = report.signals.as_slice();
    while let Some(first) = rest.first() {
        // Real-time signals that are all alike take one line.
        let is_alike = |(index, row): &(usize, &Row)| {
            *index == 0
                || first.signal.number() > 31
                    && row.signal.number() == first.signal.number() + i32::try_from(*index).unwrap_or(0)
                    && alike(row) == alike(first)
        };
        let alike_rows = rest.iter().enumerate().take_while(is_alike).count();
        let last = rest.get(alike_rows - 1).unwrap_or(first);
        signal_row(sheet, first, last, report.has_outside);
        rest = rest.get(alike_rows..).unwrap_or_default();
    }
}

/// All that a row says beside the signal.
fn alike(row: &Row) -> (Option<Disposition>, Option<bool>, bool, Option<Outcome>, Option<Outcome>) {
    (row.disposition, row.blocked, row.pending, row.from_inside, row.from_outside)
}

fn signal_row(sheet: &mut Sheet, first: &Row, last: &Row, has_outside: bool) {
    let (number, name) = (first.signal.number(), first.signal);
    let label = match last.signal.number() {
        end if end == number => format!("{number:>2} {name}"),
        end => format!("{number}-{end} {name} - {}", last.signal),
    };
    sheet.cell(&label, 31, Style::Plain);
    let style = if first.disposition == Some(Disposition::Default) { Style::Plain } else { Style::Bold };
    sheet.cell(first.disposition.map_or("?", Disposition::name), 13, style);
    let blocked = match first.blocked {
        Some(true) => "yes",
        Some(false) => "-",
        None => "?",
    };
    sheet.cell(blocked, 9, Style::Plain);
    sheet.cell(if first.pending { "yes" } else { "-" }, 9, Style::Plain);
    outcome(sheet, first, first.from_inside);
    if has_outside {
        outcome(sheet, first, first.from_outside);
    } else {
        sheet.cell("no outside", 0, Style::Plain);
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
    sheet.cell(outcome.map_or("?", Outcome::name), 13, style);
}

fn dead_and_adopted(sheet: &mut Sheet, report: &Report) {
    let zombies = "ZOMBIE                      STARTED   PARENT                      WHO DOES NOT REAP IT";
    forlorn(sheet, zombies, &report.zombies, true);
    forlorn(sheet, "ORPHAN                      STARTED   ADOPTED BY", &report.orphans, false);
}

#[inline(never)]
fn forlorn(sheet: &mut Sheet, heading: &str, processes: &[Forlorn], are_dead: bool) {
    const MOST: usize = 20;
    if !processes.is_empty() {
        sheet.heading(heading);
    }
    for process in processes.iter().take(MOST) {
        sheet.cell(&format!("{:>7} ({})", process.pid, printable(&process.comm)), 28, Style::Plain);
        sheet.cell(&ago(process.age), 10, Style::Plain);
        let parent = match process.ppid {
            0 => "outside".to_owned(),
            ppid => format!("{ppid} ({})", printable(&process.parent_comm)),
        };
        sheet.cell(&parent, 28, Style::Plain);
        sheet.cell(if are_dead { process.fault.name() } else { "" }, 0, Style::Red);
        sheet.end();
    }
    if processes.len() > MOST {
        let _ = writeln!(sheet.text, "        and {} more", processes.len() - MOST);
    }
}

fn findings(sheet: &mut Sheet, report: &Report) {
    const INDENT: usize = 16;
    if !report.findings.is_empty() {
        sheet.heading("FINDINGS");
    }
    for finding in &report.findings {
        let style = if finding.code == "not-init" { Style::Bold } else { Style::Red };
        sheet.cell(finding.code, INDENT, style);
        sheet.wrapped(&finding.message, INDENT);
        sheet.cell("", INDENT - 3, Style::Plain);
        sheet.text.push_str("-> ");
        sheet.wrapped(&finding.advice, INDENT);
    }
    if report.unreadable.is_empty() {
        return;
    }
    sheet.heading("NOT READ, SO NOT KNOWN");
    for gap in &report.unreadable {
        sheet.wrapped(&format!("{}: {}", gap.what, gap.reason()), 0);
    }
    let _ = writeln!(
        sheet.text,
        "Another user's process, or one that may not be traced: be that user, or have CAP_SYS_PTRACE."
    );
}
