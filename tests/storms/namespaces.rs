//! Many namespaces at a time, started and ended at random: anybody in them gets any signal, at any time.

use crate::census::Census;
use crate::support::privilege::{privileged, user_namespaces};
use crate::support::sys::kill_if_there;
use crate::support::{Place, eventually, procfs};
use crate::{report, size, sys};
use nix::libc;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

const KILL: i32 = 9;
const STOP: i32 = 19;
/// What is sent: all but STOP ends the workload, and none leaves a core.
const SIGNALS: [i32; 12] = [KILL, KILL, KILL, STOP, STOP, 1, 2, 10, 14, 15, 34, 64];

/// xorshift64: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    /// Every other time an instant of the start, which takes a few milliseconds; or else of a longer life.
    fn instant(&mut self) -> Instant {
        let most = if self.roll(2) == 0 { 6_000 } else { size(300_000, 3_000_000) };
        Instant::now() + Duration::from_micros(self.roll(most) as u64)
    }
}

/// A pidone that runs, and when something is to be done to it.
struct One {
    outer: i32,
    place: Place,
    due: Instant,
    /// The signal that it, or somebody in it, was sent.
    struck_by: Option<i32>,
    /// How it has ended, as wait(2) tells it.
    status: Option<i32>,
}

impl One {
    fn start(dice: &mut Dice, places: &[Place]) -> Self {
        let place = dice.pick(places);
        let mut command = place.shell("setsid sleep 1000 & sleep 1000 & wait");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let outer = command.spawn().expect("start pidone").id().cast_signed();
        One { outer, place, due: dice.instant(), struck_by: None, status: None }
    }

    /// Sends a signal to outer, init, the workload, or a child of that, as far as they are there. Whether that has to end
    /// everything: it went to outer. What comes to others early may have come for a process group that they then leave.
    fn strike(&mut self, dice: &mut Dice) -> bool {
        let signal = dice.pick(&SIGNALS);
        (self.struck_by, self.due) = (Some(signal), dice.instant());
        let mut target = self.outer;
        for _ in 0..dice.roll(4) {
            let children = procfs::children(target);
            if children.is_empty() {
                break;
            }
            target = dice.pick(&children);
        }
        kill_if_there(target, signal);
        target == self.outer && signal != STOP
    }

    /// Whether it died by this signal.
    fn died_by(&self, signal: i32) -> bool {
        self.status.is_some_and(|status| libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == signal)
    }
}

/// Takes note of who has ended. Others than these are inits that have outlived their outer by an instant.
fn hear(ones: &mut [One]) {
    while let Ok(Some((pid, status))) = sys::news() {
        if let Some(one) = ones.iter_mut().find(|one| one.outer == pid && one.status.is_none()) {
            one.status = Some(status);
        }
    }
}

/// Until the end of one.
fn end(ones: &mut [One], number: usize) {
    eventually("the end of an outer", || {
        hear(ones);
        ones[number].status
    });
}

/// Does what is due to one; a new one then takes its place if it is its end, which is checked.
fn act(ones: &mut [One], number: usize, dice: &mut Dice, places: &[Place], seed: u64) -> bool {
    let one = &mut ones[number];
    let expected = match one.struck_by {
        None => {
            assert_eq!(one.status, None, "{:?}: nobody has done anything to it; seed {seed}", one.place);
            if !one.strike(dice) {
                return false;
            }
            vec![one.struck_by.unwrap_or_default()]
        }
        Some(signal) => {
            if one.status.is_none() {
                kill_if_there(one.outer, KILL);
            }
            vec![signal, KILL]
        }
    };
    end(ones, number);
    let one = &mut ones[number];
    let is_right = expected.iter().any(|signal| one.died_by(*signal));
    assert!(is_right, "{:?}: status {:x?}, expected one of {expected:?}; seed {seed}", one.place, one.status);
    *one = One::start(dice, places);
    true
}

#[test]
fn namespaces_that_end_at_random_leave_nothing() {
    let census = Census::begin();
    let can = |place: &Place| if *place == Place::Isolated { privileged() } else { user_namespaces() };
    let places: Vec<_> = [Place::Isolated, Place::MapRoot, Place::MapCurrent].into_iter().filter(can).collect();
    if places.is_empty() {
        return;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
    let seed = u64::from(now.subsec_nanos()) | 1 << 32;
    let mut dice = Dice(seed);
    let mut ones: Vec<_> = (0..size(20, 200)).map(|_| One::start(&mut dice, &places)).collect();
    let mut ended = 0;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(size(4, 180) as u64) {
        let number = eventually("something is due", || {
            hear(&mut ones);
            ones.iter().position(|one| one.due <= Instant::now())
        });
        ended += usize::from(act(&mut ones, number, &mut dice, &places, seed));
    }
    ones.iter().filter(|one| one.status.is_none()).for_each(|one| kill_if_there(one.outer, KILL));
    census.check(|_, _| ());
    report(&format!("{} at a time, {ended} have ended in {:?}", ones.len(), start.elapsed()));
    assert!(ended >= ones.len(), "only {ended}");
}
