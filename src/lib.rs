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
//! - Imports go down only: `cli` → `outer`, `inspect`, `probe` → `init` → `job`, `forward`, `others`, `reap` → `trace` →
//!   `terminal`, `handshake`, `exit`, `error` → `sys`. Beside them, and known to all, stand [`request`], [`signal`],
//!   [`capability`] and [`namespace`]. Outer
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
mod program;
mod embed;
mod cli;
mod text;
mod install;
mod request;
mod plan;
mod launch;
mod identity;
mod idmap;
mod account;
mod path;
mod environment;
mod outer;
mod keep;
mod enter;
mod inspect;
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

#[doc = include_str!("pid1.md")]
pub mod pid1 {}

pub use crate::embed::{Ended, Launch, LaunchError, supervise};
pub use crate::program::run;
pub use crate::sys::{Allocator, Args};
