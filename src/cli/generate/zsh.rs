//! Runs in: the unit tests, and nowhere else. The completion for zsh.

use super::{
    NOTICE, Operand, VERBS, Values, Verb, capability_names, is_optional, kind_names, quoted, resource_names,
    signal_names, values_of,
};
use crate::cli::options::OptionDoc;
use std::fmt::Write as _;

/// The script.
pub(super) fn script() -> String {
    let verbs: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
    let with_target = VERBS.iter().filter(|verb| verb.operand == Operand::TargetAndCommand);
    let with_target: Vec<_> = with_target.map(|verb| verb.name).collect();
    let described: Vec<_> = VERBS.iter().map(|verb| quoted(&format!("{}:{}", verb.name, verb.summary))).collect();
    include_str!("_pidone.in")
        .replace("@NOTICE@", NOTICE)
        .replace("@VERB_PATTERN@", &verbs.join("|"))
        .replace("@WITH_TARGET@", &with_target.join("|"))
        .replace("@DESCRIBED_VERBS@", &described.join(" "))
        .replace("@SIGNALS@", &signal_names().join(" "))
        .replace("@CAPABILITIES@", &capability_names().join(" "))
        .replace("@KINDS@", &kind_names().join(" "))
        .replace("@RESOURCES@", &resource_names().join(" "))
        .replace("@VERBS@\n", &VERBS.iter().map(arm).collect::<String>())
}

/// A verb's options and operands.
fn arm(verb: &Verb) -> String {
    let mut text = format!("        {})\n            arguments=(\n", verb.name);
    for option in verb.options() {
        for spec in specs(option) {
            let _ = writeln!(text, "                {}", quoted(&spec));
        }
    }
    text += "            )\n";
    let operands: &[&str] = match verb.operand {
        Operand::Command => &["(-):command:_pidone_first", "*::arguments:_normal"],
        Operand::TargetAndCommand => &["1:process or directory:_pidone_target"],
        Operand::Directory => &["1:directory:_files -/"],
        Operand::Process => &["1:process:_pids"],
    };
    let operands: Vec<_> = operands.iter().map(|operand| quoted(operand)).collect();
    let _ = writeln!(text, "            (( $#operands )) || operands=({})", operands.join(" "));
    // Those of inspect may stand anywhere.
    let ends = if verb.operand == Operand::Process { "            ends=()\n" } else { "" };
    text + ends + "            ;;\n"
}

/// One for each spelling. All may be repeated.
fn specs(option: &OptionDoc) -> Vec<String> {
    let summary = option.summary.replace(']', "\\]");
    let mut specs = Vec::new();
    specs.extend(option.short.map(|short| format!("*-{short}[{summary}]")));
    let message = option.value.trim_start_matches(['[', '=']).trim_end_matches(']').replace(':', "\\:");
    let is_attached = if is_optional(option) { "=-" } else { "=" };
    specs.push(match action(&values_of(option)) {
        None if option.value.is_empty() => format!("*--{}[{summary}]", option.long),
        action => {
            let colon = if is_optional(option) { "::" } else { ":" };
            format!("*--{}{is_attached}[{summary}]{colon}{message}:{}", option.long, action.unwrap_or_default())
        }
    });
    specs
}

fn action(values: &Values) -> Option<String> {
    Some(match values {
        Values::None | Values::Anything => return None,
        Values::Words(words) => format!("({})", words.join(" ")),
        Values::Signal => "_pidone_signal".into(),
        Values::Signals => "_pidone_signals".into(),
        Values::SignalPair => "_pidone_signal_pair".into(),
        Values::Directory => "_files -/".into(),
        Values::File => "_files".into(),
        Values::FileAndMore => "_pidone_file_pair".into(),
        Values::UserAndGroup => "_pidone_user_and_group".into(),
        Values::Group => "_groups".into(),
        Values::Groups => "_pidone_groups".into(),
        Values::Capabilities => "_sequence _pidone_capability".into(),
        Values::CapabilitiesOrAll => "_pidone_capabilities".into(),
        Values::Kinds => "_sequence _pidone_kind".into(),
        Values::Variable => "_parameters -g \"*export*\"".into(),
        Values::VariableAndValue => "_parameters -g \"*export*\" -S =".into(),
        Values::Limit => "_pidone_limit".into(),
    })
}
