//! Runs in: the test harness. Tables of command lines and what they mean.

use super::*;
use crate::cli::help::OPTIONS;

fn words(line: &[&str]) -> impl Iterator<Item = OsString> {
    line.iter().map(OsString::from).collect::<Vec<_>>().into_iter()
}

fn run(line: &[&str]) -> RunRequest {
    run_with(line, None)
}

fn run_with(line: &[&str], environment: Option<&str>) -> RunRequest {
    match parse(words(line), environment.map(OsStr::new)) {
        Ok(Request::Run(request)) => request,
        other => panic!("{line:?}: {other:?}"),
    }
}

fn message(line: &[&str], environment: Option<&str>) -> String {
    parse(words(line), environment.map(OsStr::new)).expect_err(&format!("{line:?}")).message
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    let table: &[(&[&str], &[&str])] = &[
        (&["ls", "-v", "--help"], &["ls", "-v", "--help"]),
        (&["--", "ls", "--", "-g"], &["ls", "--", "-g"]),
        (&["--", "--version"], &["--version"]),
        (&["run", "ls"], &["ls"]),
        (&["run", "--", "run"], &["run"]),
        (&["--", "run"], &["run"]),
        (&["-g", "run"], &["run"]),
        (&["-"], &["-"]),
        (&[""], &[""]),
    ];
    for (line, command) in table {
        assert_eq!(run(line).command, *command, "{line:?}");
    }
    assert_eq!(run(&["ls", "-v"]).verbosity, 0, "PITFALLS B36: the command's own -v");
}

#[test]
fn every_option_sets_what_it_names() {
    assert_eq!(run(&["--in-place", "x"]).place, Some(Place::InPlace));
    assert_eq!(run(&["--isolate", "x"]).place, Some(Place::Isolated));
    assert_eq!(run(&["--as-pid1", "x"]).place, Some(Place::Bare));
    assert_eq!(run(&["x"]).place, None);
    assert_eq!(run(&["--map-root", "x"]).id_map, Some(IdMap::Root));
    assert_eq!(run(&["--map-current", "x"]).id_map, Some(IdMap::Current));
    assert!(run(&["--no-die-with-parent", "x"]).no_die_with_parent);
    assert!(run(&["-g", "x"]).group && run(&["--group", "x"]).group && !run(&["x"]).group);
    assert_eq!(run(&["-vgv", "--verbose", "x"]).verbosity, 3);
    for (word, meaning) in PROC_MOUNTS {
        assert_eq!(run(&["--proc", word, "x"]).proc, Some(*meaning));
        assert_eq!(run(&[&format!("--proc={word}"), "x"]).proc, Some(*meaning));
    }
    for (word, meaning) in PROPAGATIONS {
        assert_eq!(run(&["--propagation", word, "x"]).propagation, Some(*meaning));
    }
}

#[test]
fn rewrites_and_exit_maps_are_understood_and_the_last_word_counts() {
    let signal = |number| Signal::new(number).unwrap();
    let request =
        run(&["--rewrite", "term:SIGQUIT", "--rewrite=RTMIN+3:15", "--ignore", "hup", "--rewrite", "1:0", "x"]);
    let rewritten: Vec<_> = [15, 37, 1, 2].map(|number| request.rewrites.apply(signal(number))).into();
    assert_eq!(rewritten, [Some(signal(3)), Some(signal(15)), None, Some(signal(2))]);
    let request = run(&["--ignore", "TERM", "--rewrite", "TERM:KILL", "x"]);
    assert_eq!(request.rewrites.apply(signal(15)), Some(signal(9)));
    assert_eq!(run(&["--map-exit", "143:0", "--map-exit=0:255", "x"]).exit_map, [(143, 0), (0, 255)]);
}

#[test]
fn the_last_of_two_contrary_options_wins() {
    assert_eq!(run(&["--isolate", "--in-place", "x"]).place, Some(Place::InPlace));
    assert_eq!(run_with(&["--isolate", "x"], Some("--in-place")).place, Some(Place::Isolated));
}

#[test]
fn texts_win_over_everything_that_follows() {
    assert_eq!(parse(words(&["-h", "--nonsense"]), None), Ok(Request::ShortHelp));
    assert_eq!(parse(words(&["--help"]), None), Ok(Request::LongHelp));
    assert_eq!(parse(words(&["-g", "--version", "x"]), None), Ok(Request::Version));
}

