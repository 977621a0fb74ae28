//! Runs in: the unit tests, and nowhere else. `pidone.1`: the prose of `manual.1.in`, with what the table and `--help` say put into it.
//!
//! What is to be known of a trace stands in tables of README, and is taken from there.
//!
//! In man(7) macros, for man-db and mandoc alike. Sentences begin on lines of their own, as both want it.

use super::super::help::{ENVIRONMENT, EXAMPLES, EXIT_STATUS, PLACES, USAGE};
use super::super::inspect::{FINDINGS, WORDS};
use super::super::personalities::NAMES;
use super::super::personality_texts::{CATATONIT_HELP, DUMB_INIT_HELP, TINI_HELP};
use super::{NOTICE, OPTIONS, OptionDoc, VERBS};
use std::fmt::Write as _;

/// Widest line of the source: mandoc complains past 80.
const WIDTH: usize = 78;

/// The page.
pub(super) fn page() -> String {
    let template = include_str!("manual.1.in");
    let parts = [
        ("@NOTICE@", NOTICE.to_owned()),
        ("@VERSION@", env!("CARGO_PKG_VERSION").to_owned()),
        ("@SYNOPSIS@", synopsis()),
        ("@OPTIONS@", options()),
        ("@EXIT_STATUS@", tagged(EXIT_STATUS)),
        ("@ENVIRONMENT@", tagged(ENVIRONMENT)),
        ("@EXAMPLES@", tagged(EXAMPLES)),
        ("@INSPECT_WORDS@", prose(WORDS)),
        ("@FINDINGS@", tagged(FINDINGS)),
        ("@TRACE_FIELDS@", readme_table("| field | in | is |")),
        ("@TRACE_DONE@", readme_table("| `done` | |")),
        ("@NAMES@", NAMES.iter().map(|(name, _)| bold(name)).collect::<Vec<_>>().join(",\n")),
        ("@TINI@", verbatim(TINI_HELP)),
        ("@DUMB_INIT@", verbatim(DUMB_INIT_HELP)),
        ("@CATATONIT@", verbatim(CATATONIT_HELP)),
    ];
    parts.iter().fold(template.to_owned(), |page, (mark, text)| page.replace(mark, text.trim_end_matches('\n')))
}

/// The forms that `--help` gives, a line each.
pub(super) fn usages() -> impl Iterator<Item = &'static str> {
    let usage = USAGE.lines().filter_map(|line| line.strip_prefix("Usage: "));
    usage.chain(PLACES.lines().take_while(|line| !line.is_empty()).map(str::trim))
}

fn synopsis() -> String {
    usages().fold(String::new(), |mut text, usage| {
        let mut words = usage.split(' ');
        let name = words.next().unwrap_or_default();
        let rest: Vec<_> = words.collect();
        let verb = rest.first().filter(|word| VERBS.iter().any(|verb| verb.name == **word));
        let name = verb.map_or(name.to_owned(), |verb| format!("{name} {verb}"));
        let rest: Vec<_> = rest.iter().skip(usize::from(verb.is_some())).map(|word| form(word)).collect();
        let _ = writeln!(text, ".SY {}\n{}\n.YS", escaped(&name).replace(' ', "\\~"), rest.join(" "));
        text
    })
}

/// The options by their groups, a subsection each.
fn options() -> String {
    let mut text = String::new();
    let mut group = None;
    for option in OPTIONS {
        if group != Some(option.group) {
            group = Some(option.group);
            let _ = writeln!(text, ".SS \"{}\"", escaped(option.group.heading()));
        }
        push_option(&mut text, option);
    }
    for verb in VERBS.iter().filter(|verb| !verb.own.is_empty()) {
        let _ = writeln!(text, ".SS \"Of \\(aqpidone {}\\(aq alone\"", escaped(verb.name));
        verb.own.iter().for_each(|option| push_option(&mut text, option));
    }
    text
}

