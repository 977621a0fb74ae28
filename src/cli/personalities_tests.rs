//! Runs in: the test harness. Tables of other inits' command lines and what they mean.

use super::*;
use crate::request::{RunRequest, StopRules};
use std::time::Duration;

fn parse(name: &str, line: &[&str], environment: &[(&str, &str)]) -> Result<Request, UsageError> {
    let variable = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    let words: Vec<_> = line.iter().map(OsStr::new).collect();
    Personality::of(Some(OsStr::new(name))).parse(&words, &variable)
}

fn run(name: &str, line: &[&str], environment: &[(&str, &str)]) -> RunRequest {
    match parse(name, line, environment) {
        Ok(Request::Run(request)) => *request,
        other => panic!("{name} {line:?}: {other:?}"),
    }
}

#[test]
fn the_last_part_of_the_name_tells() {
    let table = [
        ("tini", Personality::Tini),
        ("/sbin/docker-init", Personality::Tini),
        ("./tini-static", Personality::Tini),
        ("../dumb-init", Personality::DumbInit),
        ("/usr/bin/catatonit", Personality::Catatonit),
        ("pidone", Personality::Pidone),
        ("tini2", Personality::Pidone),
        ("/tini/", Personality::Tini),
        ("", Personality::Pidone),
    ];
    for (name, personality) in table {
        assert_eq!(Personality::of(Some(OsStr::new(name))), personality, "{name}");
    }
    assert_eq!(Personality::of(None), Personality::Pidone);
}

#[test]
fn none_makes_a_namespace_and_options_end_at_the_command() {
    for (name, _) in NAMES {
        let request = run(name, &["--", "cmd", "-g", "--help"], &[]);
        assert_eq!((request.place, request.command.len()), (Some(Place::InPlace), 3), "{name}");
        assert_eq!(run(name, &["cmd", "-V"], &[]).command, ["cmd", "-V"]);
        let error = parse(name, &["x"], &[("PIDONE_OPTIONS", "--isolate")]).unwrap_err();
        assert!(error.message.contains("new namespaces"), "{error:?}");
        assert_eq!(parse(name, &[], &[]).unwrap_err().message, "no command given");
        assert_eq!(parse(name, &["--nonsense", "x"], &[]).unwrap_err().message, "unrecognized option '--nonsense'");
        assert_eq!(parse(name, &["-z", "x"], &[]).unwrap_err().message, "invalid option -- 'z'");
        let error = parse(name, &["x"], &[("PIDONE_OPTIONS", "--pause")]).unwrap_err();
        assert!(error.message.contains("--pause"), "{error:?}");
        let request = run(name, &["x"], &[("PIDONE_OPTIONS", "--stop-timeout 5 --on-exit term")]);
        assert_eq!(request.stop, StopRules { timeout: Some(Duration::from_secs(5)), ..StopRules::NONE });
        assert_eq!(request.on_exit, Some(OnExit::Term));
    }
}

#[test]
fn tini() {
    let request = run("tini", &["-gs", "-vvp", "SIGTERM", "-e143", "-e", "1", "-w", "--", "x"], &[]);
    assert!(request.group && request.announce_reaped);
    assert_eq!((request.orphans, request.level), (Orphans::Adopt, Some(LevelFilter::Debug)));
    assert_eq!((request.parent_death, request.exit_map), (Some(Signal::TERM), vec![(143, 0), (1, 0)]));
    let request = run("tini", &["x"], &[]);
    assert_eq!((request.orphans, request.grouping, request.group), (Orphans::LeaveAndWarn, Grouping::Own, false));
    assert_eq!((request.level, request.on_exit), (None, Some(OnExit::Leave)));
    assert_eq!(run("tini", &["x"], &[("TINI_SUBREAPER", "")]).orphans, Orphans::Adopt);
    assert!(run("tini", &["x"], &[("TINI_KILL_PROCESS_GROUP", "")]).group);
    for (word, level) in [
        ("0", LevelFilter::Error),
        ("", LevelFilter::Error),
        ("1", LevelFilter::Warn),
        ("2", LevelFilter::Info),
        ("3", LevelFilter::Debug),
        ("9", LevelFilter::Trace),
        ("3abc", LevelFilter::Debug),
        ("-1", LevelFilter::Error),
    ] {
        assert_eq!(run("tini", &["-v", "x"], &[("TINI_VERBOSITY", word)]).level, Some(level), "{word:?}");
    }
    for (line, message) in [
        (["-p", "FOO", "x"], "Not a valid option for -p: FOO"),
        (["-e", "256", "x"], "Not a valid option for -e: 256"),
        (["-e", "", "x"], "Not a valid option for -e: "),
    ] {
        assert_eq!(parse("tini", &line, &[]).unwrap_err().message, message);
    }
    assert!(matches!(parse("tini", &["--version"], &[("PIDONE_OPTIONS", "'")]), Ok(Request::Show(..))));
    assert!(parse("tini", &["--version", "x"], &[]).is_err(), "only alone");
}

