//! Runs in: the benchmark. How many instructions a start is: a figure that no load on the machine can move. In user space by
//! valgrind's callgrind, which follows every process up to the workload's exec; in the kernel, too, by perf where the machine
//! has counters that can be had.

use crate::contestants::{Contestant, Place, find};
use crate::figures::{Row, Table, absent};
use crate::lab::Lab;
use std::io;
use std::process::{Command, Stdio};

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let places = [(Place::Subreaper, "in-place", "in place"), (Place::Isolated, "isolated", "isolated")];
    let mut tables = Vec::new();
    for (place, key, words) in places {
        tables.push(table(
            lab,
            place,
            &format!("instructions.{key}"),
            &format!("Instructions of a start, {words}"),
        ));
    }
    Ok(tables)
}

fn table(lab: &Lab, place: Place, key: &str, title: &str) -> Table {
    let (fit, unfit) = lab.entrants(place);
    let rows = fit.into_iter().map(|one| Row { who: one.name, cells: cells(lab, &one) });
    Table {
        key: key.to_owned(),
        title: title.to_owned(),
        unit: "instructions",
        columns: ["user (callgrind)", "user (perf)", "kernel (perf)"].map(str::to_owned).into(),
        basis: 0,
        runs: 1,
        rows: rows.chain(absent(unfit)).collect(),
    }
}

fn cells(lab: &Lab, contestant: &Contestant) -> Result<Vec<f64>, String> {
    let command = contestant.running(&lab.nothing());
    let [user, kernel] = by_perf(&command);
    let cells = vec![by_callgrind(&command), user, kernel];
    if cells.iter().all(|cell| cell.is_nan()) {
        Err("neither valgrind nor perf can count here".to_owned())
    } else {
        Ok(cells)
    }
}

/// Each process says `Collected : N` at its end.
fn by_callgrind(command: &[String]) -> f64 {
    let Some(valgrind) = find("valgrind") else { return f64::NAN };
    let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let said = alone(Command::new(valgrind).args(options).args(command));
    let counts = said.lines().filter_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
    let all: Vec<f64> = counts.collect();
    if all.is_empty() { f64::NAN } else { all.iter().sum() }
}

/// In user space and in the kernel; perf counts the workload, too.
fn by_perf(command: &[String]) -> [f64; 2] {
    let Some(perf) = find("perf") else { return [f64::NAN; 2] };
    let events = ["instructions:u", "instructions:k"];
    let said = alone(Command::new(perf).args(["stat", "-x,", "-e", &events.join(",")]).args(command));
    events.map(|event| {
        let line = said.lines().find(|line| line.split(',').any(|field| field == event));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(f64::NAN)
    })
}

/// What it says on stderr, with next to nothing in its environment.
fn alone(command: &mut Command) -> String {
    let said = command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).output();
    said.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default()
}
