//! Runs in: a program that uses this crate as a library. Two things that it can do with it: be safe as PID 1 by one line, and run
//! commands as the `pidone` program does.
//!
//! - [`supervise`](mod@supervise): the first.
//! - [`launch`]: the second; what is to run, and how.
//! - [`asked`]: what both have been asked for.
//! - [`launched`]: a launch that runs.
//! - [`child`]: the process that is pidone for it.
//! - [`wait`]: the calling program, while it waits: a shell with this one job.
//! - [`error`]: why something did not run.

mod asked;
mod child;
mod error;
mod launch;
mod launched;
mod supervise;
mod wait;

pub use error::LaunchError;
pub use launch::{Launch, OnExit};
pub use launched::Launched;
pub use supervise::{Supervise, supervise};

use crate::error::{Failure, Stage, UsageError};
use crate::sys::{self, SignalState};

/// How many threads this program has; 1 where `/proc` does not tell.
fn threads() -> usize {
    sys::numbers_in(format_args!("/proc/self/task")).map_or(1, |threads| threads.len())
}

/// Other threads would not be there in the child, but their locks would.
fn refuse_threads() -> Result<(), LaunchError> {
    let threads = threads();
    if threads > 1 {
        let message = format!("this program has {threads} threads, and only one can be taken into a new process");
        let hint = "call it first of all in main, before any thread is made and any async runtime started";
        return Err(UsageError::with_hint(message, hint).into());
    }
    Ok(())
}

fn block_signals() -> Result<SignalState, LaunchError> {
    let blocked = sys::block_all_signals();
    blocked.map_err(|errno| Failure::new(Stage::BlockSignals, "1 to 64", errno).into())
}
