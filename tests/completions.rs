//! The completions for shells and the man page, as they are handed out. That they are those of the table of options, a test in
//! `src/cli/generate/` shows.

use crate::support::pty::Session;
use crate::support::{binary, eventually, pidone, privilege, run, scratch, text};
use std::collections::BTreeSet;
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

/// What every shell is to offer at the end of a line, and what not. Of a word with `:` or `,` in it, it is what follows the last.
const OFFERS: &[(&str, &[&str], &[&str])] = &[
    ("pidone --sto", &["--stop-timeout", "--stop-delay", "--stop-all"], &["--uid"]),
    ("pidone rele", &["release"], &["enter"]),
    ("pidone --on-exit ", &["kill", "term", "wait"], &["private"]),
    ("pidone --on-exit=t", &["term"], &["kill"]),
    ("pidone --proc bi", &["bind"], &["fresh"]),
    ("pidone --ignore US", &["USR1", "USR2"], &["TERM"]),
    ("pidone --pdeathsig=SIGUS", &["SIGUSR1", "SIGUSR2"], &["SIGTERM"]),
    ("pidone --rewrite TE", &["TERM:"], &["TERM"]),
    ("pidone --rewrite TERM:QU", &["QUIT"], &["HUP"]),
    ("pidone --rewrite=TERM:SIGQU", &["SIGQUIT"], &["QUIT"]),
    ("pidone --rewrite TERM:", &["0", "HUP"], &[]),
    ("pidone probe --se", &["--settle"], &["--on-exit"]),
    ("pidone probe --signals ", &["all", "TERM"], &[]),
    ("pidone probe --signals TERM,", &["INT"], &["all"]),
    ("pidone enter 1 --on", &["--only"], &["--on-exit"]),
    ("pidone enter 1 --only pid,m", &["mnt"], &["net"]),
    ("pidone inspect --", &["--tree", "--json"], &["--uid"]),
    ("pidone inspect 1 --tr", &["--tree"], &[]),
    ("pidone enter --n", &["--ns"], &["--net"]),
    ("pidone --keep-caps net_b", &["net_bind_service"], &["chown"]),
    ("pidone --keep-caps al", &[], &["all"]),
    ("pidone --drop-caps al", &["all"], &[]),
    ("pidone --rlimit nof", &["nofile="], &["core="]),
    ("pidone --uid roo", &["root"], &[]),
    ("pidone --uid www-data:roo", &["root"], &["www-data"]),
    ("pidone --groups in", &["init"], &["none"]),
    ("pidone --groups root,da", &["daemon"], &["init"]),
    ("pidone --bind /us", &["/usr"], &[]),
    ("pidone --bind /etc:/us", &["/usr"], &[]),
    ("pidone --ro-bind=/etc:/us", &["/usr"], &[]),
    ("pidone release /us", &["/usr"], &[]),
    ("pidone release --", &["--help"], &["--uid"]),
    ("pidone install-names -", &["--help", "-h"], &["--uid"]),
    ("pidone -- cat /us", &["/usr"], &["--uid"]),
    ("pidone cat --uid", &[], &["--uid"]),
    // Programs, and no keyword, builtin or function.
    ("pidone -- ec", &["echo"], &[]),
    ("pidone -- whil", &[], &["while"]),
    ("pidone -- unse", &[], &["unset"]),
    ("pidone -- _pido", &[], &["_pidone", "_pidone_value"]),
    ("pidone -- __pidone", &[], &["__pidone_value"]),
    ("pidone /usr/bin/en", &["/usr/bin/env"], &[]),
];

/// What stands before the last `:` or `,` in the last word of a line some shells offer again, and some do not.
fn without_beginning<'a>(offer: &'a str, line: &str) -> &'a str {
    let word = line.rsplit([' ', '=']).next().unwrap_or_default();
    let beginning = &word[..word.rfind([':', ',']).map_or(0, |at| at + 1)];
    offer.strip_prefix(beginning).unwrap_or(offer)
}

