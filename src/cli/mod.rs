//! Runs in: outer or init, before anything else. From argument bytes to a `Request`; pure, but for the texts it prints.
//!
//! - [`args`]: what options set. Each has one arm there, one row in [`options`], one in README.
//! - [`words`]: the words of a command line, as getopt_long(3) takes them.
//! - [`verbs`]: the command lines of `enter`, `probe`, `release` and `install-names`.
//! - [`inspect`]: the command line of that verb.
//! - [`values`]: what the words mean that options take.
//! - [`personalities`]: the command lines of tini, dumb-init and catatonit.
//! - [`in_code`]: options that are given to the library.
//! - [`personality_texts`]: what is printed under their names.
//! - [`options`]: the table of all options.
//! - `generate`: from the table to the man page and the completions for shells; part of the tests alone.
//! - [`help`]: what `-h`, `--help` and `--version` print.

mod args;
mod files;
#[cfg(test)]
mod generate;
mod help;
mod in_code;
mod inspect;
mod options;
mod personalities;
mod personality_texts;
mod values;
mod verbs;
mod words;

pub(crate) use help::words_of;
pub(crate) use in_code::add_options;
pub(crate) use personalities::{NAMES, Personality};
