//! Runs in: init, when the workload is gone. What becomes of the other processes (`--on-exit`).

use super::supervise::{Above, end_if_outer_is_gone};
use crate::error::reason;
use crate::forward::{self, Forwarder};
use crate::others::Others;
use crate::reap;
use crate::request::OnExit;
use crate::signal::{Signal, WATCH};
use crate::sys::{self, Recipient};
use log::warn;
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// How long `--on-exit term` waits where `--stop-timeout` does not say.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Sees off whoever is left, as `policy` wants it, and returns when init may end. `grace` is what `--stop-timeout` says.
pub(super) fn see_off<'a>(
    policy: OnExit,
    grace: Option<Duration>,
    others: &'a Others,
    forwarder: &mut Forwarder<'a>,
    above: &Above<'_>,
) {
    match policy {
        OnExit::Leave => {}
        OnExit::TermGroup => forwarder.say_goodbye(),
        OnExit::Kill => kill(others, forwarder, above),
        OnExit::Wait => {
            forwarder.turn_to(others);
            wait(others, forwarder, above, None);
        }
        OnExit::Term => {
            forwarder.turn_to(others);
            // It was for the workload, which has ended in time.
            forwarder.call_off_stop();
            // By --stop-all they may have heard of it: a second time would mean more.
            if !forwarder.has_told_all() {
                others.signal(Signal::TERM);
            }
            let grace = grace.unwrap_or(DEFAULT_GRACE);
            if !wait(others, forwarder, above, Some(Instant::now() + grace)) {
                warn!("some still ran {} after SIGTERM: killed {}", forward::text(grace), others.names());
                kill(others, forwarder, above);
            }
        }
    }
}

/// Waits until nobody is left; false if that has not happened by `deadline`. Signals go to all that are left.
fn wait(others: &Others, forwarder: &mut Forwarder<'_>, above: &Above<'_>, deadline: Option<Instant>) -> bool {
    /// How often to look for those whose end raises no SIGCHLD here, because somebody outside put them in.
    const LOOK_AGAIN: Duration = Duration::from_millis(100);
    loop {
        if others.are_gone() {
            return true;
        }
        let look_again = others.end_with_init().then(|| Instant::now() + LOOK_AGAIN);
        match forwarder.next_before(look_again.into_iter().chain(deadline).min()) {
            None if deadline.is_some_and(|deadline| deadline <= Instant::now()) => return false,
            None => {}
            Some(info) => match info.signal() {
                Some(Signal::CHLD) => {}
                Some(WATCH | Signal::IO) if info.is_from_kernel() && end_if_outer_is_gone(above) => {}
                _ => forwarder.forward(info),
            },
        }
    }
}

/// Kills whoever is left. As PID 1 init has only to end for that; elsewhere it kills its children, gets theirs when they
/// die, and goes on until there are none. Only children are killed: their pids cannot pass to somebody else before they
/// are reaped.
fn kill(others: &Others, forwarder: &mut Forwarder<'_>, above: &Above<'_>) {
    if others.end_with_init() {
        return;
    }
    /// How long a killed process may take to end before its name is told; it may hang in the kernel for ever.
    const PATIENCE: Duration = Duration::from_secs(5);
    let mut impatient_at = Some(Instant::now() + PATIENCE);
    let mut out_of_reach = Vec::new();
    while reap::drain_rest() {
        let mut children = others.children();
        children.retain(|child| !out_of_reach.contains(child));
        if children.is_empty() {
            return;
        }
        children.iter().for_each(|child| kill_child(*child, &mut out_of_reach));
        match forwarder.next_before(impatient_at) {
            None => {
                impatient_at = None;
                warn!("killed, and still there: {}", others.names());
            }
            // Nobody is left who could be told of it.
            Some(info) if info.is_from_kernel() => drop(end_if_outer_is_gone(above)),
            Some(_) => {}
        }
    }
}

fn kill_child(child: Pid, out_of_reach: &mut Vec<Pid>) {
    if let Err(errno) = sys::send(Recipient::Process(child), Signal::KILL) {
        out_of_reach.push(child);
        warn!("cannot kill {child} ({}): {}; it is left running", crate::procfs::comm(child), reason(errno));
    }
}