/// Holds what a shell offers against the table, and against the parser.
fn check(shell: &str, mut offers_at: impl FnMut(&str) -> Vec<String>) {
    for (line, wanted, unwanted) in OFFERS {
        let mut offered = offers_at(line);
        let words: Vec<_> =
            offered.iter().map(|offer| without_beginning(offer, line).trim_end_matches('/').to_owned()).collect();
        for word in *wanted {
            let count = words.iter().filter(|offer| offer == word).count();
            assert_eq!(count, 1, "{shell}: {line:?}: {word:?} in {offered:?}");
        }
        for word in *unwanted {
            assert!(!words.iter().any(|offer| offer == word), "{shell}: {line:?}: {word:?} in {offered:?}");
        }
        let count = offered.len();
        offered.sort();
        offered.dedup();
        assert_eq!(offered.len(), count, "{shell}: {line:?}: twice the same");
    }
    for (line, followed_by) in FULL_LISTS {
        let offered = offers_at(line);
        assert!(offered.len() > 1, "{shell}: {line:?}: {offered:?}");
        for offer in offered {
            let typed = format!("{line}{}{followed_by}", without_beginning(&offer, line));
            // A value that is not understood ends it before it comes to the help.
            let mut command = pidone(typed.split(' ').skip(1).chain(["--help"]));
            assert_eq!(run(&mut command).status.code(), Some(0), "{shell}: {typed:?} is offered, and refused");
        }
    }
}

