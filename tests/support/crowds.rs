//! The workloads that come in numbers: many orphans, zombies, signals, forks. See `workload.rs`.

use super::sys;
use super::workload::{ready, say};
use std::io::Read;

/// Plays `role`, if it is one of these.
pub fn play(role: &str, numbers: &[usize]) -> bool {
    match (role, numbers) {
        ("orphan-storm", &[count, each]) => orphan_storm(count, each),
        ("zombies", &[count]) => zombies(count),
        ("senders", &[target, signal, number, count]) => senders(target, signal, number, count),
        ("receiver", &[signal, number, count]) => receiver(signal, number, count),
        ("fork-bomb", &[]) => fork_bomb(),
        _ => return false,
    }
    true
}

/// Waits for a line on stdin, or its end.
fn await_word() -> bool {
    let mut byte = [0];
    while std::io::stdin().read(&mut byte).is_ok_and(|length| length != 0) {
        if byte == *b"\n" {
            return true;
        }
    }
    false
}

/// A process that ends at once and leaves `count` orphans, which end at once.
fn leave_orphans(count: usize) {
    if sys::fork() == 0 {
        for _ in 0..count {
            if sys::fork() == 0 {
                sys::exit(0);
            }
        }
        sys::exit(0);
    }
    sys::wait_any();
}

/// Makes `count` orphans; after `each` of them it says how many there have been, and waits for a word to go on. Exits with 3.
fn orphan_storm(count: usize, each: usize) {
    const LITTER: usize = 10;
    for made in (LITTER..=count).step_by(LITTER) {
        leave_orphans(LITTER);
        if made % each == 0 {
            say(&format!("made {made}"));
            await_word();
        }
    }
    sys::exit(3);
}

/// Has a child that makes `count` zombies and then, upon a word, dies without having waited for one. Stays until SIGTERM, upon
/// which it exits with 4.
fn zombies(count: usize) {
    let _ = sys::block(u64::MAX);
    if sys::fork() == 0 {
        for _ in 0..count {
            match sys::fork() {
                0 => sys::exit(0),
                -1 => say("no process to be had"),
                _ => {}
            }
        }
        ready();
        await_word();
        sys::exit(0);
    }
    loop {
        match sys::wait_signal().si_signo {
            15 => sys::exit(4),
            17 => drop(sys::wait_any()),
            _ => {}
        }
    }
}

/// Sends `count` signals to `target` from each of so many processes, the one after the other as fast as they are taken: a
/// real-time signal, `signal` and the following ones, with the sender's number and a serial number as its value; and a SIGUSR1
/// after every tenth.
fn senders(target: usize, signal: usize, senders: usize, count: usize) {
    const USR1: i32 = 10;
    let target = i32::try_from(target).unwrap_or(0);
    for sender in 0..senders {
        if sys::fork() == 0 {
            let signal = i32::try_from(signal + sender).unwrap_or(0);
            for serial in 0..count {
                while !sys::sigqueue(target, signal, sender << 24 | serial) {
                    std::thread::yield_now();
                }
                if serial % 10 == 0 {
                    sys::kill(target, USR1);
                }
            }
            sys::exit(0);
        }
    }
    for _ in 0..senders {
        sys::wait_any();
    }
    say("sent");
}

/// Takes what `senders` send, while children of its own and orphans die all the time. Says what comes out of order, and when
/// all has come; and upon SIGTERM how many SIGUSR1 have come. Exits with 5.
fn receiver(signal: usize, senders: usize, count: usize) {
    let _ = sys::block(u64::MAX);
    let own = std::process::id().cast_signed();
    if sys::fork() == 0 {
        // Children that die; without the last look at who is above they would go on for ever.
        while nix::unistd::getppid().as_raw() == own {
            leave_orphans(2);
        }
        sys::exit(0);
    }
    ready();
    let mut next = vec![0; senders];
    let mut plain = 0;
    loop {
        let info = sys::wait_signal();
        let number = usize::try_from(info.si_signo).unwrap_or(0);
        match number {
            10 => plain += 1,
            15 => break,
            _ if number >= signal && number < signal + senders => {
                let value = sys::signal_value(&info);
                let sender = number - signal;
                if value != (sender << 24 | next[sender]) {
                    say(&format!("from {sender}: {value:#x} where {} was next", next[sender]));
                }
                next[sender] += 1;
                if next.iter().all(|so_far| *so_far == count) {
                    say("all");
                }
            }
            // Of the children.
            _ => {}
        }
    }
    say(&format!("plain {plain}"));
    sys::exit(5);
}

/// Everybody makes more of the same, for ever, and nobody heeds SIGTERM but the first one.
fn fork_bomb() {
    ready();
    if sys::fork() == 0 {
        let _ = sys::block(u64::MAX);
        loop {
            sys::fork();
        }
    }
    loop {
        sys::pause();
    }
}
