//! Runs in: outer or init, before anything else. From argument bytes to a `Request`; pure, but for the texts it prints.
//!
//! - [`args`]: the parser. Each option has one arm there, one row in [`help`], one in README.
//! - [`help`]: what `-h`, `--help` and `--version` print.

mod args;
mod help;

pub(crate) use args::parse;
pub(crate) use help::{long as long_help, short as short_help, version};
