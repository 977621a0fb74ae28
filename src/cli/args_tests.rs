//! Runs in: the test harness. Tables of command lines and what they mean.

use super::*;
use crate::cli::options::{Group, OPTIONS, OptionDoc};
use crate::request::{Groups, Identity, StopRules, Target, TraceTo};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

fn words<'a>(line: &'a [&'a str]) -> Vec<&'a OsStr> {
    line.iter().map(OsStr::new).collect()
}

fn run(line: &[&str]) -> RunRequest {
    run_with(line, None)
}

fn run_with(line: &[&str], environment: Option<&str>) -> RunRequest {
    match parse(&words(line), environment.map(OsStr::new)) {
        Ok(Request::Run(request) | Request::Probe(request)) => *request,
        other => panic!("{line:?}: {other:?}"),
    }
}

fn shows(text: Text) -> Result<Request, UsageError> {
    Ok(Request::Show(text))
}

fn message(line: &[&str], environment: Option<&str>) -> String {
    parse(&words(line), environment.map(OsStr::new)).expect_err(&format!("{line:?}")).message.clone()
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
    assert_eq!(run(&["ls", "-v"]).level, None, "PITFALLS B36: the command's own -v");
}

#[test]
fn every_option_sets_what_it_names() {
    assert_eq!(run(&["--in-place", "x"]).place, Some(Place::InPlace));
    assert_eq!(run(&["--isolate", "x"]).place, Some(Place::Isolated));
    assert_eq!(run(&["--as-pid1", "x"]).place, Some(Place::Bare));
    assert_eq!(run(&["x"]).place, None);
    assert_eq!(run(&["--map-root", "x"]).namespaces.map.caller, Some(Caller::Root));
    assert_eq!(run(&["--map-current", "x"]).namespaces.map.caller, Some(Caller::Current));
    assert!(run(&["--no-die-with-parent", "x"]).no_die_with_parent);
    assert!(run(&["-g", "x"]).group && run(&["--group", "x"]).group && !run(&["x"]).group);
    assert_eq!(run(&["-v", "x"]).level, Some(LevelFilter::Info));
    assert_eq!(run(&["-vgv", "--verbose", "x"]).level, Some(LevelFilter::Trace));
    assert_eq!(run(&["-vvvvvv", "x"]).level, Some(LevelFilter::Trace));
    for (word, meaning) in ["fresh", "bind", "none"].iter().zip(PROC_MOUNTS) {
        assert_eq!(run(&["--proc", word, "x"]).proc, Some(*meaning));
        assert_eq!(run(&[&format!("--proc={word}"), "x"]).proc, Some(*meaning));
    }
    for (word, meaning) in ["private", "slave", "shared", "unchanged"].iter().zip(PROPAGATIONS) {
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
    assert_eq!(parse(&words(&["-h", "--nonsense"]), None), shows(Text::ShortHelp));
    assert_eq!(parse(&words(&["--help"]), None), shows(Text::LongHelp));
    assert_eq!(parse(&words(&["-g", "--version", "x"]), None), shows(Text::Version));
}

#[test]
fn texts_do_not_mind_a_bad_environment() {
    assert_eq!(parse(&words(&["--version"]), Some(OsStr::new("--odd"))), shows(Text::Version));
    assert_eq!(parse(&words(&["-h"]), Some(OsStr::new("'"))), shows(Text::ShortHelp));
}

#[test]
fn pidone_options_are_split_as_a_shell_does() {
    let request = run_with(&["x"], Some(" -g  '--proc' \"no\"ne -\\v "));
    assert!(request.group);
    assert_eq!((request.proc, request.level), (Some(ProcMount::None), Some(LevelFilter::Info)));
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
        (&["--hostname", "--", "true"], None, "this option needs a value: --hostname"),
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
    let Ok(Request::Run(request)) = parse(&[&odd, &odd], None) else { panic!() };
    assert_eq!(request.command, [odd.clone(), odd]);
}

/// A value of the form that the table gives.
fn example(option: &OptionDoc) -> &str {
    match (option.long, option.value) {
        ("map-exit", _) => "143:0",
        (_, "IN:OUT:COUNT") => "0:1000:1",
        (_, "NAME") => "x",
        (_, "SECONDS") => "-1.5",
        (_, "SRC:DST") => "/a:/b",
        (_, "DST[:SIZE]") => "/a:1m",
        (_, "DST" | "PATH") => "/a",
        (_, "FROM:TO") => "TERM:QUIT",
        (_, "SIG") => "HUP",
        (_, "DUR") => "1s",
        (_, "USER[:GROUP]" | "GROUP") => "0",
        (_, "LIST") => "kill",
        (_, "MODE") => "022",
        (_, "DIR") => "/",
        (_, "NAME=VALUE") => "A=b",
        (_, "N") => "5",
        (_, "NAME=SOFT[:HARD]") => "nofile=10:20",
        (_, "LIST|none|init") => "none",
        (_, "LIST|all") => "all",
        (_, words) => words.split('|').next().unwrap(),
    }
}

#[test]
fn every_option_of_the_table_means_something() {
    let elsewhere = ["help", "version", "pause", "ns", "only", "trace"];
    for option in OPTIONS.iter().filter(|option| !elsewhere.contains(&option.long)) {
        let verb = if option.group == Group::Probe { "probe" } else { "run" };
        for spelling in option.spellings() {
            let mut line = vec![verb, spelling.as_str()];
            line.extend(Some(example(option)).filter(|_| !option.value.is_empty()));
            line.push("x");
            assert_ne!(run(&line), run(&[verb, "x"]), "{line:?}");
            let in_environment = line[1..line.len() - 1].join(" ");
            assert_eq!(run_with(&[verb, "x"], Some(&in_environment)), run(&line), "{line:?}");
        }
    }
}

#[test]
fn a_trace_goes_to_stderr_or_where_a_word_behind_an_equals_sign_says() {
    let to = |line: &[&str]| run(line).trace;
    assert_eq!(to(&["--trace", "x"]), Some(TraceTo::Descriptor(2)));
    assert_eq!(run(&["--trace", "fd:3", "x"]).command, ["fd:3", "x"], "only behind an equals sign");
    for (word, expected) in [
        ("fd:0", TraceTo::Descriptor(0)),
        ("fd:63", TraceTo::Descriptor(63)),
        ("/dev/fd/63", TraceTo::Descriptor(63)),
        ("/dev/stderr", TraceTo::Descriptor(2)),
        ("/dev/stdout", TraceTo::Descriptor(1)),
        ("./fd:3", TraceTo::File("./fd:3".into())),
        ("a=b", TraceTo::File("a=b".into())),
    ] {
        assert_eq!(to(&[&format!("--trace={word}"), "x"]), Some(expected), "{word}");
    }
    for word in ["", "fd:", "fd:x", "fd:-1", "fd:+1", "/dev/fd/x"] {
        let expected = format!("--trace does not know this value: {word}");
        assert_eq!(message(&[&format!("--trace={word}"), "x"], None), expected);
    }
    assert_eq!(to(&["--trace=a", "--trace=b", "x"]), Some(TraceTo::File("b".into())), "the last word counts");
    assert_eq!(run(&["--trace-format", "chrome", "x"]).trace_format, Some(TraceFormat::Chrome));
}

#[test]
fn a_pause_takes_no_command() {
    assert!(run(&["--pause"]).pause);
    assert_eq!(message(&["--pause", "x"], None), "--pause runs no command, and there is one");
    assert_eq!(message(&["x"], Some("--pause")), "--pause runs no command, and there is one");
}

#[test]
fn stopping_is_understood() {
    let stop = |line: &[&str]| run(line).stop;
    assert_eq!(stop(&["x"]), StopRules::NONE);
    let all = stop(&["--stop-timeout", "1.5s", "--stop-delay=250ms", "--stop-all", "x"]);
    let expected = (Some(Duration::from_millis(1500)), Some(Duration::from_millis(250)), true);
    assert_eq!((all.timeout, all.delay, all.all), expected);
    for (word, meaning) in ["kill", "term", "wait"].iter().zip(ON_EXITS) {
        assert_eq!(run(&["--on-exit", word, "x"]).on_exit, Some(*meaning));
    }
    assert_eq!(run(&["--pdeathsig", "RTMIN+1", "x"]).parent_death, Signal::new(35));
    assert_eq!(run(&["--pdeathsig", "KILL", "x"]).parent_death, Some(Signal::KILL));
    assert_eq!(message(&["--pdeathsig", "CHLD", "x"], None), "--pdeathsig does not know this value: CHLD");
    assert_eq!(message(&["--stop-timeout", "-1", "x"], None), "--stop-timeout does not know this value: -1");
    assert_eq!(message(&["--on-exit", "leave", "x"], None), "--on-exit does not know this value: leave");
}

#[test]
fn identities_are_understood() {
    let identity = |line: &[&str]| run(line).identity;
    assert_eq!(identity(&["x"]), Identity::default());
    let who = identity(&["--uid", "www", "--gid=7", "--groups", "a,8", "--no-new-privs", "x"]);
    assert_eq!((who.user.as_deref(), who.group.as_deref(), who.no_new_privs), (Some("www"), Some("7"), true));
    assert_eq!(who.groups, Some(Groups::List(vec!["a".into(), "8".into()])));
    let who = identity(&["--gid", "7", "--uid", "www:adm", "x"]);
    assert_eq!((who.user.as_deref(), who.user_group.as_deref()), (Some("www"), Some("adm")));
    let who = identity(&["--uid", "www:adm", "--uid", "games", "x"]);
    assert_eq!((who.user.as_deref(), who.user_group, who.group), (Some("games"), None, None));
    let limits = identity(&["--rlimit", "nofile=9:10", "--rlimit", "core=1", "--rlimit", "nofile=5:", "x"]).limits;
    let limits: Vec<_> = limits.iter().map(|limit| (limit.name, limit.soft, limit.hard)).collect();
    assert_eq!(limits, [("nofile", Some(5), Some(10)), ("core", Some(1), Some(1))]);
    let caps = identity(&["--drop-caps", "kill", "--drop-caps", "chown", "--keep-caps=net_raw", "x"]);
    assert_eq!((caps.drop_caps.0, caps.keep_caps.map(|set| set.0)), (1 << 5 | 1, Some(1 << 13)));
    let bounds: &[(&[&str], bool)] = &[
        (&["--nice", "-20"], true),
        (&["--nice", "19"], true),
        (&["--nice", "20"], false),
        (&["--nice", "+3"], false),
        (&["--map-exit", "+1:2"], false),
        (&["--nice=-21"], false),
        (&["--oom-score-adj", "-1000"], true),
        (&["--oom-score-adj", "1001"], false),
        (&["--umask", "0777"], true),
        (&["--umask", "1000"], false),
        (&["--env", "A="], true),
        (&["--env", "A"], false),
        (&["--env", "=A"], false),
        (&["--unset-env", "A=1"], false),
        (&["--unset-env", ""], false),
        (&["--workdir", ""], false),
        (&["--uid", ""], false),
        (&["--uid", "a:"], false),
        (&["--uid", ":b"], false),
        (&["--groups", ""], false),
        (&["--drop-caps", "cap_nope"], false),
        (&["--keep-caps", "all"], false),
        (&["--rlimit", "nofile=20:10"], false),
        (&["--argv0", ""], true),
    ];
    for (options, is_good) in bounds {
        let line = [options, &["x"][..]].concat();
        assert_eq!(parse(&words(&line), None).is_ok(), *is_good, "{options:?}");
    }
}

#[test]
fn a_target_is_a_process_a_directory_or_files() {
    let enter = |line: &[&str]| match parse(&words(line), None) {
        Ok(Request::Enter(target, request)) => (target, request.command.join(OsStr::new(" "))),
        other => panic!("{line:?}: {other:?}"),
    };
    let table: &[(&[&str], Target, &str)] = &[
        (&["enter", "7"], Target::Process(7), ""),
        (&["enter", "7", "ls", "-l"], Target::Process(7), "ls -l"),
        (&["enter", "-g", "7", "--uid", "1", "--", "ls", "--"], Target::Process(7), "ls --"),
        (&["enter", "./d", "ls"], Target::Kept("./d".into()), "ls"),
        (&["enter", "--ns", "a", "--ns=b", "--", "7"], Target::Files(vec!["a".into(), "b".into()]), "7"),
    ];
    for (line, target, command) in table {
        assert_eq!(enter(line), (target.clone(), command.into()), "{line:?}");
    }
    for line in [&["enter"][..], &["enter", "0"], &["enter", "-7"], &["enter", "d"], &["enter", "7", "--frob"]] {
        assert!(parse(&words(line), None).is_err(), "{line:?}");
    }
    assert_eq!(parse(&words(&["release", "/d"]), None), Ok(Request::Release("/d".into())));
    assert_eq!(message(&["release"], None), "release takes one directory");
}

#[test]
fn names_are_installed_into_one_directory() {
    assert_eq!(parse(&words(&["install-names", "/d"]), None), Ok(Request::InstallNames("/d".into())));
    for line in [&["install-names"][..], &["install-names", "a", "b"], &["install-names", "-x"]] {
        assert_eq!(message(line, None), "install-names takes one directory");
    }
    assert_eq!(run(&["--", "install-names", "x"]).command, ["install-names", "x"]);
}
