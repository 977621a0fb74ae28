//! Runs in: a program that uses this crate as a library, while it waits. To the launch it is what outer is to init: it forwards
//! signals, and is the shell's job in its stead. To the program it is a call: it takes nothing that is about the program itself,
//! and puts back what it found.

use crate::forward::{Forwarder, Rules};
use crate::job::{Job, Next};
use crate::reap;
use crate::request::{Grouping, StopRules};
use crate::signal::{Rewrites, Signal};
use crate::sys::{self, Reaped, Recipient, SignalInfo, SignalSet, SignalState, StopActions, WaitStatus};
use crate::terminal::Terminal;
use crate::trace::Trace;
use nix::unistd::{Pid, getpid};
use std::time::Duration;

/// Signals pass this hop as they are.
fn rules(grouping: Grouping) -> Rules {
    Rules { group: false, grouping, rewrites: Rewrites::none(), stop: StopRules::NONE, stops_itself: false }
}

/// Forwards signals to `child` until it has ended, and reaps it, but no other child of this program's. `None`: it was reaped
/// already. Every signal is blocked; afterwards they are as `signals` has them.
pub(super) fn for_end(child: Pid, mut job: Job, signals: &SignalState) -> Option<WaitStatus> {
    let trace = Trace::OFF;
    let actions = StopActions::note();
    let grouping = if job.has_own_group() { Grouping::Own } else { Grouping::Shared };
    // What this program blocks is for it to take.
    let taken = signals.unblocked().with(Signal::CHLD);
    let recipient = Recipient::Process(child);
    let rules = rules(grouping);
    let mut forwarder = Forwarder::new(recipient, None, "pidone", &rules, None, &trace).taking(taken);
    let mut own = OwnSignals::default();
    let status = loop {
        match sys::reap(Some(child)) {
            Reaped::Child(_, status) => break Some(status),
            Reaped::NoChildren => break None,
            // It was about to stop for want of the terminal when it was given that, and continued in vain.
            Reaped::Stopped(_, Signal::TTIN | Signal::TTOU) if has_foreground(child, &job) => resume(child),
            Reaped::Stopped(_, signal) if signal.is_terminal_stop() => stopped(child, signal, &mut job),
            Reaped::Stopped(..) | Reaped::NoneEnded => {}
        }
        let info = forwarder.next();
        match info.signal() {
            _ if is_about_this_program(&info) => own.keep(info, child),
            Some(Signal::CONT) => {
                if job.resume() {
                    give_terminal(child);
                }
                forwarder.forward(info);
            }
            _ => forwarder.forward(info),
        }
    };
    // A child that was reaped without a signal has raised one all the same.
    if let Some(info) = sys::wait_signal(SignalSet::only(Signal::CHLD), Some(Duration::ZERO)) {
        own.keep(info, child);
    }
    job.end();
    actions.put_back();
    own.put_back(signals);
    give_back(signals);
    status
}

/// The program's signals are as they were before. Where it ignores SIGCHLD, whoever has ended meanwhile would have been reaped by
/// the kernel, and is now; from here on the kernel does it again.
pub(super) fn give_back(signals: &SignalState) {
    // Ignoring the error: as for blocking them, which went well.
    let _ = signals.restore();
    if signals.ignores_children() {
        reap::drain_rest(&Trace::OFF);
    }
}

/// The child, a job of its own, was stopped: so is this program, until the shell continues it.
fn stopped(child: Pid, signal: Signal, job: &mut Job) {
    match job.stop(signal) {
        Next::InForeground => give_terminal(child),
        Next::InBackground => {}
        Next::StaysStopped => return,
    }
    resume(child);
}

fn has_foreground(child: Pid, job: &Job) -> bool {
    job.terminal().is_some_and(|terminal| terminal.has_in_foreground(child))
}

fn resume(child: Pid) {
    // Ignoring the error: it is gone, which the next SIGCHLD tells.
    let _ = sys::send(Recipient::Process(child), Signal::CONT);
}

fn give_terminal(child: Pid) {
    if let Some(terminal) = Terminal::controlling() {
        terminal.hand_to(child);
    }
}

/// What the kernel tells this program of its timers, descriptors and children, and not of its terminal; and SIGCHLD of any kind.
fn is_about_this_program(info: &SignalInfo) -> bool {
    let of_terminal = matches!(
        info.signal(),
        Some(Signal::HUP | Signal::INT | Signal::QUIT | Signal::TSTP | Signal::CONT | Signal::WINCH)
    );
    info.signal() == Some(Signal::CHLD) || (info.is_from_kernel() && !of_terminal)
}

/// Signals that are this program's own, and wait until it can have them.
#[derive(Default)]
struct OwnSignals {
    kept: Vec<SignalInfo>,
    last_of_child: Option<SignalInfo>,
}

impl OwnSignals {
    /// All but what is told of `child`. Of a standard signal the kernel would keep one, too.
    fn keep(&mut self, info: SignalInfo, child: Pid) {
        if info.child() == Some(child) {
            self.last_of_child = Some(info);
        } else if info.is_real_time() || self.kept.iter().all(|kept| kept.signal() != info.signal()) {
            self.kept.push(info);
        }
    }

    /// Back into the queue, as they were.
    fn put_back(mut self, signals: &SignalState) {
        if !signals.ignores_children()
            && let (Some(info), Ok(Some(_))) = (self.last_of_child, sys::peek_zombie())
        {
            // That child's SIGCHLD may have been swallowed by ours: the kernel keeps one at a time.
            self.kept.push(info);
        }
        for info in &self.kept {
            if let Some(signal) = info.signal() {
                // Ignoring the error: a real-time signal for which there is no room any more (RLIMIT_SIGPENDING).
                let _ = sys::queue(Recipient::Process(getpid()), signal, info);
            }
        }
    }
}
