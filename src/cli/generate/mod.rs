//! Runs in: the unit tests, and nowhere else, so that no byte of it is in the binary. Makes the man page and the completions for
//! shells from the parser's own table, and compares them with the files below `docker/package/`.
//!
//! - [`manual`]: `pidone.1`, from `manual.1.in` and the texts of `--help`.
//! - [`bash`], [`zsh`], [`fish`]: the completions.

mod bash;
mod fish;
mod manual;
mod zsh;

use super::inspect;
use super::options::{Group, OPTIONS, OptionDoc};
use super::values;
use crate::capability;
use crate::namespace::Kind;
use crate::signal::Signal;
use std::path::Path;

/// A first word that is not the command, and what may follow it.
struct Verb {
    name: &'static str,
    summary: &'static str,
    operand: Operand,
    groups: &'static [Group],
    /// Options of these groups that it refuses all the same.
    refused: &'static [&'static str],
    /// Where it has a table of its own.
    own: &'static [OptionDoc],
}

/// What a verb's words are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Command,
    /// A process or a directory, and then a command.
    TargetAndCommand,
    Directory,
    /// A process, or nothing.
    Process,
}

/// A new verb wants a row here, and a `.SS` in `manual.1.in`; tests compare both with `--help`.
const VERBS: &[Verb] = &[
    Verb {
        name: "run",
        summary: "run a command under an init, as without a verb",
        operand: Operand::Command,
        groups: &[
            Group::Place,
            Group::Namespaces,
            Group::Files,
            Group::Signals,
            Group::Stopping,
            Group::Identity,
            Group::General,
        ],
        refused: &[],
        own: &[],
    },
    Verb {
        name: "enter",
        summary: "run a command in namespaces that are there",
        operand: Operand::TargetAndCommand,
        groups: &[
            Group::Enter,
            Group::Namespaces,
            Group::Signals,
            Group::Stopping,
            Group::Identity,
            Group::General,
        ],
        refused: &[
            "uts",
            "ipc",
            "net",
            "user",
            "cgroup",
            "time",
            "all",
            "hostname",
            "domainname",
            "monotonic",
            "boottime",
            "map-root",
            "map-current",
            "map-users",
            "map-groups",
            "map-auto",
            "proc",
            "propagation",
            "persist",
            "on-exit",
            "stop-all",
        ],
        own: &[],
    },
    Verb {
        name: "inspect",
        summary: "show what a process is as an init, and what is wrong",
        operand: Operand::Process,
        groups: &[],
        refused: &[],
        own: inspect::OPTIONS,
    },
    Verb {
        name: "probe",
        summary: "find out whether a command needs an init",
        operand: Operand::Command,
        groups: &[
            Group::Probe,
            Group::Namespaces,
            Group::Files,
            Group::Signals,
            Group::Stopping,
            Group::Identity,
            Group::General,
        ],
        refused: &["persist", "no-die-with-parent", "pdeathsig", "map-exit"],
        own: &[],
    },
    Verb {
        name: "release",
        summary: "drop the namespaces that --persist has kept",
        operand: Operand::Directory,
        groups: &[],
        refused: &[],
        own: &[],
    },
    Verb {
        name: "install-names",
        summary: "make links to pidone, named like other inits",
        operand: Operand::Directory,
        groups: &[],
        refused: &[],
        own: &[],
    },
];

impl Verb {
    /// Its options, in the order of the table. A verb without any has a help text at least.
    fn options(&self) -> Vec<&'static OptionDoc> {
        let has_none = self.groups.is_empty() && self.own.is_empty();
        let is_its = |option: &&OptionDoc| match has_none {
            true => option.long == "help",
            false => self.groups.contains(&option.group) && !self.refused.contains(&option.long),
        };
        OPTIONS.iter().filter(is_its).chain(self.own).collect()
    }
}

/// Every option of every verb, each once.
fn all_options() -> Vec<&'static OptionDoc> {
    let mut all: Vec<&OptionDoc> = Vec::new();
    for option in OPTIONS.iter().chain(VERBS.iter().flat_map(|verb| verb.own)) {
        if !all.iter().any(|known| known.long == option.long) {
            all.push(option);
        }
    }
    all
}