/// Where all values of an option are offered: each must be one that pidone takes, with this after it.
const FULL_LISTS: &[(&str, &str)] = &[
    ("pidone --proc ", ""),
    ("pidone --propagation ", ""),
    ("pidone --on-exit ", ""),
    ("pidone --trace-format ", ""),
    ("pidone --ignore ", ""),
    ("pidone --pdeathsig ", ""),
    ("pidone --rewrite ", "TERM"),
    ("pidone --rewrite TERM:", ""),
    ("pidone --drop-caps ", ""),
    ("pidone --drop-caps chown,", ""),
    ("pidone --keep-caps ", ""),
    ("pidone --groups ", ""),
    ("pidone --uid ", ""),
    ("pidone --rlimit ", "1"),
    ("pidone probe --signals ", ""),
    ("pidone probe --signals TERM,", ""),
    ("pidone enter --only ", ""),
    ("pidone enter --only pid,", ""),
];

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
    if ((${#COMPREPLY[@]})); then printf '%s\n' "${COMPREPLY[@]}"; fi
"#;

#[test]
fn bash_offers_options_verbs_and_values_and_each_can_be_had() {
    if !privilege::has("bash") {
        return;
    }
    let script = file("bash", "pidone.bash", BASH);
    check("bash", |line| {
        let said = text(Command::new("bash").args(["--norc", "-c", LIKE_READLINE, "-"]).arg(&script).arg(line));
        said.lines().map(ToOwned::to_owned).collect()
    });
}

#[test]
fn fish_offers_options_verbs_and_values_and_each_can_be_had() {
    if !privilege::has("fish") {
        return;
    }
    let script = file("fish", "pidone.fish", FISH);
    // It wants a place for its state, which an ordinary user may not have.
    let home = scratch("fish-home");
    check("fish", |line| {
        let mut command = Command::new("fish");
        command.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"]).arg(&script).arg(line);
        let said = text(command.env("HOME", &home).env("PATH", "/usr/bin:/bin"));
        let mut offered: Vec<_> =
            said.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
        if line.contains("--") && line.contains('=') {
            let option = line.rsplit(' ').next().unwrap_or_default().split('=').next().unwrap_or_default();
            offered.iter_mut().for_each(|offer| {
                *offer = offer.strip_prefix(&format!("{option}=")).unwrap_or(offer).to_owned();
            });
        }
        offered
    });
}

/// What the completion system adds to its list goes into a file, too: `compadd -O` tells which of the words match. Then a
/// line that ends the answer.
const TOLD_BY_ZSH: &str = r#"
    fpath=($1 $fpath) answer=$2
    autoload -U compinit
    compinit -D -u
    compadd() {
        if (( ! $@[(I)-[OAD]*] )); then
            local -a offered
            builtin compadd -O offered "$@"
            local suffix=$@[$@[(I)-S]+1] directory=$@[$@[(I)-p]+1]
            (( $@[(I)-S] )) && [[ $suffix == [:=] ]] || suffix=
            (( $@[(I)-p] )) || directory=
            (( $#offered )) && print -rl -- $directory$^offered$suffix >>$answer
        fi
        builtin compadd "$@"
    }
    tell() {
        _main_complete
        print 'that is all' >>$answer
    }
    zle -C tell complete-word tell
    bindkey '^T' tell
    PROMPT='prompt> '
    print ready
"#;

#[test]
fn zsh_offers_options_verbs_and_values_and_each_can_be_had() {
    if !privilege::has("zsh") {
        return;
    }
    let script = file("zsh-function", "_pidone", ZSH);
    let setup = file("zsh", "setup.zsh", TOLD_BY_ZSH);
    let answer = setup.with_file_name("answer");
    let mut command = Command::new("zsh");
    let mut session = Session::start(command.args(["-f", "-i"]).env("TERM", "dumb").env("HOME", "/"));
    session.send(&format!(
        ". {} {} {}; print ze''ro\n",
        setup.display(),
        script.parent().unwrap().display(),
        answer.display()
    ));
    session.expect("ready\r\nzero");
    check("zsh", |line| {
        std::fs::write(&answer, "").expect("make the answer empty");
        session.send(&format!("\x15{line}\x14"));
        let said = eventually("zsh's answer", || {
            std::fs::read_to_string(&answer).ok().filter(|said| said.ends_with("that is all\n"))
        });
        // Of what is added twice it shows one.
        let offered: BTreeSet<_> = said.lines().filter(|line| *line != "that is all").collect();
        offered.into_iter().map(ToOwned::to_owned).collect()
    });
    session.hang_up();
}

/// Those of the four that can be asked here.
fn who_can_be_asked() -> Vec<&'static str> {
    let mut who = vec!["bash", "zsh", "fish", "man"];
    who.retain(|name| privilege::has(name));
    who.retain(|name| *name != "bash" || privilege::has_file("/usr/share/bash-completion/bash_completion"));
    who
}

/// Asks them by `installed.sh`, with a home of its own and pidone in the PATH: fish completes only what is there.
fn are_found(ask: &mut Command, home: &std::path::Path, who: &[&str]) {
    let path = format!("{}/.local/bin:{}:/usr/bin:/bin", home.display(), binary().parent().unwrap().display());
    let said = run(ask.args(who).env("HOME", home).env("PATH", path).current_dir(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(said.exits(0).stdout, "");
}

#[test]
fn what_is_installed_by_the_lines_of_readme_is_found() {
    let map: &[&str] = match (privilege::privileged(), privilege::user_namespaces()) {
        (true, _) => &[],
        (false, true) => &["--map-root"],
        (false, false) => return,
    };
    let who = who_can_be_asked();
    let begins = "sudo install -Dm644 docker/package/";
    let mut lines: Vec<_> = include_str!("../README.md").lines().filter(|line| line.starts_with(begins)).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    // Without fish there is no /etc/fish, and none is made here.
    lines.retain(|line| !line.contains("fish") || who.contains(&"fish"));
    let script =
        format!("set -e; {}; exec docker/package/installed.sh \"$@\"", lines.join("; ").replace("sudo ", ""));
    let mut ask = pidone(map);
    ask.args(["--tmpfs", "/usr/local/share"]);
    if who.contains(&"fish") {
        ask.args(["--tmpfs", "/etc/fish/completions"]);
    }
    are_found(ask.args(["--", "sh", "-c", &script, "sh"]), &scratch("installed-for-all"), &who);
}

#[test]
fn what_is_installed_at_home_where_readme_says_is_found() {
    let who: Vec<_> = who_can_be_asked().into_iter().filter(|name| *name != "zsh").collect();
    let home = scratch("installed-at-home");
    let readme = include_str!("../README.md");
    let places = [
        (".local/share/man/man1", "pidone.1", MANUAL),
        (".local/share/bash-completion/completions", "pidone", BASH),
        (".config/fish/completions", "pidone.fish", FISH),
    ];
    std::fs::create_dir_all(home.join(".local/bin")).expect("make a place for programs");
    for (place, name, content) in places {
        assert!(readme.contains(&format!("`~/{place}`")), "{place}");
        std::fs::create_dir_all(home.join(place)).expect("make a place");
        std::fs::write(home.join(place).join(name), content).expect("install it");
    }
    are_found(&mut Command::new("docker/package/installed.sh"), &home, &who);
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
