//! Runs in: the test harness. The engine of `--ready-regex`, against grep(1), and against what would make others explode.

use super::*;
use crate::fuzz::{Result, Unstructured, check, modestly, several, soup};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// An expression of what POSIX says of extended ones. What it leaves open (`a||b`, `^*`, `a{,3}`) is not made, nor are anchors
/// within groups: of long ones with these grep loses matches that perl finds, too.
fn expression(u: &mut Unstructured<'_>, depth: u32) -> Result<String> {
    const ATOMS: &[&str] =
        &["a", "b", "é", "→", ".", r"\.", r"\*", "[ab]", "[^a]", "[a-c]", "[[:digit:]]", "[]x-]", "[^]b]"];
    const SUFFIXES: &[&str] = &["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "{0}"];
    let mut text = String::new();
    for _ in 0..u.int_in_range(1..=3)? {
        if depth < 3 && u.ratio(1, 4)? {
            text.push_str(&format!("({}|{})", expression(u, depth + 1)?, expression(u, depth + 1)?));
        } else {
            text.push_str(u.choose(ATOMS)?);
        }
        text.push_str(u.choose(SUFFIXES)?);
    }
    let mut anchor = |sign| Ok(if depth == 0 && u.ratio(1, 4)? { sign } else { "" });
    let (start, end) = (anchor("^")?, anchor("$")?);
    Ok(format!("{start}{text}{end}"))
}

fn a_line(u: &mut Unstructured<'_>) -> Result<String> {
    const PARTS: &[&str] = &["a", "b", "c", "é", "→", ".", "*", "7", "x", "-", "]", " "];
    Ok(several(u, 8, |u| Ok(*u.choose(PARTS)?))?.concat())
}

/// The numbers of the lines in which grep finds it, from 1; `None` where that takes grep too long: it does explode.
fn grep(expression: &str, lines: &[String]) -> Option<Vec<usize>> {
    const TIMED_OUT: i32 = 124;
    let mut grep = Command::new("timeout")
        .args(["2", "grep", "-E", "-n", "-e", expression])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    grep.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    let output = grep.wait_with_output().unwrap();
    if output.status.code() == Some(TIMED_OUT) {
        return None;
    }
    assert!(output.status.code() < Some(2), "grep does not take {expression}");
    let numbers = |line: &str| line.split(':').next()?.parse().ok();
    Some(String::from_utf8(output.stdout).unwrap().lines().filter_map(numbers).collect())
}

#[test]
fn it_finds_what_grep_finds() {
    check(|u| {
        let expression = expression(u, 0)?;
        let lines = (0..30).map(|_| a_line(u)).collect::<Result<Vec<_>>>()?;
        let pattern = Pattern::new(expression.as_bytes()).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let is_found = |(index, line): (usize, &String)| pattern.is_in(line.as_bytes()).then_some(index + 1);
        let found: Vec<usize> = lines.iter().enumerate().filter_map(is_found).collect();
        if let Some(expected) = grep(&expression, &lines) {
            assert_eq!(found, expected, "{expression} in {lines:?}");
        }
        Ok(())
    });
}

#[test]
fn whatever_is_asked_for_is_compiled_and_looked_for_in_bounded_memory_and_time() {
    const PARTS: &[&str] = &[
        "(",
        ")",
        "a",
        "|",
        "*",
        "+",
        "?",
        "{",
        "}",
        ",",
        "9",
        "99999999999",
        "{10}",
        "{0}",
        "()",
        "^",
        "$",
        "[",
        "]",
        "-",
        "[:alpha:]",
        "\\",
        "é",
        ".",
        "(a|b)",
        "(a*)*",
        "{1000}",
        "{9999}",
        "\0",
    ];
    check(|u| {
        let expression = soup(u, PARTS)?;
        let pattern = modestly(64 * expression.len() + MOST_MEMORY, || Pattern::new(&expression));
        let Ok(pattern) = pattern else { return Ok(()) };
        let line = soup(u, &["a", "b", "é", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "9", " "])?;
        modestly(MOST_MEMORY, || pattern.is_in(&line));
        Ok(())
    });
}

/// Ten thousand steps, of forty bytes each, a few times over while a part of them is put in the place of another.
const MOST_MEMORY: usize = 4 << 20;

#[test]
fn expressions_that_make_others_explode_are_refused_or_done_at_once() {
    let long = "a".repeat(4096);
    let table = [
        "(a*)*b".to_owned(),
        "(a|a)*b".into(),
        "(a|aa)+$b".into(),
        "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b".into(),
        "((a{0,99}){0,99})b".into(),
        "(){18446744073709551615}".into(),
        "((){10000}){10000}b".into(),
        "(()*)*b".into(),
        "a{0}{99999999999}b".into(),
        "a|".repeat(60_000),
        "(|)".repeat(40_000),
        "a{9999}".repeat(15_000),
        "^{9999}".repeat(15_000),
        "a*".repeat(60_000),
        "*".repeat(100_000),
        format!("a{}", "*".repeat(100_000)),
        "(".repeat(100_000),
        "[^[:alpha:]]".repeat(10_000),
        format!("{}a{}b", "(".repeat(50), ")*".repeat(50)),
    ];
    for expression in table {
        let shown = &expression[..expression.len().min(40)];
        let found = modestly(MOST_MEMORY, || {
            Pattern::new(expression.as_bytes()).is_ok_and(|pattern| pattern.is_in(long.as_bytes()))
        });
        assert_eq!(found, shown.starts_with("(){"), "{shown}: there is no b in the line");
    }
}
