//! Runs in: outer, init. How things ended, and the exit status that says so. The only place with 125 to 128.
//!
//! | status | meaning |
//! |---|---|
//! | 0–255 | the workload's own exit code |
//! | 125 | pidone itself failed, wrong usage included |
//! | 126 | the command was found but cannot be run |
//! | 127 | the command was not found |
//! | 128+N | the workload was killed by signal N (isolated and bare: pidone dies by that signal itself) |

use crate::error::{Failure, Stage};
use crate::signal::Signal;
use crate::sys::WaitStatus;
use std::ffi::c_int;
use std::fmt;
use std::process::ExitCode;

/// The statuses for what pidone itself cannot do. Called by another init's name it has that init's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    /// pidone itself failed.
    pub(crate) failed: u8,
    /// The command was found but cannot be run.
    pub(crate) not_runnable: u8,
    /// The command was not found.
    pub(crate) not_found: u8,
}

impl Codes {
    /// Under its own name.
    pub(crate) const PIDONE: Self = Codes { failed: 125, not_runnable: 126, not_found: 127 };

    /// The exit status that tells of a failed start.
    pub(crate) fn status_of(self, failure: &Failure) -> u8 {
        match failure.stage {
            Stage::FindCommand => self.not_found,
            Stage::RunCommand => self.not_runnable,
            _ => self.failed,
        }
    }
}

/// The status of a pidone that failed where nobody sees by which name it was called.
pub(crate) const PIDONE_FAILED: u8 = Codes::PIDONE.failed;
/// Added to the number of the signal that killed the workload.
const KILLED_BASE: u8 = 128;

/// How a command ended. "Exited with 143" and "killed by 15" stay apart until the very last moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It called exit with this status.
    Exited(u8),
    /// This signal killed it.
    Killed(Signal),
}

impl Outcome {
    /// Takes a wait(2) status apart.
    pub(crate) fn from_wait(WaitStatus(status): WaitStatus) -> Self {
        let exit_code = u8::try_from((status >> 8) & 0xff).unwrap_or(u8::MAX);
        match Signal::new(status & 0x7f) {
            Some(signal) => Outcome::Killed(signal),
            None => Outcome::Exited(exit_code),
        }
    }

    /// Puts it together again, for the way from init to outer.
    pub(crate) fn to_wait(self) -> WaitStatus {
        WaitStatus(match self {
            Outcome::Exited(code) => c_int::from(code) << 8,
            Outcome::Killed(signal) => signal.number(),
        })
    }

    /// What is made of it by `--map-exit`: pairs of a status and what to exit with instead. The last word counts.
    pub(crate) fn mapped(self, map: &[(u8, u8)]) -> Self {
        let status = self.status();
        map.iter().rev().find(|(from, _)| *from == status).map_or(self, |(_, to)| Outcome::Exited(*to))
    }

    /// Whether an init that ends at once says as much by its own exit. Not where that would be a failure of its own, or no exit.
    pub(crate) fn is_said_by_exit(self) -> bool {
        matches!(self, Outcome::Exited(code) if !(PIDONE_FAILED..=Codes::PIDONE.not_found).contains(&code))
    }

    /// Whether it exited with 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Outcome::Exited(0)
    }

    /// As a shell has it: the status, or 128+N if signal N killed it.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Outcome::Exited(code) => code,
            Outcome::Killed(signal) => KILLED_BASE.saturating_add(u8::try_from(signal.number()).unwrap_or(0)),
        }
    }
}

/// For `main` to return: see [`status`](Outcome::status).
impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        outcome.status().into()
    }
}

/// `exited with 3`, `killed by SIGKILL`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited(code) => write!(f, "exited with {code}"),
            Outcome::Killed(signal) => write!(f, "killed by {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_every_signal_survives_the_way_through_a_wait_status() {
        for code in 0..=255 {
            let outcome = Outcome::from_wait(WaitStatus(c_int::from(code) << 8));
            assert_eq!(outcome, Outcome::Exited(code));
            assert_eq!(outcome.status(), code);
            assert_eq!(Outcome::from_wait(outcome.to_wait()), outcome);
        }
        for number in 1..=64 {
            let signal = Signal::new(number).unwrap();
            let outcome = Outcome::from_wait(WaitStatus(number));
            assert_eq!(outcome, Outcome::Killed(signal));
            assert_eq!(i32::from(outcome.status()), 128 + number);
            assert_eq!(Outcome::from_wait(outcome.to_wait()), outcome);
        }
    }

    #[test]
    fn the_core_dump_bit_is_not_part_of_the_signal() {
        assert_eq!(Outcome::from_wait(WaitStatus(0x80 | 11)), Outcome::Killed(Signal::new(11).unwrap()));
    }
}
