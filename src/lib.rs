//! A correct PID 1 for a program, and for the commands that it runs.
//!
//! PID 1 of a container is not like other processes: a signal that it has no handler for is dropped, so that `docker stop` takes
//! ten seconds; and it has to reap orphans that it has never heard of, or zombies pile up. ([`pid1`] tells all of it.) The
//! `pidone` program takes care of that for any command. This crate is the same in code, in two independent parts:
//!
//! - [`supervise`], the first line of `main`, makes the program itself safe as PID 1: it goes on as a child of an init that reaps
//!   and forwards.
//! - [`Launch`] runs a command as `pidone [OPTIONS] -- COMMAND` does, in new namespaces or in place, and returns its [`Outcome`].
//!
//! ```no_run
//! use pidone::{Launch, LaunchError, Outcome};
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     make().map_or_else(|error| error.report(), ExitCode::from)
//! }
//!
//! fn make() -> Result<Outcome, LaunchError> {
//!     pidone::supervise()?; // if this was PID 1, it is a child of PID 1 from here on
//!     Launch::new("make").arg("test").map_root().run() // SIGTERM and Ctrl-C reach it meanwhile
//! }
//! ```
//!
//! # A program that is PID 1
//!
//! ```
//! # use std::time::Duration;
//! fn main() -> Result<(), pidone::LaunchError> {
//!     pidone::supervise()?;
//!     // Or, with more to it:
//!     pidone::Supervise::new().stop_timeout(Duration::from_secs(8)).on_exit(pidone::OnExit::Term).start()?;
//!     Ok(())
//! }
//! ```
//!
//! Where the program is not PID 1 this does nothing. Where it is, the process forks: the parent stays PID 1 and does what an init
//! has to, until the program has ended; then it exits with the program's status, or 128+N. A second call does nothing, as the
//! first has made the program another process. What the program does with SIGTERM is up to it as anywhere else: by default it
//! ends.
//!
//! # Commands
//!
//! ```
//! use pidone::{Launch, Outcome, Signal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let outcome = Launch::new("sh").args(["-c", "exit $CODE"]).env("CODE", "3").in_place().run()?;
//! assert_eq!(outcome, Outcome::Exited(3));
//!
//! let mut sleep = Launch::new("sleep").arg("1000").in_place().spawn()?;
//! sleep.signal(Signal::TERM)?;
//! assert_eq!(sleep.wait()?, Outcome::Killed(Signal::TERM));
//!
//! let error = Launch::new("/no/such/command").in_place().run().expect_err("it is not there");
//! assert_eq!(error.status(), 127);
//! # Ok(())
//! # }
//! ```
//!
//! [`run`](Launch::run) waits as an init would: signals that come to the calling process meanwhile are forwarded to the command,
//! each once, and Ctrl-Z stops both. With [`spawn`](Launch::spawn) the caller goes on. Either way the launch dies with the
//! caller.
//!
//! # Errors
//!
//! [`LaunchError`] is one line, and often a second one with a hint. [`report`](LaunchError::report) prints them and is what
//! `main` returns:
//!
//! ```text
//! pidone: cannot create the new namespaces: pid, mnt: Operation not permitted (EPERM)
//! hint: this needs CAP_SYS_ADMIN: run as root, add --map-root to do it as an ordinary user, or use --in-place
//! ```
//!
//! with the exit status 127 if the command was not found, 126 if it cannot be run, 125 for all else. A command that ran and
//! failed is no error, but an [`Outcome`].
//!
//! # Limits
//!
//! - Linux, on x86-64 and aarch64.
//! - **A single thread at the call** of [`supervise`], [`run`](Launch::run) and [`spawn`](Launch::spawn): a process is forked,
//!   and in the child other threads would be missing, and their locks shut for ever. With more than one the call is an error, and
//!   nothing is forked. `/proc` must be mounted for that to be seen; where it is not, it is taken on trust.
//! - An async runtime makes threads, so call it before that starts: from a plain `main` that then builds the runtime, and not
//!   below
//!   `#[tokio::main]`. The same goes for loggers and profilers with a thread of their own.
//! - What is forked is the whole program, as it is at the call: its memory (copied only where one of the two writes to it), its
//!   open descriptors, and what is unwritten in its buffers, which is written by the program alone. PID 1 stays in that memory,
//!   so call it early. Nothing of the program runs in the other process: no `Drop`, no exit handler.
//! - While [`run`](Launch::run) waits, the program's handlers do not run. Let the command have no signals
//!   ([`forward_signals`](Launch::forward_signals)), or [`spawn`](Launch::spawn), where they must.
//! - `PIDONE_OPTIONS` is not read. `RUST_LOG` is, by the process that is pidone, unless the program has set up a logger for the
//!   `log` crate before.

// Runs in: whatever links this crate, the `pidone` program for one. The map for who reads the code is `map.md`.

#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::get_unwrap, clippy::unwrap_in_result)
)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::unreachable, clippy::todo, clippy::unimplemented))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice, clippy::arithmetic_side_effects))]

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("pidone is about Linux; its signal numbers and raw calls are those of x86-64 and aarch64");

#[doc = include_str!("map.md")]
mod map {}

// In reading order.
mod program;
mod embed;
#[allow(clippy::arithmetic_side_effects, reason = "ends before there is an init, or is none")]
mod cli;
mod text;
mod install;
mod request;
mod plan;
mod launch;
mod identity;
#[allow(clippy::arithmetic_side_effects, reason = "ends before there is an init, or is none")]
mod idmap;
mod account;
mod path;
mod files;
mod environment;
mod outer;
mod keep;
mod enter;
#[allow(clippy::arithmetic_side_effects, reason = "ends before there is an init, or is none")]
mod inspect;
#[allow(clippy::arithmetic_side_effects, reason = "ends before there is an init, or is none")]
mod probe;
mod init;
mod job;
mod forward;
mod stop;
mod parent;
mod others;
mod reap;
mod terminal;
mod inherited;
mod handshake;
mod diagnose;
mod error;
mod errno;
mod packed;
mod stage;
mod exit;
mod json;
mod order;
mod logging;
mod trace;
mod procfs;
mod capability;
mod namespace;
mod signal;
mod sys;
#[cfg(test)]
mod fuzz;

#[doc = include_str!("pid1.md")]
pub mod pid1 {}

pub use crate::embed::{Launch, LaunchError, Launched, OnExit, Supervise, supervise};
pub use crate::exit::Outcome;
#[doc(hidden)]
pub use crate::program::run;
pub use crate::signal::Signal;
#[doc(hidden)]
pub use crate::sys::{Args, end_without_memory};