/// What to offer as the value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    /// It takes none.
    None,
    /// Nobody can know.
    Anything,
    Words(Vec<&'static str>),
    Signal,
    Signals,
    /// `FROM:TO`.
    SignalPair,
    Directory,
    File,
    /// `SRC:DST`.
    FileAndMore,
    UserAndGroup,
    Group,
    Groups,
    Capabilities,
    CapabilitiesOrAll,
    Kinds,
    Variable,
    /// `NAME=VALUE`.
    VariableAndValue,
    /// `NAME=SOFT:HARD`.
    Limit,
}

/// The form of a value that may be left out: `[=FILE]` after the option itself, `[SECONDS]` as the next word.
fn is_optional(option: &OptionDoc) -> bool {
    option.value.starts_with('[')
}

/// From the form of an option's value to what to offer; from its name where the form does not tell.
fn values_of(option: &OptionDoc) -> Values {
    match (option.long, option.value) {
        (_, "") => Values::None,
        ("rewrite", _) => Values::SignalPair,
        ("signals", _) => Values::Signals,
        ("groups", _) => Values::Groups,
        ("only", _) => Values::Kinds,
        ("drop-caps", _) => Values::CapabilitiesOrAll,
        ("keep-caps", _) => Values::Capabilities,
        ("rlimit", _) => Values::Limit,
        ("unset-env", _) => Values::Variable,
        (_, "NAME=VALUE") => Values::VariableAndValue,
        (_, "SIG") => Values::Signal,
        (_, "DIR") => Values::Directory,
        (_, "SRC:DST") => Values::FileAndMore,
        (_, "USER[:GROUP]") => Values::UserAndGroup,
        (_, "GROUP") => Values::Group,
        (_, form) if form.contains("FILE") || form.contains("PATH") => Values::File,
        (_, form) => {
            let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let words: Vec<_> = form.split('|').filter(is_word).collect();
            if words.is_empty() { Values::Anything } else { Values::Words(words) }
        }
    }
}

/// All that are forwarded, as `kill -l` names them, but without `SIG`.
fn signal_names() -> Vec<String> {
    let signals = (1..=64).filter_map(Signal::new).filter(|signal| signal.is_forwarded() && !signal.is_libcs());
    signals.map(|signal| signal.to_string().replace("SIG", "")).collect()
}

fn kind_names() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).collect()
}

fn resource_names() -> Vec<&'static str> {
    values::RESOURCES.iter().map(|(name, _)| *name).collect()
}

fn capability_names() -> Vec<&'static str> {
    capability::names().collect()
}

/// A word of a shell, in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The files, by their names below `docker/package/`.
fn files() -> [(&'static str, String); 4] {
    [
        ("pidone.1", manual::page()),
        ("pidone.bash", bash::script()),
        ("_pidone", zsh::script()),
        ("pidone.fish", fish::script()),
    ]
}

/// What a generated file says of itself, after its sign for comments.
const NOTICE: &str = "Made from src/cli/options.rs by src/cli/generate/; see README, \"Man page and completions\".";

#[test]
fn the_man_page_and_the_completions_are_those_of_the_table() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/package");
    let mut stale = Vec::new();
    for (name, text) in files() {
        let path = directory.join(name);
        if std::env::var_os("PIDONE_REGENERATE").is_some() {
            std::fs::write(&path, &text).expect("write a generated file");
        }
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "docker/package/: {stale:?}: not what the table of options makes of them. Write them anew, and look at the difference:\n    \
         PIDONE_REGENERATE=1 cargo test --release --lib generate && git diff docker/package"
    );
}

#[test]
fn verbs_are_those_of_help() {
    let mut named: Vec<_> = manual::usages().filter_map(|line| line.split(' ').nth(1)).collect();
    named.retain(|word| !word.starts_with('['));
    let mut verbs: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
    named.sort_unstable();
    verbs.sort_unstable();
    assert_eq!(verbs, named, "VERBS in src/cli/generate/mod.rs, and the usage in --help");
}

#[test]
fn what_a_verb_refuses_are_options() {
    for verb in VERBS {
        for refused in verb.refused {
            assert!(OPTIONS.iter().any(|option| option.long == *refused), "{}: {refused}", verb.name);
        }
    }
}

#[test]
fn words_are_told_from_forms() {
    let of = |long: &str| OPTIONS.iter().find(|option| option.long == long).map(values_of);
    assert_eq!(of("on-exit"), Some(Values::Words(vec!["kill", "term", "wait"])));
    assert_eq!(of("stop-timeout"), Some(Values::Anything));
    assert_eq!(of("group"), Some(Values::None));
}
