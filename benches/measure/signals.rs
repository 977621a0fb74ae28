//! Runs in: the benchmark. How long SIGUSR1 takes from kill(2) until the workload has it, through init, and through outer and
//! init.

use crate::contestants::{Contestant, Place};
use crate::figures::{Row, Table, absent, distribution};
use crate::lab::{Lab, Playing, settle};
use crate::sys;
use crate::turns::Turns;
use nix::libc::SIGUSR1;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    let places = [
        (Place::PidOne, "signals.init", "Signal from sender to workload, through init"),
        (Place::Isolated, "signals.outer-init", "Signal from sender to workload, through outer and init"),
    ];
    places.into_iter().map(|(place, key, title)| through(lab, place, key, title)).collect()
}

fn through(lab: &Lab, place: Place, key: &str, title: &str) -> io::Result<Table> {
    let (fit, unfit) = lab.entrants(place);
    lab.stay_on_one_processor(true)?;
    let measured = samples(lab, &fit, place);
    lab.stay_on_one_processor(false)?;
    let (samples, silent) = measured?;
    let mut table = distribution(key, title, samples);
    table.rows.extend(silent.into_iter().map(|who| Row { who, cells: Err("does not forward it".to_owned()) }));
    table.rows.extend(absent(unfit));
    Ok(table)
}

type Samples = Vec<(&'static str, Vec<f64>)>;

fn samples(lab: &Lab, fit: &[Contestant], place: Place) -> io::Result<(Samples, Vec<&'static str>)> {
    let mut playing = Vec::new();
    let mut silent = Vec::new();
    for contestant in fit {
        let mut play = lab.play(contestant, place, "signals", 0)?;
        settle(play.pid)?;
        settle(play.init(place)?)?;
        if forwards(&mut play)? {
            playing.push((contestant.name, play, Vec::new()))
        } else {
            silent.push(contestant.name)
        }
    }
    let mut turns = Turns::of(playing.len());
    for _ in 0..lab.runs(10_000, 300) {
        for &number in turns.next_round() {
            let (_, play, samples) = &mut playing[number];
            let sent = sys::now();
            sys::kill(play.pid, SIGUSR1)?;
            samples.push((play.answer()? - sent) as f64 / 1e3);
        }
    }
    Ok((playing.into_iter().map(|(name, _, samples)| (name, samples)).collect(), silent))
}

/// Whether a signal arrives at all.
fn forwards(play: &mut Playing) -> io::Result<bool> {
    sys::kill(play.pid, SIGUSR1)?;
    let mut answer = [PollFd::new(play.answers.as_fd(), PollFlags::POLLIN)];
    let answered = poll(&mut answer, PollTimeout::from(2_000_u16))? == 1;
    // At the end of the file the workload is gone.
    Ok(answered && play.answer().is_ok())
}
