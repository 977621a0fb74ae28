//! Runs in: the unit tests, and nowhere else. The completion for fish.

use super::{
    NOTICE, Operand, VERBS, Values, all_options, capability_names, is_optional, kind_names, quoted, resource_names,
    signal_names, values_of,
};
use crate::cli::options::OptionDoc;

/// The script.
pub(super) fn script() -> String {
    let of_operand = |operand: Operand| {
        let names: Vec<_> = VERBS.iter().filter(|verb| verb.operand == operand).map(|verb| verb.name).collect();
        names.join(" ")
    };
    let verbs: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
    let described = VERBS.iter().map(|verb| {
        format!(
            "complete -c pidone -n __pidone_at_first -a {} -d {}\n",
            verb.name,
            quoted(verb.summary).replace("'\\''", "\\'")
        )
    });
    include_str!("pidone.fish.in")
        .replace("@NOTICE@", NOTICE)
        .replace("@VERBS@", &verbs.join(" "))
        .replace("@WITH_TARGET@", &of_operand(Operand::TargetAndCommand))
        .replace("@WITH_DIRECTORY@", &of_operand(Operand::Directory))
        .replace("@WITH_PROCESS@", &of_operand(Operand::Process))
        .replace("@WITH_VALUE@", &with_value())
        .replace("@SIGNALS@", &signal_names().join(" "))
        .replace("@CAPABILITIES@", &capability_names().join(" "))
        .replace("@KINDS@", &kind_names().join(" "))
        .replace("@RESOURCES@", &resource_names().join(" "))
        .replace("@DESCRIBED_VERBS@\n", &described.collect::<String>())
        .replace("@OPTIONS@\n", &all_options().into_iter().map(line).collect::<String>())
}

fn with_value() -> String {
    let takes = |option: &&&OptionDoc| !option.value.is_empty() && !is_optional(option);
    let all = all_options();
    let words: Vec<_> = all.iter().filter(takes).map(|option| format!("--{}", option.long)).collect();
    words.join(" ")
}

/// The `complete` of an option, for the verbs that have it.
fn line(option: &OptionDoc) -> String {
    let has_it = |verb: &&super::Verb| verb.options().iter().any(|own| own.long == option.long);
    let verbs: Vec<_> = VERBS.iter().filter(has_it).map(|verb| verb.name).collect();
    let short = option.short.map(|short| format!(" -s {short}")).unwrap_or_default();
    // -x: takes a value, which is no file; -r: one that may be.
    let value = match values_of(option) {
        Values::None => String::new(),
        _ if is_optional(option) => String::new(),
        Values::File | Values::FileAndMore => " -r -F".into(),
        values => action(&values).map_or(" -x".into(), |action| format!(" -x -a {}", in_quotes(&action))),
    };
    format!(
        "complete -c pidone -n '__pidone_takes_options {}'{short} -l {}{value} -d {}\n",
        verbs.join(" "),
        option.long,
        in_quotes(option.summary)
    )
}

/// In fish a backslash works within single quotes.
fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn action(values: &Values) -> Option<String> {
    Some(match values {
        Values::None | Values::Anything | Values::File | Values::FileAndMore => return None,
        Values::Words(words) => words.join(" "),
        Values::Signal => "(__pidone_signal)".into(),
        Values::Signals => "(__pidone_list all -- $__pidone_signals)".into(),
        Values::SignalPair => "(__pidone_signal_pair)".into(),
        Values::Directory => "(__fish_complete_directories)".into(),
        Values::UserAndGroup => "(__pidone_user_and_group)".into(),
        Values::Group => "(__fish_complete_groups)".into(),
        Values::Groups => "(__pidone_list none init -- (__fish_complete_groups))".into(),
        Values::Capabilities => "(__pidone_list -- $__pidone_capabilities)".into(),
        Values::CapabilitiesOrAll => "(__pidone_list all -- $__pidone_capabilities)".into(),
        Values::Kinds => "(__pidone_list -- $__pidone_kinds)".into(),
        Values::Variable => "(set -xn)".into(),
        Values::VariableAndValue => "(set -xn)=".into(),
        Values::Limit => "$__pidone_resources=".into(),
    })
}
