//! Runs in: init. The loop of PID 1, and all that may happen once the workload runs.
//!
//! # The point of no return
//!
//! The workload runs. From here on init is the last process standing: it warns, but does not fail, so nothing here
//! returns a `Result`, and nothing in the loop allocates unless a log line is asked for.

use crate::error::reason;
use crate::exit::{Outcome, PIDONE_FAILED};
use crate::forward::Forwarder;
use crate::handshake::Reporter;
use crate::reap::{self, MainChild};
use crate::signal::Signal;
use crate::sys::{self, Recipient};
use crate::terminal::Terminal;
use log::{error, info, warn};
use nix::unistd::{Pid, chdir};
use std::os::fd::AsFd;

/// Forwards signals and reaps until the workload has ended. `reporter` is the way to outer, if there is one.
pub(super) fn until_the_end(
    workload: Pid,
    group: bool,
    reporter: Option<&Reporter>,
    terminal: Option<&Terminal>,
) -> Outcome {
    let_go([reporter.map(AsFd::as_fd), terminal.and_then(Terminal::own_fd)]);
    let recipient = if group { Recipient::Group(workload) } else { Recipient::Process(workload) };
    let mut forwarder = Forwarder::new(recipient, "the workload");
    loop {
        let info = forwarder.next();
        match info.signal() {
            Some(Signal::CHLD) => match reap::drain(workload) {
                MainChild::Running => {}
                MainChild::Ended(outcome) => {
                    info!("the workload ended: {outcome}");
                    return outcome;
                }
                MainChild::Lost => {
                    error!("the workload is gone, and its end was never reported");
                    return Outcome::Exited(PIDONE_FAILED);
                }
            },
            Some(Signal::IO) if info.is_from_kernel() && reporter.is_some() => end_if_outer_is_gone(reporter),
            _ => forwarder.forward(info),
        }
    }
}

/// Init pins neither a directory nor anything that it inherited (B33, B35). Stdio stays, for messages.
fn let_go<const N: usize>(keep: [Option<std::os::fd::BorrowedFd<'_>>; N]) {
    if let Err(errno) = chdir("/") {
        warn!("cannot change to /: {}; the working directory stays busy", reason(errno));
    }
    sys::close_all_but(keep);
}

/// SIGIO of the report pipe: outer has closed its end, which it does only by dying. Our end takes everything in the
/// namespace with it.
fn end_if_outer_is_gone(reporter: Option<&Reporter>) {
    if reporter.is_some_and(|reporter| !reporter.outer_lives()) {
        sys::exit_now(PIDONE_FAILED.into());
    }
}
