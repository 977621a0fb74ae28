//! Runs in: the unit tests, and nowhere else. The completion for bash; it takes bash 4.4, and uses bash-completion where that is there.

use super::{
    NOTICE, Operand, VERBS, Values, Verb, all_options, capability_names, is_optional, kind_names, resource_names,
    signal_names, values_of,
};
use crate::cli::options::OptionDoc;
use std::fmt::Write as _;

/// The script.
pub(super) fn script() -> String {
    let verbs: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
    let of_operand = |operand: Operand| {
        let names: Vec<_> = VERBS.iter().filter(|verb| verb.operand == operand).map(|verb| verb.name).collect();
        names.join("|")
    };
    include_str!("pidone.bash.in")
        .replace("@NOTICE@", NOTICE)
        .replace("@VERBS@", &verbs.join(" "))
        .replace("@VERB_PATTERN@", &verbs.join("|"))
        .replace("@WITH_TARGET@", &of_operand(Operand::TargetAndCommand))
        .replace("@WITH_COMMAND@", &of_operand(Operand::Command))
        .replace("@WITH_DIRECTORY@", &of_operand(Operand::Directory))
        .replace("@WITH_PROCESS@", &of_operand(Operand::Process))
        .replace("@SIGNALS@", &signal_names().join(" "))
        .replace("@CAPABILITIES@", &capability_names().join(" "))
        .replace("@KINDS@", &kind_names().join(" "))
        .replace("@RESOURCES@", &resource_names().join(" "))
        .replace("@OPTIONS_OF_VERBS@\n", &VERBS.iter().map(options_of).collect::<String>())
        .replace("@WITH_VALUE@", &with_value())
        .replace("@VALUES@\n", &values())
}

/// An arm that names a verb's options.
fn options_of(verb: &Verb) -> String {
    let mut words: Vec<String> = Vec::new();
    for option in verb.options() {
        words.extend(option.short.map(|short| format!("-{short}")));
        words.push(format!("--{}", option.long));
    }
    format!("        {}) echo '{}' ;;\n", verb.name, words.join(" "))
}

/// The options whose value is the next word, as a pattern.
fn with_value() -> String {
    let takes = |option: &&&OptionDoc| !option.value.is_empty() && !is_optional(option);
    let all = all_options();
    let words: Vec<_> = all.iter().filter(takes).map(|option| format!("--{}", option.long)).collect();
    words.join("|")
}

/// An arm for each kind of value, with the options that take it.
fn values() -> String {
    let mut arms: Vec<(String, Vec<String>)> = Vec::new();
    for option in all_options() {
        let Some(action) = action(&values_of(option)) else { continue };
        let name = format!("--{}", option.long);
        match arms.iter_mut().find(|(known, _)| *known == action) {
            Some((_, names)) => names.push(name),
            None => arms.push((action, vec![name])),
        }
    }
    arms.iter().fold(String::new(), |mut text, (action, names)| {
        let _ = writeln!(text, "        {}) {action} ;;", names.join(" | "));
        text
    })
}

fn action(values: &Values) -> Option<String> {
    Some(match values {
        Values::None | Values::Anything => return None,
        Values::Words(words) => format!("_pidone_words '{}' \"$2\"", words.join(" ")),
        Values::Signal => "_pidone_signal \"$2\"".into(),
        Values::Signals => "_pidone_list all \"$_pidone_signals\" \"$2\"".into(),
        Values::SignalPair => "_pidone_signal_pair \"$2\"".into(),
        Values::Directory => "_pidone_files -d \"$2\"".into(),
        Values::File => "_pidone_files -f \"$2\"".into(),
        Values::FileAndMore => "_pidone_file_pair \"$2\"".into(),
        Values::UserAndGroup => "_pidone_user_and_group \"$2\"".into(),
        Values::Group => "_pidone_words \"$(compgen -g)\" \"$2\"".into(),
        Values::Groups => "_pidone_list 'none init' \"$(compgen -g)\" \"$2\"".into(),
        Values::Capabilities => "_pidone_list '' \"$_pidone_capabilities\" \"$2\"".into(),
        Values::CapabilitiesOrAll => "_pidone_list all \"$_pidone_capabilities\" \"$2\"".into(),
        Values::Kinds => "_pidone_list '' \"$_pidone_kinds\" \"$2\"".into(),
        Values::Variable => "_pidone_words \"$(compgen -A export)\" \"$2\"".into(),
        Values::VariableAndValue => "_pidone_name_and_value \"$(compgen -A export)\" \"$2\"".into(),
        Values::Limit => "_pidone_name_and_value \"$_pidone_resources\" \"$2\"".into(),
    })
}
