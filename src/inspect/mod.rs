//! Runs in: any thread-free process. `pidone inspect`: what a process is as an init. It looks, and touches nothing.
//!
//! One look at all of /proc, then everything is judged on that:
//!
//! - [`reading`]: files of one process, and the list of what could not be read.
//! - [`machine`]: all processes, who is above whom, who is in which namespace.
//! - [`report`]: all that is shown of one process.
//! - [`who`]: who it is, and what stands above it.
//! - [`namespaces`]: its namespaces, and ioctl_ns(2) on them.
//! - [`waits`]: its signal sets, with those that it takes in sigwait or from a signalfd.
//! - [`dispositions`]: the kernel's rules on what becomes of a signal; pure.
//! - [`zombies`]: zombies and orphans in its PID namespace, and whose fault they are.
//! - [`findings`]: what is wrong, and what to do.
//! - [`table`] on a [`sheet`], [`json`]: the report for people and for programs.
//! - [`phrase`]: parts of sentences.
//! - [`tree`]: `--tree`, all PID and user namespaces.
//! - [`watch`]: `--watch`, and what is written at all.
//!
//! Much of it is said with `inline(never)`: a function that is called from one place would become a part of its caller, whose
//! frame grows until each access to it takes a longer instruction.

mod dispositions;
mod findings;
mod json;
mod machine;
mod namespaces;
mod phrase;
mod reading;
mod report;
mod sheet;
mod table;
mod tree;
mod waits;
mod watch;
mod who;
mod zombies;

use self::machine::Machine;
use self::report::Report;
use self::table::Findings;
use self::tree::Forest;
use crate::environment::inherited_value;
use crate::error::Failure;
use crate::request::InspectRequest;
use crate::sys::SignalState;
use std::io::{self, IsTerminal as _};

/// Shows what was asked for, once or again and again.
///
/// # Errors
/// There is no such process; there is no /proc; it cannot be written.
pub(crate) fn run(request: &InspectRequest, signals: SignalState) -> Result<(), Failure> {
    let is_coloured = wants_colour();
    let Some(interval) = request.watch else {
        let text = text(request, is_coloured, Findings::Last, &mut None)?;
        // Ignoring the error: the text can be printed all the same.
        let _ = signals.unblock();
        return watch::write(&text);
    };
    let place = if io::stdout().is_terminal() { Findings::First } else { Findings::Last };
    let mut started = None;
    watch::watch(interval, || text(request, is_coloured, place, &mut started))
}

/// What is shown; nothing when the process that had started then has ended since, whoever has its pid now.
fn text(
    request: &InspectRequest,
    is_coloured: bool,
    place: Findings,
    started: &mut Option<u64>,
) -> Result<String, Failure> {
    let machine = Machine::look();
    if request.tree {
        let forest = Forest::of(&machine);
        return Ok(if request.json { forest.json() } else { forest.table(is_coloured) });
    }
    let (seen, status) = match report::find(request.pid, &machine) {
        Err(_) if started.is_some() => return Ok(String::new()),
        found => found?,
    };
    if *started.get_or_insert(seen.process.started) != seen.process.started {
        return Ok(String::new());
    }
    let report = Report::of(seen, &status, &machine);
    Ok(if request.json { json::text(&report) } else { table::text(&report, is_coloured, place) })
}

/// On a terminal that has colours, for a user who has not said that none are wanted (NO_COLOR).
fn wants_colour() -> bool {
    let is_set = |name| inherited_value(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !is_set("NO_COLOR") && inherited_value("TERM").is_none_or(|term| term != "dumb")
}
