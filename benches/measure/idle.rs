//! Runs in: the benchmark. How often init and outer run while nothing happens: the context switches that proc(5) counts.

use crate::contestants::Place;
use crate::figures::{Row, Table, absent};
use crate::lab::{Lab, proc_field, settle};
use std::io;
use std::time::Duration;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let places = [
        (Place::PidOne, "idle.pid-1", "in place as PID 1"),
        (Place::Isolated, "idle.isolated", "isolated, both halves"),
    ];
    places.into_iter().map(|(place, key, words)| idle(lab, place, key, words)).collect()
}

/// All of them are idle at the same time.
fn idle(lab: &Lab, place: Place, key: &str, words: &str) -> io::Result<Table> {
    let seconds = lab.runs(10, 2);
    let (fit, unfit) = lab.entrants(place);
    let mut playing = Vec::new();
    for contestant in fit {
        let play = lab.play(&contestant, place, "hold", 0)?;
        let mut pids = vec![play.pid, play.init(place)?];
        pids.dedup();
        for pid in &pids {
            settle(*pid)?;
        }
        playing.push((contestant.name, play, pids));
    }
    let count = |pids: &[i32]| pids.iter().map(|pid| switches(*pid)).sum::<io::Result<f64>>();
    let before = playing.iter().map(|(.., pids)| count(pids)).collect::<io::Result<Vec<_>>>()?;
    std::thread::sleep(Duration::from_secs(seconds as u64));
    let after = playing.iter().map(|(.., pids)| count(pids)).collect::<io::Result<Vec<_>>>()?;
    let woken = before.into_iter().zip(after).map(|(before, after)| (after - before) / seconds as f64);
    let rows = playing.iter().zip(woken).map(|((who, ..), woken)| Row { who, cells: Ok(vec![woken]) });
    Ok(Table {
        key: key.to_owned(),
        title: format!("Idle wakeups, {words} (over {seconds} s)"),
        unit: "per second",
        columns: vec!["wakeups".to_owned()],
        basis: 0,
        runs: 1,
        rows: rows.chain(absent(unfit)).collect(),
    })
}

fn switches(pid: i32) -> io::Result<f64> {
    let number = |name| io::Result::Ok(proc_field(pid, name)?.parse().unwrap_or(0.0_f64));
    Ok(number("voluntary_ctxt_switches")? + number("nonvoluntary_ctxt_switches")?)
}
