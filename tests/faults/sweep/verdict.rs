//! Whether a run with a fault is as it has to be.

use super::calls;
use super::case::Case;
use super::run::{PROCESS_LEFT, Run, TERMINAL_NOT_BACK};
use super::scenes::Start;

/// The ways in which it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call was not made so often this time.
    Unreached,
    /// The workload ran, and ended as it would have without the fault.
    CarriedOn,
    /// It did not run, and pidone has said why.
    Refused,
    /// It ran, but pidone could not know of its end, or could not send it the signal to stop; and has said so.
    GaveUp,
}

/// The workload's own status, at the end of all steps.
pub const ITS_OWN: i32 = 7;

/// What pidone has written to stderr, by kind.
#[derive(Default)]
pub struct Told<'a> {
    pub messages: Vec<&'a str>,
    pub hints: Vec<&'a str>,
    pub warnings: Vec<&'a str>,
    pub errors: Vec<&'a str>,
    pub strange: Vec<&'a str>,
}

impl<'a> Told<'a> {
    pub fn is_nothing(&self) -> bool {
        [&self.messages, &self.hints, &self.warnings, &self.errors, &self.strange]
            .iter()
            .all(|lines| lines.is_empty())
    }

    pub fn read(stderr: &'a str) -> Self {
        let mut told = Told::default();
        for line in stderr.lines() {
            let kind = if line.starts_with("pidone: ") {
                &mut told.messages
            } else if line.starts_with("hint: ") {
                &mut told.hints
            } else if line.starts_with("pidone[") && line.contains("] warn: ") {
                &mut told.warnings
            } else if line.starts_with("pidone[") && line.contains("] error: ") {
                &mut told.errors
            } else {
                &mut told.strange
            };
            kind.push(line);
        }
        told
    }
}

/// A complaint, unless this holds.
fn unless(holds: bool, complaint: &str) -> Option<String> {
    (!holds).then(|| complaint.to_owned())
}

/// # Errors
/// All that is wrong.
pub fn judge(case: &Case, run: &Run) -> Result<Verdict, String> {
    let told = Told::read(&run.stderr);
    let has_warned = |of: &str| has(&told.warnings, of);
    let is_passing = calls::is_passing(&case.call, case.errno);
    let loses_children = calls::loses_children(&case.call, case.errno);
    let mut wrong = run.left.clone();
    // There is no other way to give it back.
    wrong.retain(|left| !(left.starts_with(TERMINAL_NOT_BACK) && case.call == "ioctl"));
    // See README, Limitations: a subreaper finds its descendants by /proc.
    wrong.retain(|left| !(left.starts_with(PROCESS_LEFT) && (loses_children || has_warned("cannot be found"))));
    // The workload has run: its namespaces are kept, as was asked for.
    wrong.retain(|left| !(loses_children && left.contains("/kept")));
    wrong.extend(told.strange.iter().map(|line| format!("neither message nor warning: {line}")));
    match run.status {
        // It is among what is left.
        None => {}
        Some(ITS_OWN) => {
            wrong.extend(unless(run.said.len() == 3, "the workload has not gone through all steps"));
            wrong.extend(unless(told.messages.is_empty(), "a message, though the workload ran"));
            wrong.extend(unless(!is_passing || told.is_nothing(), "warns of what passes"));
            // A job that does not stop, or only later, when its workload has stopped is still there to be continued.
            let is_own_stop = case.scene.start == Start::OnTerminal
                && matches!(case.call.as_str(), "kill" | "read" | "rt_sigprocmask");
            let may_repeat = is_own_stop || (!is_passing && !told.warnings.is_empty());
            wrong.extend(unless(run.repeats == 0 || may_repeat, "a signal was lost without a warning"));
        }
        Some(125) if loses_children => {
            let is_told = !told.errors.is_empty() || !told.warnings.is_empty();
            wrong.extend(unless(is_told && told.messages.is_empty(), "gives up without saying why"));
        }
        Some(status @ 125..=127) => {
            wrong.extend(unless(run.said.is_empty(), "has failed, though the workload ran"));
            wrong.extend(unless(!is_passing, "gives up for what passes"));
            let is_exec = matches!(case.call.as_str(), "execve" | "access");
            wrong.extend(unless(status == 125 || is_exec, "a status that only exec has"));
            wrong.extend(of_message(case, &told));
        }
        // SIGTERM could not be sent, and SIGKILL came when the time was up.
        Some(137) if has_warned("the workload still ran") => {
            wrong.extend(unless(has_warned("cannot send SIGTERM"), "a stop was lost without a warning"));
        }
        Some(status) => wrong.push(format!("status {status}")),
    }
    match run.status {
        _ if !wrong.is_empty() => Err(wrong.join("; ")),
        _ if run.hits == 0 => Ok(Verdict::Unreached),
        Some(ITS_OWN) => Ok(Verdict::CarriedOn),
        Some(125..=127) if !loses_children => Ok(Verdict::Refused),
        _ => Ok(Verdict::GaveUp),
    }
}

/// One line with stage, object and errno, and at most one hint.
fn of_message(case: &Case, told: &Told) -> Option<String> {
    let [message] = told.messages[..] else { return Some(format!("{} messages", told.messages.len())) };
    // One half may have only seen the other one give up; which then warns, if it is not the one that speaks.
    let name = format!("({:?})", case.errno);
    let is_second_hand = message.ends_with("(ECANCELED)") && matches!(case.call.as_str(), "read" | "write");
    let is_named = message.ends_with(&name) || has(&told.warnings, &name) || is_second_hand;
    unless(told.hints.len() <= 1, "more than one hint")
        .or_else(|| unless(message.split(": ").count() > 2, "no stage or no object in the message"))
        .or_else(|| {
            unless(is_named || calls::is_renamed(&case.call, case.errno), "the message names another error")
        })
}

fn has(lines: &[&str], what: &str) -> bool {
    lines.iter().any(|line| line.contains(what))
}
