//! Runs in: the benchmark. From the start of a contestant to its exit, with a program in it that does nothing.

use crate::contestants::{Contestant, Place};
use crate::figures::{Table, absent, distribution};
use crate::lab::Lab;
use crate::sys::{self, Prepared};
use crate::turns::Turns;
use std::io;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let places = [
        (Place::PidOne, "start.pid-1", "Start to exit, in place as PID 1", lab.runs(3000, 100)),
        (Place::Subreaper, "start.subreaper", "Start to exit, in place as a subreaper", lab.runs(3000, 100)),
        (Place::Isolated, "start.isolated", "Start to exit, isolated", lab.runs(1000, 40)),
    ];
    places.into_iter().map(|(place, key, title, runs)| in_place_of(lab, place, key, title, runs)).collect()
}

fn in_place_of(lab: &Lab, place: Place, key: &str, title: &str, runs: usize) -> io::Result<Table> {
    let (fit, unfit) = lab.entrants(place);
    lab.stay_on_one_processor(true)?;
    let samples = interleaved(lab, &fit, place, runs);
    lab.stay_on_one_processor(false)?;
    let mut table = distribution(key, title, samples?);
    table.rows.extend(absent(unfit));
    Ok(table)
}

/// Microseconds from start to exit. Each round has one run of everybody, so that what disturbs the machine for a while disturbs
/// all of them; and an order of its own, so that nobody always finds the caches as the same other one has left them.
pub fn interleaved(
    lab: &Lab,
    contestants: &[Contestant],
    place: Place,
    runs: usize,
) -> io::Result<Vec<(&'static str, Vec<f64>)>> {
    let prepared: Vec<Prepared> =
        contestants.iter().map(|contestant| lab.prepare(contestant, place, &lab.nothing())).collect();
    let mut samples: Vec<_> = contestants.iter().map(|contestant| (contestant.name, Vec::new())).collect();
    let mut turns = Turns::of(prepared.len());
    for _ in 0..runs {
        for &number in turns.next_round() {
            let begin = sys::now();
            let status = sys::wait_for(prepared[number].start()?)?;
            let taken = sys::now() - begin;
            if status != 0 {
                return Err(io::Error::other(format!("{} exits with {status}", samples[number].0)));
            }
            samples[number].1.push(taken as f64 / 1e3);
        }
    }
    Ok(samples)
}
