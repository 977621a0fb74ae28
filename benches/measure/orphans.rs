//! Runs in: the benchmark. What init's real work costs: orphans that come one by one, and zombies that come all at once.

use crate::contestants::{Contestant, Place};
use crate::figures::{Row, Table, absent, median};
use crate::lab::{Lab, settle};
use crate::sys;
use crate::turns::Turns;
use std::io;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let (fit, unfit) = lab.entrants(Place::PidOne);
    lab.stay_on_one_processor(true)?;
    let tables = one_by_one(lab, &fit).and_then(|first| Ok([first, at_once(lab, &fit)?]));
    lab.stay_on_one_processor(false)?;
    let mut tables: Vec<Table> = tables?.into();
    for table in &mut tables {
        table.rows.extend(absent(unfit.clone()));
    }
    Ok(tables)
}

/// Orphans come in batches, from all contestants in turn; each is reaped before the next one comes.
fn one_by_one(lab: &Lab, fit: &[Contestant]) -> io::Result<Table> {
    let orphans = lab.runs(20_000, 600);
    const BATCHES: usize = 20;
    let batch = orphans / BATCHES;
    let mut playing = Vec::new();
    for contestant in fit {
        let play = lab.play(contestant, Place::PidOne, "orphans", batch)?;
        settle(play.pid)?;
        playing.push((contestant.name, play, Vec::new()));
    }
    let mut turns = Turns::of(playing.len());
    for _ in 0..BATCHES {
        for &number in turns.next_round() {
            let (_, play, samples) = &mut playing[number];
            let before = sys::cpu_time(play.pid)?;
            play.work()?;
            samples.push((sys::cpu_time(play.pid)? - before) as f64 / 1e3 / batch as f64);
        }
    }
    let rows = playing.into_iter().map(|(who, _, samples)| Row { who, cells: Ok(vec![median(samples)]) });
    Ok(Table {
        key: "orphans.cpu".to_owned(),
        title: format!("Processor time of init per reaped orphan (median of {BATCHES} batches)"),
        unit: "µs",
        columns: vec!["per orphan".to_owned()],
        basis: 0,
        runs: orphans,
        rows: rows.collect(),
    })
}

fn at_once(lab: &Lab, fit: &[Contestant]) -> io::Result<Table> {
    let zombies = lab.runs(20_000, 600).min(room_for_processes()?);
    let rounds = lab.runs(5, 1);
    let mut samples: Vec<(_, Vec<f64>, Vec<f64>)> = fit.iter().map(|one| (one.name, vec![], vec![])).collect();
    let mut turns = Turns::of(fit.len());
    for _ in 0..rounds {
        for &number in turns.next_round() {
            let (_, times, works) = &mut samples[number];
            let mut play = lab.play(&fit[number], Place::PidOne, "zombies", zombies)?;
            let before = sys::cpu_time(play.pid)?;
            times.push(play.work()? as f64 / 1e6);
            works.push((sys::cpu_time(play.pid)? - before) as f64 / 1e3 / zombies as f64);
        }
    }
    let rows =
        samples.into_iter().map(|(who, times, works)| Row { who, cells: Ok(vec![median(times), median(works)]) });
    Ok(Table {
        key: "orphans.drain".to_owned(),
        title: format!("{zombies} zombies at once (median of {rounds})"),
        unit: "ms; µs",
        columns: vec!["until reaped".to_owned(), "CPU per zombie".to_owned()],
        basis: 0,
        runs: zombies,
        rows: rows.collect(),
    })
}

/// How many processes there can be beside those that there are, with some left for others (`pid_max`, proc(5)).
fn room_for_processes() -> io::Result<usize> {
    const FOR_OTHERS: usize = 4_000;
    let number = |text: &str| text.trim().parse().unwrap_or(0_usize);
    let most = number(&std::fs::read_to_string("/proc/sys/kernel/pid_max")?);
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let there = load.split(['/', ' ']).nth(4).map_or(0, number);
    Ok(most.saturating_sub(there + FOR_OTHERS))
}
