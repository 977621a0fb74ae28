//! Runs in: the test harness. The kernel's rules as tables.

use super::*;

const NONE: Masks = Masks {
    blocked: 0,
    pending: 0,
    ignored: 0,
    caught: 0,
    sigwait: 0,
    signalfd: 0,
    waits_unknown: false,
    is_stopped: false,
};

fn bit(signal: Signal) -> u64 {
    1 << (signal.number() - 1)
}

fn both(signal: Signal, masks: &Masks, standing: Standing) -> (Option<Outcome>, Option<Outcome>) {
    (outcome(signal, masks, standing, Sender::Inside), outcome(signal, masks, standing, Sender::Outside))
}

#[test]
fn defaults_act_on_ordinary_processes_and_are_dropped_for_an_init() {
    use Outcome::{Continues, Dropped, Ignored, Stops, Terminates};
    let table = [
        // Ordinary, init from inside, init from outside.
        (Signal::TERM, Terminates, Dropped, Dropped),
        (Signal::HUP, Terminates, Dropped, Dropped),
        (Signal::KILL, Terminates, Dropped, Terminates),
        (Signal::STOP, Stops, Dropped, Stops),
        (Signal::TSTP, Stops, Dropped, Dropped),
        (Signal::CONT, Continues, Continues, Continues),
        (Signal::CHLD, Ignored, Ignored, Ignored),
        (Signal::WINCH, Ignored, Ignored, Ignored),
        (Signal::new(23).unwrap(), Ignored, Ignored, Ignored),
        (Signal::new(64).unwrap(), Terminates, Dropped, Dropped),
    ];
    for (signal, ordinary, inside, outside) in table {
        assert_eq!(both(signal, &NONE, Standing::Ordinary), (Some(ordinary), Some(ordinary)), "{signal}");
        assert_eq!(both(signal, &NONE, Standing::Init), (Some(inside), Some(outside)), "{signal}");
        let machine = outcome(signal, &NONE, Standing::MachineInit, Sender::Inside);
        assert_eq!(machine, Some(inside), "{signal}");
        assert_eq!(both(signal, &NONE, Standing::Dead), (Some(Outcome::Dropped), Some(Outcome::Dropped)));
    }
    assert_eq!(both(Signal::TSTP, &NONE, Standing::InOrphanedGroup).0, Some(Ignored));
    assert_eq!(both(Signal::STOP, &NONE, Standing::InOrphanedGroup).0, Some(Stops));
}

#[test]
fn what_is_arranged_holds_for_an_init_as_for_any() {
    let term = bit(Signal::TERM);
    let table = [
        (Masks { caught: term, ..NONE }, Disposition::Caught, Outcome::Handler),
        (Masks { ignored: term, ..NONE }, Disposition::Ignored, Outcome::Ignored),
        (Masks { blocked: term, ..NONE }, Disposition::Default, Outcome::Queued),
        (Masks { blocked: term, ignored: term, ..NONE }, Disposition::Ignored, Outcome::Queued),
        (Masks { blocked: term, caught: term, ..NONE }, Disposition::Caught, Outcome::Queued),
        (Masks { blocked: term, sigwait: term, ..NONE }, Disposition::Waited, Outcome::Queued),
        (Masks { blocked: term, signalfd: term, ignored: term, ..NONE }, Disposition::Waited, Outcome::Queued),
        // A signalfd does nothing for what is not blocked.
        (Masks { caught: term, signalfd: term, ..NONE }, Disposition::Caught, Outcome::Handler),
    ];
    for (masks, expected, becomes) in table {
        assert_eq!(disposition(Signal::TERM, &masks), expected, "{masks:?}");
        for standing in [Standing::Ordinary, Standing::Init] {
            assert_eq!(both(Signal::TERM, &masks, standing), (Some(becomes), Some(becomes)), "{masks:?}");
        }
        // Nothing of it can be arranged for these two.
        assert_eq!(both(Signal::KILL, &masks, Standing::Init).1, Some(Outcome::Terminates));
    }
    let masks = Masks { signalfd: term, ..NONE };
    assert_eq!(both(Signal::TERM, &masks, Standing::Init).1, Some(Outcome::Dropped), "not blocked, so not taken");
    let masks = Masks { ignored: bit(Signal::CONT), ..NONE };
    assert_eq!(both(Signal::CONT, &masks, Standing::Ordinary).0, Some(Outcome::Continues));
}

#[test]
fn without_the_waits_only_what_does_not_hang_on_them_is_said() {
    let masks = Masks { caught: bit(Signal::HUP), blocked: bit(Signal::INT), waits_unknown: true, ..NONE };
    let said = |signal| both(signal, &masks, Standing::Init).1;
    assert_eq!(said(Signal::TERM), None);
    assert_eq!(said(Signal::HUP), None, "dumb-init catches what it waits for");
    assert_eq!(said(Signal::INT), Some(Outcome::Queued));
    assert_eq!(said(Signal::KILL), Some(Outcome::Terminates));
}

#[test]
fn what_looks_unblocked_may_not_be_where_the_waits_are_unknown() {
    let masks = Masks { caught: bit(Signal::HUP), blocked: bit(Signal::INT), waits_unknown: true, ..NONE };
    let said = |signal| {
        let row = row(signal, &masks, Standing::Init, true);
        (row.disposition, row.blocked)
    };
    assert_eq!(said(Signal::HUP), (None, None));
    assert_eq!(said(Signal::INT), (None, Some(true)));
    assert_eq!(said(Signal::KILL), (Some(Disposition::Default), Some(false)));
}

#[test]
fn what_is_stopped_keeps_all_but_a_kill_until_it_is_continued() {
    let masks =
        Masks { caught: bit(Signal::HUP) | bit(Signal::CONT), ignored: bit(Signal::INT), is_stopped: true, ..NONE };
    let table = [
        (Signal::TERM, Outcome::Queued),
        (Signal::HUP, Outcome::Queued),
        (Signal::INT, Outcome::Ignored),
        (Signal::CONT, Outcome::Handler),
        (Signal::KILL, Outcome::Terminates),
        (Signal::STOP, Outcome::Stops),
    ];
    for (signal, becomes) in table {
        assert_eq!(both(signal, &masks, Standing::Ordinary).0, Some(becomes), "{signal}");
    }
}

#[test]
fn the_table_has_1_to_31_and_what_is_used_above() {
    let rows = rows(&Masks { caught: 1 << 33, ..NONE }, Standing::Init, false);
    let numbers: Vec<_> = rows.iter().map(|row| row.signal.number()).collect();
    assert_eq!(numbers, (1..=31).chain([34]).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row.from_outside.is_none()), "there is no outside");
}