#[test]
fn texts_do_not_mind_a_bad_environment() {
    assert_eq!(parse(words(&["--version"]), Some(OsStr::new("--odd"))), Ok(Request::Version));
    assert_eq!(parse(words(&["-h"]), Some(OsStr::new("'"))), Ok(Request::ShortHelp));
}

#[test]
fn pidone_options_are_split_as_a_shell_does() {
    let request = run_with(&["x"], Some(" -g  '--proc' \"no\"ne -\\v "));
    assert!(request.group);
    assert_eq!((request.proc, request.verbosity), (Some(ProcMount::None), 1));
    assert_eq!(run_with(&["x"], Some("")), run(&["x"]));
}

#[test]
fn bad_words_are_named() {
    let table: &[(&[&str], Option<&str>, &str)] = &[
        (&[], None, "no command given"),
        (&["--"], None, "no command given"),
        (&["-g"], None, "no command given"),
        (&["run"], None, "no command given"),
        (&["--frobnicate", "x"], None, "unknown option: --frobnicate"),
        (&["-gX", "x"], None, "unknown option: -X"),
        (&["--group=1", "x"], None, "this option takes no value: --group=1"),
        (&["--proc"], None, "this option needs a value: --proc"),
        (&["--proc", "odd", "x"], None, "--proc does not know this value: odd"),
        (&["--propagation=", "x"], None, "--propagation does not know this value: "),
        (&["--rewrite", "TERM", "x"], None, "--rewrite does not know this value: TERM"),
        (&["--rewrite", "TERM:", "x"], None, "--rewrite does not know this value: TERM:"),
        (&["--rewrite", "TERM:65", "x"], None, "--rewrite does not know this value: TERM:65"),
        (&["--rewrite", "0:15", "x"], None, "--rewrite does not know this value: 0:15"),
        (&["--rewrite", "KILL:15", "x"], None, "--rewrite: pidone never forwards this signal: SIGKILL"),
        (&["--ignore", "CHLD", "x"], None, "--ignore: pidone never forwards this signal: SIGCHLD"),
        (&["--ignore", "NOPE", "x"], None, "--ignore does not know this value: NOPE"),
        (&["--ignore"], None, "this option needs a value: --ignore"),
        (&["--map-exit", "143", "x"], None, "--map-exit does not know this value: 143"),
        (&["--map-exit", "256:0", "x"], None, "--map-exit does not know this value: 256:0"),
        (&["--map-exit", "0:-1", "x"], None, "--map-exit does not know this value: 0:-1"),
        (&["x"], Some("'open"), "PIDONE_OPTIONS: a quote or backslash is left open"),
        (&["x"], Some("--odd"), "PIDONE_OPTIONS: unknown option: --odd"),
        (&["x"], Some("-g ls"), "PIDONE_OPTIONS: only options can stand here: ls"),
        (&["x"], Some("--help"), "PIDONE_OPTIONS: help and version belong on the command line"),
    ];
    for (line, environment, expected) in table {
        assert_eq!(message(line, *environment), *expected, "{line:?} {environment:?}");
    }
}

#[test]
fn arguments_are_bytes() {
    let odd = OsString::from_vec(vec![b'a', 0xff, 0xfe]);
    let Ok(Request::Run(request)) = parse([odd.clone(), odd.clone()].into_iter(), None) else { panic!() };
    assert_eq!(request.command, [odd.clone(), odd]);
}

#[test]
fn every_option_of_the_help_text_is_understood() {
    for option in OPTIONS {
        for spelling in option.spellings() {
            let mut line = vec![spelling.clone()];
            let example = match (option.values, &spelling[..]) {
                ([], _) => None,
                (_, "--rewrite") => Some("TERM:QUIT"),
                (_, "--ignore") => Some("HUP"),
                (_, "--map-exit") => Some("143:0"),
                ([first, ..], _) => Some(*first),
            };
            line.extend(example.map(ToOwned::to_owned));
            line.push("x".into());
            let parsed = parse(line.iter().map(OsString::from), None);
            assert!(parsed.is_ok(), "{line:?}: {parsed:?}");
        }
    }
}
