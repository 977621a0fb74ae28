//! Runs in: the benchmark. The measurements, each under the name by which it can be asked for.

mod growth;
mod idle;
mod instructions;
mod memory;
mod orphans;
mod signals;
mod size;
mod start;

use crate::figures::Table;
use crate::lab::Lab;
use std::io;

pub struct Measurement {
    pub name: &'static str,
    pub what: &'static str,
    pub run: fn(&Lab) -> io::Result<Vec<Table>>,
}

/// In the order in which they run.
pub const ALL: [Measurement; 8] = [
    Measurement { name: "start", what: "start to exit of a program that does nothing", run: start::measure },
    Measurement {
        name: "orphans",
        what: "processor time per reaped orphan; 20,000 zombies at once",
        run: orphans::measure,
    },
    Measurement {
        name: "signals",
        what: "how long a signal takes from its sender to the workload",
        run: signals::measure,
    },
    Measurement {
        name: "memory",
        what: "memory of an idle init and outer, alone and 500 times",
        run: memory::measure,
    },
    Measurement { name: "idle", what: "how often an idle init and outer wake up", run: idle::measure },
    Measurement { name: "size", what: "size of the program files", run: size::measure },
    Measurement {
        name: "growth",
        what: "isolated start with many mounts, and many namespaces",
        run: growth::measure,
    },
    Measurement { name: "instructions", what: "instructions of a start", run: instructions::measure },
];
