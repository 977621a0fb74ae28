//! Runs in: outer. Ends the way the workload ended, so that a shell sees through pidone.

use crate::exit::Outcome;
use crate::signal::Signal;
use crate::sys;
use nix::sys::prctl;
use nix::sys::resource::Resource;
use nix::unistd::{Pid, getpid};

/// Dies by the signal that killed the workload; comes back with a status where it exited, or where dying is
/// impossible: the kernel drops what a PID 1 sends itself.
pub(crate) fn end_like(outcome: Outcome) -> u8 {
    if let Outcome::Killed(signal) = outcome
        && getpid() != Pid::from_raw(1)
    {
        die_by(signal);
    }
    outcome.status()
}

/// The workload's core dump, if any, tells something; one of ours would only take its place (B40). RLIMIT_CORE stops
/// core files, and being undumpable also stops a helper named in core_pattern (core(5)).
fn die_by(signal: Signal) {
    // Ignoring errors: lowering one's own limit is always allowed, and so is this attribute.
    let _ = sys::set_limit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
    // signal-hook's `emulate_default_handler` does not serve: it knows neither real-time signals nor SIGIO as one that
    // kills, and where it fails it aborts, which would be another signal.
    sys::die_by(signal);
}