fn push_option(text: &mut String, option: &OptionDoc) {
    let short = option.short.map(|short| bold(&format!("-{short}")) + ", ").unwrap_or_default();
    let gap = if option.value.is_empty() || option.value.starts_with("[=") { "" } else { " " };
    let _ = writeln!(text, ".TP\n{short}{}{gap}{}", bold(&format!("--{}", option.long)), form(option.value));
    push_prose(text, format!("{}. {}", sentence(option.summary), option.more).trim_end());
}

/// With a capital, unless it begins with pidone's name.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !text.starts_with("pidone") => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// The form of a value: what is to be typed as it is in bold, what stands for something in italics.
fn form(value: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut text = String::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| is_letter(c) != is_letter(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        text += &match word {
            word if !is_letter(first) => escaped(word),
            word if word.chars().any(|c| c.is_ascii_lowercase()) || word.starts_with('-') => bold(word),
            word => format!("\\fI{}\\fR", escaped(word)),
        };
        rest = after;
    }
    text
}

fn bold(word: &str) -> String {
    format!("\\fB{}\\fR", escaped(word))
}

/// What roff would take for its own made to stand for itself; a dash that of the keyboard.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga").replace('^', "\\(ha")
}

/// A word of a sentence: options in bold, an apostrophe left one.
fn marked(word: &str) -> String {
    let punctuation = word.len() - word.trim_end_matches(['.', ',', ';', ':', ')', '\'']).len();
    let (word, after) = word.split_at(word.len() - punctuation);
    let is_apostrophe = word.contains("n't") || word.contains("'s");
    let word = match word {
        code if code.contains('`') => with_code(code),
        option if option.starts_with("--") || (option.starts_with('-') && option.len() == 2) => bold(option),
        number if number.starts_with('-') => escaped(number),
        possessive if is_apostrophe => possessive.replace('-', "\\-"),
        other => escaped(other).replace("\\-", "-"),
    };
    word + &after.replace('\'', "\\(aq")
}

/// Sentences, each on its own lines.
fn push_prose(text: &mut String, prose: &str) {
    let mut column = 0;
    for word in prose.split_whitespace() {
        let mut marked = marked(word);
        if column > 0 && column + 1 + marked.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column > 0 {
            text.push(' ');
            column += 1;
        } else if marked.starts_with(['.', '\'']) {
            marked.insert_str(0, "\\&");
        }
        *text += &marked;
        column += marked.len();
        if word.ends_with(['.', '!', '?']) || word.ends_with(".)") {
            text.push('\n');
            column = 0;
        }
    }
    if column > 0 {
        text.push('\n');
    }
}

/// A section of `--help` as a list: below its heading `  TAG  text`, or the tag on a line of its own, and further lines of text.
fn tagged(section: &str) -> String {
    let mut entries: Vec<(&str, String)> = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("  ")) {
        match (line.strip_prefix("   "), entries.last_mut()) {
            (Some(more), Some((_, text))) => *text = format!("{text} {}", more.trim()),
            _ => {
                let (tag, text) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
                entries.push((tag, text.trim().to_owned()));
            }
        }
    }
    entries.iter().fold(String::new(), |mut list, (tag, text)| {
        let _ = writeln!(list, ".TP\n{}", bold(tag));
        let end = if text.ends_with(['.', '?', ')']) { "" } else { "." };
        push_prose(&mut list, &format!("{}{end}", sentence(text)));
        list
    })
}

fn prose(text: &str) -> String {
    let mut lines = String::new();
    push_prose(&mut lines, text);
    lines
}

/// A table of README as a list: the first cell is what it is about, the last one says it, and one between where it applies.
fn readme_table(head: &str) -> String {
    let readme = include_str!("../../../README.md");
    let rows = readme.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    rows.fold(String::new(), |mut list, row| {
        let plain = row.replace('\u{2212}', "-").replace('–', " to ");
        let cells: Vec<_> = plain.trim_matches(['|', ' ']).split(" | ").map(str::trim).collect();
        let [tag, place @ .., text] = cells.as_slice() else { panic!("no row of a table: {row}") };
        let place = place.first().map(|place| format!(" ({place})")).unwrap_or_default();
        let _ = writeln!(list, ".TP\n{}{place}", with_code(tag));
        let end = if text.ends_with('.') { "" } else { "." };
        // What stands between two backticks is one word, whatever spaces are in it.
        let whole = |(number, piece): (usize, &str)| match number % 2 {
            0 => piece.to_owned(),
            _ => format!("`{}`", piece.replace(' ', "\u{a0}")),
        };
        let text: String = text.split('`').enumerate().map(whole).collect();
        push_prose(&mut list, &format!("{}{end}", sentence(&text)));
        list
    })
}