#[test]
fn dumb_init() {
    let request = run("dumb-init", &["x"], &[]);
    assert_eq!((request.grouping, request.group, request.stops_itself), (Grouping::Session, true, true));
    assert_eq!((request.orphans, request.on_exit), (Orphans::Leave, Some(OnExit::TermGroup)));
    for (line, environment) in [
        (&["-c", "x"][..], &[][..]),
        (&["--single-child", "x"], &[]),
        (&["--single", "x"], &[]),
        (&["x"], &[("DUMB_INIT_SETSID", "0")]),
    ] {
        let request = run("dumb-init", line, environment);
        assert_eq!((request.grouping, request.group), (Grouping::Shared, false), "{line:?}");
    }
    assert_eq!(run("dumb-init", &["x"], &[("DUMB_INIT_SETSID", "1")]).grouping, Grouping::Session);
    assert_eq!(run("dumb-init", &["x"], &[("DUMB_INIT_DEBUG", "1")]).level, Some(LevelFilter::Debug));
    assert_eq!(run("dumb-init", &["-v", "x"], &[]).level, Some(LevelFilter::Debug));
    let request = run("dumb-init", &["-r", "15:2", "--rewrite=10:0", "--rew", "1:31", "x"], &[]);
    let rewritten = [15, 10, 1, 3].map(|number| request.rewrites.apply(Signal::new(number).unwrap()));
    assert_eq!(rewritten, [Signal::new(2), None, Signal::new(31), Signal::new(3)]);
    for value in ["", "15", "15:", ":15", "0:15", "15:32", "32:15", "TERM:INT", "15:12:1", "-1:15"] {
        assert!(parse("dumb-init", &["-r", value, "x"], &[]).is_err(), "{value}");
    }
    assert!(parse("dumb-init", &["--ver", "x"], &[]).is_err(), "two begin like that");
    for line in [["-V"], ["--version"], ["-h"], ["--help"]] {
        assert!(
            matches!(parse("dumb-init", &line, &[]), Ok(Request::Show(Text::DumbInitHelp | Text::DumbInitVersion))),
            "{line:?}"
        );
    }
}

#[test]
fn catatonit() {
    let request = run("catatonit", &["-g", "x"], &[("CATATONIT_DEBUG", "")]);
    assert_eq!((request.group, request.orphans), (true, Orphans::Adopt));
    assert_eq!((request.level, request.on_exit), (Some(LevelFilter::Debug), Some(OnExit::Leave)));
    let request = run("catatonit", &["-P", "ignored"], &[]);
    assert!(request.pause && request.command.is_empty());
    assert!(parse("catatonit", &["x"], &[("CATATONIT_LOG", "")]).is_err());
    for line in [["-V"], ["--version"], ["--vers"], ["-L"]] {
        assert!(
            matches!(parse("catatonit", &line, &[]), Ok(Request::Show(Text::License | Text::CatatonitVersion))),
            "{line:?}"
        );
    }
}

#[test]
fn versions_are_what_others_parse() {
    let text = |name, line: &[&str]| match parse(name, line, &[]) {
        Ok(Request::Show(text)) => crate::cli::words_of(text).1,
        other => panic!("{other:?}"),
    };
    assert!(text("docker-init", &["--version"]).starts_with("tini version 0.19.0_pidone-"));
    assert!(text("catatonit", &["--version"]).starts_with("tini version "));
    assert_eq!(text("dumb-init", &["--version"]), "dumb-init v1.2.5\n");
}
