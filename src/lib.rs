//! pidone gives any command a correct PID 1: it reaps orphans and zombies, forwards every signal exactly once and
//! mirrors the exit.
//!
//! Runs in: outer, init, workload child. This page is the map.
//!
//! # The processes
//!
//! ```text
//! in place    init (pidone itself) ─── workload            PID 1 already, or a child subreaper
//! isolated    outer ═══ init ─── workload                  ═══ the border of the new namespaces
//! bare        outer ═══ workload                           the workload is PID 1
//! ```
//!
//! # The way through
//!
//! argv → [`cli`] → `Request` → [`plan`] → `LaunchPlan` → clone → \[[`init`]\] mounts, workload, loop →
//! \[[`outer`]\] wait → `Outcome` → exit status. Failing to start goes up the [`handshake`] pipe, never as a guessed
//! code.
//!
//! Beside that, [`mod@inspect`] only looks: at a process, as an init.
//!
//! # What holds everywhere
//!
//! - One thread, every signal blocked from the first line of `main` on; only the workload gets the old mask back.
//! - Imports go down only: `cli` → `outer`, `inspect` → `init` → `job`, `forward`, `others`, `reap` → `terminal`, `handshake`, `exit`,
//!   `error` → `sys`. Beside them, and known to all, stand [`request`], [`signal`], [`capability`] and [`namespace`]. Outer
//!   reaches init in one line; init never names outer.
//! - `unsafe` stands in [`sys`] alone.
//! - After the workload runs, init only warns: see `init/supervise.rs`.
//! - Deliberately absent: threads, timers, polling, a heap in the loop. Only while a workload's signal queue is full are
//!   signals held in memory and tried again; only while a stop is under way ([`stop`]), or init stays on for others, is there
//!   an end to a wait.

#![warn(unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]
#![allow(rustdoc::private_intra_doc_links, reason = "this page is also the map for those who read the code")]

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("pidone is about Linux; its signal numbers and raw calls are those of x86-64 and aarch64");

// In reading order.
mod cli;
mod install;
mod request;
mod plan;
mod identity;
mod idmap;
mod account;
mod path;
mod environment;
mod outer;
mod keep;
mod enter;
mod inspect;
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
mod exit;
mod json;
mod logging;
mod procfs;
mod capability;
mod namespace;
mod signal;
mod sys;

use crate::cli::Personality;
use crate::diagnose::Circumstances;
use crate::error::{Failure, Stage, Voice};
use crate::exit::Codes;
use crate::logging::Half;
use crate::namespace::Kinds;
use crate::plan::LaunchPlan;
use crate::request::{InspectRequest, Output, Place, Request, RunRequest, Target};
use crate::sys::SignalState;
use std::ffi::c_int;
use std::io::Write as _;

pub use crate::sys::Args;

/// The program: takes its arguments, does what they ask for, and returns the exit status for `main` to return.
///
/// The process must have a single thread, and Rust's runtime must not have been started (`#![no_main]`).
#[must_use]
pub fn run(args: Args) -> c_int {
    // First of all: until now a signal for a PID 1 without handlers was dropped by the kernel.
    let signals = match sys::block_all_signals() {
        Ok(signals) => signals,
        Err(errno) => return fail(&Failure::new(Stage::BlockSignals, "1 to 64", errno)).into(),
    };
    let personality = Personality::of(args.get(0));
    let words = args.rest().map(ToOwned::to_owned);
    let status = match personality.parse(words, &|name| std::env::var_os(name)) {
        Ok(Request::Show(output, text)) => print(output, &text, signals),
        Ok(Request::InstallNames(directory)) => install::names(&directory),
        Ok(Request::Release(directory)) => keep::release(&directory),
        Ok(Request::Inspect(request)) => inspect(&request, signals),
        Ok(Request::Enter(target, request)) => enter(target, *request, signals),
        Ok(Request::Run(request)) => launch(*request, personality, signals),
        Err(error) => {
            error.print(personality.voice());
            personality.codes().failed
        }
    };
    status.into()
}

fn launch(mut request: RunRequest, personality: Personality, signals: SignalState) -> u8 {
    let (voice, codes) = (personality.voice(), personality.codes());
    let (level, exit_map) = (request.level, std::mem::take(&mut request.exit_map));
    let plan = match LaunchPlan::new(request, signals) {
        Ok(plan) => plan,
        Err(error) => {
            error.print(voice);
            return codes.failed;
        }
    };
    let half = if plan.place == Place::InPlace { Half::Init } else { Half::Outer };
    logging::set_up(half, level);
    let circumstances = Circumstances {
        kinds: plan.namespaces.kinds,
        path: plan.workload.as_ref().and_then(|workload| workload.path.clone()),
        other_root: plan.namespaces.furnishing.rootfs.is_some(),
    };
    let ended = match plan.place {
        Place::InPlace => init::in_place(plan).map(|outcome| outcome.mapped(&exit_map).status()),
        Place::Isolated | Place::Bare => outer::run(plan).map(|outcome| outer::end_like(outcome.mapped(&exit_map))),
    };
    ended.unwrap_or_else(|failure| {
        failure.print(voice, diagnose::hint(&failure, &circumstances).as_deref());
        codes.status_of(&failure)
    })
}

fn enter(target: Target, mut request: RunRequest, signals: SignalState) -> u8 {
    logging::set_up(Half::Outer, request.level);
    let exit_map = std::mem::take(&mut request.exit_map);
    match enter::run(&target, request, signals) {
        Ok(outcome) => outer::end_like(outcome.mapped(&exit_map)),
        Err(enter::Refusal::Usage(error)) => {
            error.print(Voice::Pidone);
            exit::PIDONE_FAILED
        }
        Err(enter::Refusal::Failure(failure)) => {
            let path = std::env::var_os("PATH");
            let circumstances = Circumstances { kinds: Kinds::NONE, path, other_root: false };
            failure.print(Voice::Pidone, diagnose::hint(&failure, &circumstances).as_deref());
            Codes::PIDONE.status_of(&failure)
        }
    }
}

fn inspect(request: &InspectRequest, signals: SignalState) -> u8 {
    inspect::run(request, signals).map_or_else(
        |failure| {
            let circumstances = Circumstances { kinds: Kinds::NONE, path: None, other_root: false };
            failure.print(Voice::Pidone, diagnose::hint(&failure, &circumstances).as_deref());
            exit::PIDONE_FAILED
        },
        |()| 0,
    )
}

/// To the terminal, file or pipe that is meant, ending like any program when that is a closed pipe.
fn print(output: Output, text: &str, signals: SignalState) -> u8 {
    // Ignoring the error: the text can be printed all the same.
    let _ = signals.unblock();
    let (written, name) = match output {
        Output::Stdout => (std::io::stdout().write_all(text.as_bytes()), "standard output"),
        Output::Stderr => (std::io::stderr().write_all(text.as_bytes()), "standard error"),
    };
    match written {
        Ok(()) => 0,
        Err(error) => fail(&Failure::new(Stage::PrintText, name, error::errno_of(&error))),
    }
}

/// Tells the user, once, and returns the status that tells the caller.
fn fail(failure: &Failure) -> u8 {
    failure.print(Voice::Pidone, None);
    exit::PIDONE_FAILED
}
