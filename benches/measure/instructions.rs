//! Runs in: the benchmark. How many instructions a start is: a figure that no load on the machine can move. In user space by
//! valgrind's callgrind; in the kernel, too, by perf where the machine has counters that can be had.
//!
//! callgrind counts for each process apart. A process that was forked begins with its parent's count, so that the figure of an
//! init is that of the whole way: from outer's first instruction to its own last. What a process does between a fork and exec is
//! not seen.

use crate::contestants::{Contestant, Place, find};
use crate::figures::{Row, Table, absent};
use crate::lab::Lab;
use std::io;
use std::process::{Command, Stdio};

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    Ok(vec![
        table(lab, Place::Subreaper, "instructions.in-place", "Instructions of a start, in place"),
        table(lab, Place::Isolated, "instructions.isolated", "Instructions of a start, isolated"),
    ])
}

fn table(lab: &Lab, place: Place, key: &str, title: &str) -> Table {
    let (fit, unfit) = lab.entrants(place);
    let columns: &[&str] = match place {
        Place::Isolated => &["outer (user)", "init (user)", "all (user, perf)", "all (kernel, perf)"],
        Place::PidOne | Place::Subreaper => &["user", "all (user, perf)", "all (kernel, perf)"],
    };
    let rows = fit.into_iter().map(|one| Row { who: one.name, cells: cells(lab, &one, place) });
    Table {
        key: key.to_owned(),
        title: title.to_owned(),
        unit: "instructions",
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        basis: 0,
        runs: 1,
        rows: rows.chain(absent(unfit)).collect(),
    }
    .without_empty_columns()
}

fn cells(lab: &Lab, contestant: &Contestant, place: Place) -> Result<Vec<f64>, String> {
    let command = contestant.running(&lab.nothing());
    let mut cells = Vec::from(by_callgrind(&command));
    cells.truncate(if place == Place::Isolated { 2 } else { 1 });
    cells.extend(by_perf(&command));
    if cells.iter().all(|cell| cell.is_nan()) {
        return Err("neither valgrind nor perf can count here".to_owned());
    }
    Ok(cells)
}

/// Of the process that is started, and of the PID 1 in it if there is one. Each says `==PID== Collected : N` at its end.
fn by_callgrind(command: &[String]) -> [f64; 2] {
    let Some(valgrind) = find("valgrind") else { return [f64::NAN; 2] };
    let options = ["--vgdb=no", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"];
    // Now and then valgrind loses a call that a signal interrupts, and what runs in it fails.
    let mut runs = (0..5).map(|_| alone(Command::new(&valgrind).args(options).args(command)));
    let Some((pid, said)) = runs.find(|(_, said)| !said.is_empty()) else { return [f64::NAN; 2] };
    [pid, 1].map(|pid| {
        let begin = format!("=={pid}== Collected :");
        let count = said.lines().find_map(|line| line.strip_prefix(&begin)?.trim().parse().ok());
        count.unwrap_or(f64::NAN)
    })
}

/// In user space and in the kernel; perf counts all processes together, the workload too.
fn by_perf(command: &[String]) -> [f64; 2] {
    let Some(perf) = find("perf") else { return [f64::NAN; 2] };
    let events = ["instructions:u", "instructions:k"];
    let (_, said) = alone(Command::new(perf).args(["stat", "-x,", "-e", &events.join(",")]).args(command));
    events.map(|event| {
        let line = said.lines().find(|line| line.split(',').any(|field| field == event));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(f64::NAN)
    })
}

/// Its pid, and what it says on stderr, with next to nothing in its environment.
fn alone(command: &mut Command) -> (u32, String) {
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let Ok(child) = command.spawn() else { return (0, String::new()) };
    let pid = child.id();
    // What fails has not done the job that is counted.
    let ended = child.wait_with_output().ok().filter(|output| output.status.success());
    (pid, ended.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default())
}
