//! Runs in: the benchmark. The memory of an init and an outer that have nothing to do: their own pages, those that they share,
//! and their page tables (proc(5): smaps_rollup, VmPTE). What the kernel keeps for a process beside that is the same for all.

use crate::contestants::{Contestant, Place};
use crate::figures::{Row, Table, absent};
use crate::lab::{Lab, Playing, child_of, field, proc_field, settle};
use std::io;

const COLUMNS: [&str; 4] = ["private dirty", "PSS", "RSS", "page tables"];

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let mut tables = Vec::new();
    for instances in [1, lab.runs(500, 20)] {
        tables.extend(in_one_place(lab, Place::PidOne, instances)?);
        tables.extend(in_one_place(lab, Place::Isolated, instances)?);
    }
    Ok(tables)
}

/// A table for init, and one for outer if there is one.
fn in_one_place(lab: &Lab, place: Place, instances: usize) -> io::Result<Vec<Table>> {
    let (fit, unfit) = lab.entrants(place);
    let (mut inits, mut outers) = (Vec::new(), Vec::new());
    for contestant in &fit {
        let (mut of_init, mut of_outer) = (Vec::new(), Vec::new());
        for _ in 0..if instances == 1 { lab.runs(10, 3) } else { 1 } {
            // One contestant's instances at a time: how many share a page is part of the figure.
            let playing = all_at_once(lab, contestant, place, instances)?;
            for one in &playing {
                let init = one.init(place)?;
                if place == Place::Isolated {
                    of_outer.push(memory(one.pid)?);
                }
                // Without a child, it is the workload.
                if child_of(init).is_ok() {
                    of_init.push(memory(init)?);
                }
            }
        }
        let who = contestant.name;
        outers.push(Row { who, cells: average(&of_outer) });
        inits.push(Row { who, cells: average(&of_init) });
    }
    let (key, words) =
        if place == Place::PidOne { ("pid-1", "in place as PID 1") } else { ("isolated", "isolated") };
    let table = |half: &str, mut rows: Vec<Row>| {
        rows.extend(absent(unfit.clone()));
        Table {
            key: format!("memory.{key}.{half}.{instances}"),
            title: format!("Memory of an idle {half}, {words}, each of {instances}"),
            unit: "kB",
            columns: COLUMNS.map(str::to_owned).into(),
            basis: 0,
            runs: instances,
            rows,
        }
    };
    let inits = table("init", inits);
    Ok(if place == Place::Isolated { vec![table("outer", outers), inits] } else { vec![inits] })
}

/// Instances that have come to rest.
fn all_at_once(lab: &Lab, contestant: &Contestant, place: Place, instances: usize) -> io::Result<Vec<Playing>> {
    let playing: Vec<Playing> =
        (0..instances).map(|_| lab.play(contestant, place, "hold", 0)).collect::<io::Result<_>>()?;
    // Those that were started before the last one have had longer.
    if let Some(last) = playing.last() {
        settle(last.pid)?;
        settle(last.init(place)?)?;
    }
    Ok(playing)
}

/// For each column, what a process has on average.
fn average(all: &[[f64; COLUMNS.len()]]) -> Result<Vec<f64>, String> {
    if all.is_empty() {
        return Err("has none: the workload is PID 1".to_owned());
    }
    Ok((0..COLUMNS.len()).map(|column| all.iter().map(|one| one[column]).sum::<f64>() / all.len() as f64).collect())
}

fn memory(pid: i32) -> io::Result<[f64; COLUMNS.len()]> {
    let rollup = format!("/proc/{pid}/smaps_rollup");
    let kilobytes = |text: io::Result<String>| {
        let number = text?.split_whitespace().next().and_then(|number| number.parse().ok());
        number.ok_or_else(|| io::Error::other("not a number of kB"))
    };
    Ok([
        kilobytes(field(&rollup, "Private_Dirty"))?,
        kilobytes(field(&rollup, "Pss"))?,
        kilobytes(field(&rollup, "Rss"))?,
        kilobytes(proc_field(pid, "VmPTE"))?,
    ])
}
