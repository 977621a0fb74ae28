//! Signals from many senders at once, while children die.

use crate::census::Census;
use crate::support::{Place, Running, play, sys};
use crate::{report, size};
use nix::sys::resource::Resource;
use std::process::Command;
use std::time::Instant;

const SENDERS: usize = 20;
/// The first of so many real-time signals.
const FIRST: usize = 40;
/// How many may be pending for a user at once: pidone and its workload get in each other's way, and senders have to try again.
/// Without that the queue would grow to some 100,000, through which the kernel goes for each signal that is taken
/// (`collect_signal`).
const ROOM: u64 = 4000;

fn all_arrive(census: &Census, place: Place, each: usize) {
    let numbers = [SENDERS, each].map(|number| number.to_string());
    let mut command = place.pidone(&[], &play("receiver"));
    command.arg(FIRST.to_string()).args(&numbers);
    sys::before_exec(&mut command, || sys::limit(Resource::RLIMIT_SIGPENDING, ROOM, ROOM));
    let mut receiver = Running::start(&mut command);
    receiver.expect("ready");
    let [player, role] = play("senders");
    let start = Instant::now();
    let target = place.supervisor(&receiver);
    let mut senders = Command::new(player);
    senders.args([role, target.to_string(), FIRST.to_string()]).args(&numbers);
    let sent = Running::start(&mut senders).end();
    sent.exits(0);
    assert_eq!(sent.stdout, "sent\n");
    // Anything out of order would be said first.
    receiver.expect("all");
    let took = start.elapsed();
    sys::kill(target, 15);
    let line = receiver.expect("plain ");
    let plain: usize = line["plain ".len()..].parse().expect("a number");
    let ended = receiver.end();
    ended.exits(5).silently();
    assert_eq!(ended.stdout, "", "nothing arrives twice");
    let plain_sent = SENDERS * each.div_ceil(10);
    assert!((1..=plain_sent).contains(&plain), "{plain} of {plain_sent}");
    report(&format!(
        "{place:?}: {} real-time signals in order within {took:?}; of {plain_sent} SIGUSR1 {plain}",
        SENDERS * each
    ));
    census.check(|_, _| ());
}

#[test]
fn each_of_all_signals_from_twenty_senders_arrives_once_and_in_order() {
    let census = Census::begin();
    for place in Place::with_init() {
        all_arrive(&census, place, size(500, 10_000));
    }
}
