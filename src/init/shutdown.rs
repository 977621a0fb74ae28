//! Runs in: init, when the workload is gone. What becomes of the other processes (`--on-exit`).

use super::supervise::{Above, end_if_outer_is_gone};
use crate::forward::Forwarder;
use crate::logging::warn;
use crate::others::{Left, Others};
use crate::request::OnExit;
use crate::signal::{Signal, WATCH};
use crate::stop;
use crate::sys::{Moment, Recipient, SignalInfo};
use crate::trace::{Done, Why};
use std::time::Duration;

/// How long `--on-exit term` waits where `--stop-timeout` does not say.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Sees off whoever is left, as `policy` wants it, and returns when init may end. `grace` is what `--stop-timeout` says.
pub(super) fn see_off<'a>(
    policy: OnExit,
    grace: Option<Duration>,
    others: &'a Others<'a>,
    forwarder: &mut Forwarder<'a>,
    above: &mut Above<'_>,
) {
    match policy {
        OnExit::Leave => {}
        OnExit::TermGroup => forwarder.say_goodbye(),
        OnExit::Kill => {
            forwarder.turn_to_nobody();
            kill(others, None, forwarder, above);
        }
        OnExit::Wait => {
            forwarder.turn_to(others);
            wait(others, forwarder, above, None);
        }
        OnExit::Term => {
            forwarder.turn_to(others);
            // It was for the workload, which has ended in time.
            forwarder.call_off_stop();
            signal_all(Signal::TERM, Why::OnExit, others, forwarder);
            let grace = grace.unwrap_or(DEFAULT_GRACE);
            if !wait(others, forwarder, above, Some(Moment::after(grace))) {
                forwarder.trace.timed_out(Signal::TERM, grace);
                warn!("some still ran {} after SIGTERM: killed {}", stop::text(grace), others.names());
                forwarder.turn_to_nobody();
                kill(others, Some(Why::StopTimeout), forwarder, above);
            }
        }
    }
}

/// Sends `signal` to whoever is left, and tells the trace to whom.
fn signal_all(signal: Signal, why: Why, others: &Others<'_>, forwarder: &Forwarder<'_>) {
    let names = forwarder.trace.is_on().then(|| others.names());
    if others.signal(signal)
        && let Some(names) = names
    {
        forwarder.trace.killed(signal, Recipient::Everyone, why, &names);
    }
}

/// How often to look for those whose end raises no SIGCHLD here.
const LOOK_FOR_STRANGERS: Duration = Duration::from_millis(100);
/// How long after a look that found nobody to look once more.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Waits until nobody is left; false if that has not happened by `deadline`. Signals go to all that are left.
fn wait(
    others: &Others<'_>,
    forwarder: &mut Forwarder<'_>,
    above: &mut Above<'_>,
    deadline: Option<Moment>,
) -> bool {
    let mut was_unsure = false;
    loop {
        let left = others.left();
        if left == Left::Nobody || (left == Left::Unsure && was_unsure) {
            return true;
        }
        was_unsure = left == Left::Unsure;
        let look_again = match left {
            Left::Stranger => Some(Moment::after(LOOK_FOR_STRANGERS)),
            Left::Unsure => Some(Moment::after(LOOK_AGAIN)),
            Left::Somebody | Left::Nobody => None,
        };
        match forwarder.next_before(look_again.into_iter().chain(deadline).min()) {
            None if deadline.is_some_and(Moment::is_past) => return false,
            None => {}
            Some(info) => pass(info, others, forwarder, above),
        }
    }
}

/// A signal that came while init stays on for others.
fn pass(info: SignalInfo, others: &Others<'_>, forwarder: &mut Forwarder<'_>, above: &mut Above<'_>) {
    match info.signal() {
        Some(Signal::CHLD) => {}
        Some(WATCH | Signal::IO) if info.is_from_kernel() && end_if_outer_is_gone(above) => {}
        // Ctrl-Z: with a shell above this is still its job; with none it would freeze them for good.
        Some(Signal::TSTP) if info.is_from_kernel() => {
            if let Above::Shell(job) = above {
                forwarder.trace.signal(&info, Done::Forwarded(Signal::TSTP), Some(Recipient::Everyone));
                others.signal(Signal::TSTP);
                job.stop(Signal::TSTP);
                others.signal(Signal::CONT);
            }
        }
        _ => forwarder.forward(info),
    }
}

/// Kills whoever is left. As PID 1 init has only to end for that; elsewhere it kills its descendants until wait(2) knows of no
/// child any more: whose parent dies becomes a child of ours. `why`: if not because the command has ended.
fn kill(others: &Others<'_>, why: Option<Why>, forwarder: &mut Forwarder<'_>, above: &Above<'_>) {
    /// How long a killed process may take to end before its name is told; it may hang in the kernel for ever.
    const PATIENCE: Duration = Duration::from_secs(5);
    if others.end_with_init() {
        // Who has ended by now is reaped only for the trace's sake: the kernel would do it in a moment.
        if forwarder.trace.is_on() && others.left() != Left::Nobody {
            forwarder.trace.killed(
                Signal::KILL,
                Recipient::Everyone,
                why.unwrap_or(Why::InitEnds),
                &others.names(),
            );
        }
        return;
    }
    let mut is_told = false;
    // The clock is looked at only where there is somebody to wait for: the first look costs more than the rest of an end.
    let mut impatient_at = None;
    let mut is_named = false;
    let mut was_unsure = false;
    loop {
        let left = others.left();
        // A single look that finds nobody proves nothing, where there are some to be spared.
        if left == Left::Nobody || (left == Left::Unsure && was_unsure) || !others.can_be_found() {
            return;
        }
        was_unsure = left == Left::Unsure;
        let impatient_at = *impatient_at.get_or_insert_with(|| Moment::after(PATIENCE));
        if std::mem::replace(&mut is_told, true) {
            others.signal(Signal::KILL);
        } else {
            signal_all(Signal::KILL, why.unwrap_or(Why::OnExit), others, forwarder);
        }
        match forwarder.next_before(Some(Moment::after(LOOK_AGAIN))) {
            Some(info) if info.is_from_kernel() => drop(end_if_outer_is_gone(above)),
            Some(info) if info.signal() != Some(Signal::CHLD) => {
                forwarder.trace.signal(&info, Done::Nobody, None);
            }
            _ => {}
        }
        if !is_named && impatient_at.is_past() {
            is_named = true;
            warn!("killed, and still there: {}", others.names());
        }
    }
}
