//! Runs in: the test harness. Command lines and `PIDONE_OPTIONS`, under every name that pidone can be called by.

use super::*;
use crate::cli::options::{Group, OPTIONS, OptionDoc};
use crate::cli::{NAMES, Personality};
use crate::fuzz::{Result, Unstructured, check, modestly, several, soup};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

/// A value that each form of one stands for.
fn a_value(u: &mut Unstructured<'_>, option: &OptionDoc) -> Result<&'static str> {
    let known: &[&str] = match option.long {
        "proc" => &["fresh", "bind", "none"],
        "propagation" => &["private", "slave", "shared", "unchanged"],
        "on-exit" => &["kill", "term", "wait"],
        "trace-format" => &["json", "chrome"],
        "trace" => &["fd:7", "/tmp/a trace"],
        "map-users" | "map-groups" => &["0:100000:65536", "1:2:3"],
        "rewrite" => &["TERM:QUIT", "hup:0"],
        "map-exit" => &["143:0", "1:2"],
        "ignore" | "pdeathsig" => &["TERM", "RTMIN+3"],
        "drop-caps" | "keep-caps" => &["net_raw", "kill,chown"],
        "umask" => &["022", "0"],
        "nice" | "oom-score-adj" => &["-5", "7"],
        "rlimit" => &["nofile=1:2", "core=0"],
        "env" => &["A=b c", "A='\"\\"],
        "bind" | "ro-bind" => &["/a:/b", "a b:c:/d"],
        "tmpfs" => &["/tmp", "/tmp:1m"],
        "dev" | "proc-at" | "mask" => &["/a", "/a b"],
        "stop-timeout" | "stop-delay" | "monotonic" | "boottime" => &["1", "2.5"],
        _ => &["word", "7"],
    };
    Ok(*u.choose(known)?)
}

/// Options of `run` that are well-formed, each as one word, or as two where that means the same.
fn options(u: &mut Unstructured<'_>, as_two: bool) -> Result<Vec<(String, Option<String>)>> {
    let known: Vec<_> = OPTIONS
        .iter()
        .filter(|option| !matches!(option.group, Group::Enter | Group::Probe))
        .filter(|option| !matches!(option.long, "help" | "version" | "pause"))
        .collect();
    several(u, 8, |u| {
        let option = *u.choose(&known)?;
        let name = format!("--{}", option.long);
        if option.value.is_empty() {
            return Ok((name, None));
        }
        let value = a_value(u, option)?;
        let is_optional = option.value.starts_with('[');
        Ok(if as_two && !is_optional { (name, Some(value.into())) } else { (format!("{name}={value}"), None) })
    })
}

fn parsed(words: &[OsString], environment: Option<&OsStr>) -> std::result::Result<Request, UsageError> {
    parse(&words.iter().map(OsString::as_os_str).collect::<Vec<_>>(), environment)
}

/// As a careful user quotes a word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[test]
fn options_mean_the_same_in_one_word_in_two_and_in_pidone_options() {
    check(|u| {
        let mut command: Vec<OsString> = several(u, 3, |u| Ok(OsString::from_vec(u.arbitrary()?)))?;
        command.insert(0, "command".into());
        let options = options(u, true)?;
        let (mut two, mut one, mut text) = (Vec::new(), Vec::new(), String::new());
        for (name, value) in &options {
            two.push(OsString::from(name));
            two.extend(value.iter().map(OsString::from));
            let whole = value.as_ref().map_or(name.clone(), |value| format!("{name}={value}"));
            text.push_str(&quoted(&whole));
            text.push_str(u.choose(&[" ", "\t", "\n", "  "])?);
            one.push(OsString::from(whole));
        }
        let end = [&[OsString::from("--")], &command[..]].concat();
        let expected = parsed(&[&two[..], &end].concat(), None);
        assert!(
            matches!(&expected, Ok(Request::Run(request)) if request.command == command),
            "{two:?} {expected:?}"
        );
        assert_eq!(parsed(&[&one[..], &end].concat(), None), expected, "{one:?}");
        assert_eq!(parsed(&end, Some(OsStr::new(&text))), expected, "PIDONE_OPTIONS={text}");
        Ok(())
    });
}

/// Words of all command lines.
#[rustfmt::skip] // a table
const TYPED: &[&str] = &[
    "-", "--", "=", "-v", "-g", "-p", "-e", "-r", "-s", "-c", "-h", "-V", "-P", "--rewrite", "--single-child", "15:3", "enter",
    "probe", "inspect", "release", "run", "install-names", "--watch", "--json", "--ns", "--only", "--version", "--uid", "root", "--env",
    "--bind", "/a:/b", "--tmpfs", "--map-users", "0:1:2", "--stop-timeout", "1s", "'", "\"", "\\", " ", "\u{ff}",
    "--ready-regex", "--signals", "TERM", "--trace", "0", "1",
];

#[test]
fn whatever_is_typed_under_whatever_name_is_understood_or_refused() {
    check(|u| {
        let words = several(u, 12, |u| {
            let word = if u.ratio(3, 4)? { u.choose(TYPED)?.as_bytes().to_vec() } else { soup(u, TYPED)? };
            Ok(OsString::from_vec(word))
        })?;
        let known = ["PIDONE_OPTIONS", "TINI_SUBREAPER", "TINI_VERBOSITY", "DUMB_INIT_SETSID", "CATATONIT_DEBUG"];
        let mut variables = Vec::new();
        for name in known {
            if u.ratio(1, 4)? {
                variables.push((name, OsString::from_vec(soup(u, TYPED)?)));
            }
        }
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let called: &str = u.choose(NAMES).map(|(name, _)| *name)?;
        let called = if u.ratio(1, 3)? { "pidone" } else { called };
        let size =
            words.iter().chain(variables.iter().map(|(_, value)| value)).map(|word| word.len() + 24).sum::<usize>();
        let typed: Vec<_> = words.iter().map(OsString::as_os_str).collect();
        let request =
            modestly(64 * size + (64 << 10), || Personality::of(Some(OsStr::new(called))).parse(&typed, &variable));
        match request {
            Ok(Request::Run(request) | Request::Probe(request) | Request::Enter(_, request)) => {
                assert!(
                    words.ends_with(&request.command),
                    "a command is the end of the line, untouched: {request:?}"
                );
            }
            Ok(_) => {}
            Err(error) => assert!(!error.message.is_empty()),
        }
        Ok(())
    });
}

/// What sh(1) makes of the text; `None` where it finds a quote left open.
fn split_by_sh(text: &str) -> Option<Vec<u8>> {
    let script = r#"eval "set -- $1"; for word do printf '%s\0' "$word"; done"#;
    let output = Command::new("sh").args(["-c", script, "sh", text]).output().unwrap();
    output.status.success().then_some(output.stdout)
}

#[test]
fn pidone_options_are_split_as_sh_splits_words() {
    // Without what a shell does beyond splitting: expansions, operators, comments, and the line's own end.
    const PARTS: &[&str] =
        &["a", "b", " ", "  ", "\t", "'", "\"", "\\", "\\\\", "\\'", "\\\"", "''", "\"\"", "é", "-", "="];
    check(|u| {
        let text = several(u, 14, |u| Ok(*u.choose(PARTS)?))?.concat();
        let mut words = shlex::bytes::Shlex::new(text.as_bytes());
        let mut split = Vec::new();
        words.by_ref().for_each(|word| split.extend([word, vec![0]].concat()));
        let is_open = words.had_error;
        // A shell takes a backslash at the very end for itself; here something is missing behind it.
        let backslashes = text.len() - text.trim_end_matches('\\').len();
        if backslashes % 2 == 0 {
            assert_eq!(Some(split).filter(|_| !is_open), split_by_sh(&text), "{text}");
        }
        Ok(())
    });
}