/// What stands between backticks in bold.
fn with_code(text: &str) -> String {
    let piece = |(number, piece): (usize, &str)| match number % 2 {
        0 => piece.to_owned(),
        _ => bold(piece).replace('\u{a0}', "\\ "),
    };
    text.split('`').enumerate().map(piece).collect()
}

/// Lines that stay as they are.
fn verbatim(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("\\&{}\n", escaped(line)) }).collect()
}

#[test]
fn the_page_has_a_subsection_for_each_verb_and_no_mark_is_left() {
    let page = page();
    for verb in VERBS {
        assert!(page.contains(&format!("\n.SS pidone {}\n", escaped(verb.name))), "{}", verb.name);
    }
    let left = page.lines().find(|line| line.starts_with('@'));
    assert_eq!(left, None);
}

/// A section of the page.
#[cfg(test)]
fn section(heading: &str) -> String {
    let page = page();
    let (_, after) = page.split_once(&format!("\n.SH {heading}\n")).expect("the section is there");
    after.split("\n.SH ").next().unwrap_or_default().to_owned()
}

#[test]
fn the_page_names_each_finding_each_field_of_a_trace_and_each_event() {
    let verbs = section("VERBS");
    let codes: Vec<_> = FINDINGS.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert!(codes.len() > 5 && codes.iter().all(|code| verbs.contains(&bold(code))), "{codes:?}");
    for word in ["waited", "queued", "dropped", "handler"] {
        assert!(verbs.contains(word), "{word}");
    }
    let trace = section("TRACE");
    let readme = include_str!("../../../README.md");
    let events = readme.lines().find_map(|line| line.strip_prefix("| `event` | all | ")).expect("events in README");
    let events: Vec<_> = events.split('`').skip(1).step_by(2).collect();
    assert!(events.len() > 5 && events.iter().all(|event| trace.contains(event)), "{events:?}");
    for tag in ["speaker_pid", "done", "max_rss", "looked", "ended\\-pause"] {
        assert!(trace.contains(&format!("\\fB{tag}\\fR")), "{tag}");
    }
}

#[test]
fn the_page_names_each_variable_that_is_read() {
    fn variables(directory: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).expect("read src").flatten() {
            let path = entry.path();
            // Of tests.
            if path.ends_with("generate") || path.ends_with("fuzz") || path.ends_with("fuzz.rs") {
                continue;
            }
            if path.is_dir() {
                variables(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).expect("read a source");
                for asking in ["inherited_value(\"", "var_os(\"", "is_set(\"", "DIRECTIVES: &str = \""] {
                    let names = text.split(asking).skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(names.map(ToOwned::to_owned));
                }
            }
        }
    }
    let mut read = Vec::new();
    variables(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut read);
    let environment = section("ENVIRONMENT");
    for name in ["PATH", "RUST_LOG", "NO_COLOR", "TERM"] {
        assert!(read.iter().any(|found| found == name), "the search finds {name}: {read:?}");
    }
    for name in read {
        assert!(environment.contains(&name), "{name} is read");
    }
}

#[test]
fn forms_and_sentences_in_roff() {
    assert_eq!(form("kill|term"), "\\fBkill\\fR|\\fBterm\\fR");
    assert_eq!(form("USER[:GROUP]"), "\\fIUSER\\fR[:\\fIGROUP\\fR]");
    let mut text = String::new();
    push_prose(&mut text, "The command's, 'as is'. Wins over --keep-caps, from -20 on.");
    assert_eq!(text, "The command's, \\(aqas is\\(aq.\nWins over \\fB\\-\\-keep\\-caps\\fR, from \\-20 on.\n");
}
