//! The completions for shells and the man page, as they are handed out. That they are those of the table of options, a test in
//! `src/cli/generate/` shows.

use crate::support::pty::Session;
use crate::support::{privilege, run, scratch, text};
use std::path::PathBuf;
use std::process::Command;

const BASH: &str = include_str!("../docker/package/pidone.bash");
const ZSH: &str = include_str!("../docker/package/_pidone");
const FISH: &str = include_str!("../docker/package/pidone.fish");
const MANUAL: &str = include_str!("../docker/package/pidone.1");

/// The text as a file that everyone can read.
fn file(test: &str, name: &str, text: &str) -> PathBuf {
    let path = scratch(test).join(name);
    std::fs::write(&path, text).expect("write a script");
    path
}

/// Whether a program takes a file without a complaint.
fn accepts(program: &str, options: &[&str], file: &PathBuf) {
    if privilege::has(program) {
        run(Command::new(program).args(options).arg(file)).exits(0).silently();
    }
}

#[test]
fn shells_take_the_completions_and_man_the_page() {
    accepts("bash", &["-n"], &file("syntax-bash", "pidone.bash", BASH));
    accepts("zsh", &["-n"], &file("syntax-zsh", "_pidone", ZSH));
    accepts("fish", &["--no-config", "-n"], &file("syntax-fish", "pidone.fish", FISH));
    let page = file("syntax-man", "pidone.1", MANUAL);
    // Its exit status is another for each level of complaint, of which style is the least.
    accepts("mandoc", &["-T", "lint", "-W", "style"], &page);
    accepts("man", &["--warnings", "-Tutf8", "-l"], &page);
}

/// What every shell is to offer at the end of a line, and what not.
const OFFERS: &[(&str, &[&str], &[&str])] = &[
    ("pidone --sto", &["--stop-timeout", "--stop-delay", "--stop-all"], &["--uid"]),
    ("pidone rele", &["release"], &["enter"]),
    ("pidone --on-exit ", &["kill", "term", "wait"], &["private"]),
    ("pidone --proc bi", &["bind"], &["fresh"]),
    ("pidone --ignore US", &["USR1", "USR2"], &["TERM"]),
    ("pidone probe --se", &["--settle"], &["--on-exit"]),
    ("pidone enter 1 --on", &["--only"], &["--on-exit"]),
    ("pidone inspect --", &["--tree", "--json"], &["--uid"]),
    ("pidone inspect 1 --tr", &["--tree"], &[]),
    ("pidone enter --n", &["--ns"], &["--net"]),
    ("pidone --keep-caps net_b", &["net_bind_service"], &["chown"]),
    ("pidone --rlimit nof", &["nofile="], &["core="]),
    ("pidone release /us", &["/usr"], &[]),
    ("pidone -- cat /us", &["/usr"], &["--uid"]),
    ("pidone cat --uid", &[], &["--uid"]),
];

fn check(shell: &str, line: &str, offered: &[String], (wanted, unwanted): (&[&str], &[&str])) {
    let has = |word: &str| offered.iter().any(|offer| offer.trim_end_matches('/') == word);
    for word in wanted {
        assert!(has(word), "{shell}: {line:?}: no {word:?} in {offered:?}");
    }
    for word in unwanted {
        assert!(!has(word), "{shell}: {line:?}: {word:?} in {offered:?}");
    }
}

/// Fills in what readline hands to a completion: it divides at `=` and `:`, too.
const LIKE_READLINE: &str = r#"
    source "$1"
    COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=()
    rest=$2
    while [[ $rest ]]; do
        case $rest in
            ' '*) rest=${rest# }; [[ $rest ]] || COMP_WORDS+=('') ;;
            [=:]*) word=${rest%%[!=:]*}; COMP_WORDS+=("$word"); rest=${rest#"$word"} ;;
            *) word=${rest%%[ =:]*}; COMP_WORDS+=("$word"); rest=${rest#"$word"} ;;
        esac
    done
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _pidone
    printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn bash_offers_options_verbs_and_values() {
    if !privilege::has("bash") {
        return;
    }
    let script = file("bash", "pidone.bash", BASH);
    let offered = |line: &str| -> Vec<String> {
        let said = text(Command::new("bash").args(["--norc", "-c", LIKE_READLINE, "-"]).arg(&script).arg(line));
        said.lines().map(ToOwned::to_owned).collect()
    };
    for (line, wanted, unwanted) in OFFERS {
        check("bash", line, &offered(line), (wanted, unwanted));
    }
    // What stands before the last = or : is not readline's to replace.
    let divided: &[(&str, &[&str])] = &[
        ("pidone --on-exit=t", &["term"]),
        ("pidone --on-exit=", &["kill", "term", "wait"]),
        ("pidone --rewrite TERM:QU", &["QUIT"]),
        ("pidone --rewrite=TERM:QU", &["QUIT"]),
        ("pidone --pdeathsig=SIGUS", &["SIGUSR1", "SIGUSR2"]),
        ("pidone enter 1 --only pid,m", &["pid,mnt"]),
    ];
    for (line, wanted) in divided {
        assert_eq!(offered(line), *wanted, "{line}");
    }
}

#[test]
fn fish_offers_options_verbs_and_values() {
    if !privilege::has("fish") {
        return;
    }
    let script = file("fish", "pidone.fish", FISH);
    for (line, wanted, unwanted) in OFFERS {
        // It wants a place for its state, which an ordinary user may not have.
        let mut command = Command::new("fish");
        command.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"]).arg(&script).arg(line);
        let said = text(command.env("HOME", scratch("fish-home")).env("PATH", "/usr/bin:/bin"));
        let offered: Vec<_> =
            said.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
        check("fish", line, &offered, (wanted, unwanted));
    }
}

#[test]
fn a_tab_in_a_real_bash_completes() {
    if !privilege::has("bash") {
        return;
    }
    let script = file("tab", "pidone.bash", BASH);
    let mut command = Command::new("bash");
    let mut session =
        Session::start(command.args(["--norc", "-i"]).env("PS1", "prompt> ").env("TERM", "dumb").env("HOME", "/"));
    session.expect("prompt> ");
    session.send(&format!(". {}\n", script.display()));
    session.expect("prompt> ");
    session.send("pidone --stop-t\t");
    session.expect("--stop-timeout ");
    session.send("5s --on-exit=te\t");
    session.expect("--on-exit=term ");
    session.send("--rewrite TERM:QU\t");
    session.expect("--rewrite TERM:QUIT ");
    session.hang_up();
}
