//! Runs in: any thread-free process. Signal numbers and their names; pure.

use std::fmt;
use std::num::NonZeroU8;

/// A signal by its number, 1 to 64.
// With 0 left out an Option of one is a byte, too. nix's own type ends at 31 and knows no real-time signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(NonZeroU8);

/// What the kernel sends us when something happens to the report pipe, told from the same signal sent by a process by its
/// code. A real-time one: the kernel keeps no more than one SIGIO, so ours could swallow one that is to be forwarded.
pub(crate) const WATCH: Signal = Signal::of(Signal::RTMAX);

/// What the kernel sends us when the process or thread that made us dies (`--pdeathsig`). The C library keeps it for
/// itself, so nobody else sends it to another process.
pub(crate) const PARENT_DIED: Signal = Signal::of(32);

/// What `Launched::kill` sends, for pidone to make SIGKILL of it at the last hop. As for `PARENT_DIED`.
pub(crate) const KILL_COMMAND: Signal = Signal::of(33);

impl Signal {
    /// SIGHUP: the terminal went away; what the kernel also kills a PID namespace's init with on restart.
    pub const HUP: Self = Signal::of(1);
    /// SIGINT: Ctrl-C; what the kernel also kills a PID namespace's init with on power-off.
    pub const INT: Self = Signal::of(2);
    /// SIGQUIT: Ctrl-\\.
    pub const QUIT: Self = Signal::of(3);
    /// SIGWINCH: the terminal's size changed.
    pub const WINCH: Self = Signal::of(28);
    /// SIGKILL: cannot be caught, blocked or forwarded.
    pub const KILL: Self = Signal::of(9);
    /// SIGUSR1: what it means is up to the program.
    pub const USR1: Self = Signal::of(10);
    /// SIGUSR2: as SIGUSR1.
    pub const USR2: Self = Signal::of(12);
    /// SIGTERM: asks to end.
    pub const TERM: Self = Signal::of(15);
    /// SIGPIPE: a write with no reader left.
    pub(crate) const PIPE: Self = Signal::of(13);
    /// SIGCHLD: a child stopped or ended. It is about our own children, so it is never forwarded.
    pub(crate) const CHLD: Self = Signal::of(17);
    /// SIGCONT: continues what is stopped.
    pub const CONT: Self = Signal::of(18);
    /// SIGSTOP: stops, and cannot be caught, blocked or forwarded.
    pub const STOP: Self = Signal::of(19);
    /// SIGTSTP: Ctrl-Z.
    pub const TSTP: Self = Signal::of(20);
    /// SIGTTIN: a background process read from its terminal.
    pub(crate) const TTIN: Self = Signal::of(21);
    /// SIGTTOU: a background process wrote to its terminal, or changed it.
    pub(crate) const TTOU: Self = Signal::of(22);
    /// SIGXFSZ: a write beyond RLIMIT_FSIZE.
    pub(crate) const XFSZ: Self = Signal::of(25);
    /// SIGIO: something happened to a descriptor.
    pub(crate) const IO: Self = Signal::of(29);

    /// The first real-time signal that programs see as SIGRTMIN (glibc; 32 and 33 belong to the C library).
    const RTMIN: u8 = 34;
    /// The last signal of all, SIGRTMAX.
    const RTMAX: u8 = 64;

    /// For the numbers that stand here, none of which is 0.
    const fn of(number: u8) -> Self {
        match NonZeroU8::new(number) {
            Some(number) => Signal(number),
            None => Signal(NonZeroU8::MIN),
        }
    }

    /// The signal with this number; `None` outside 1 to 64.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        match u8::try_from(number) {
            Ok(number @ 1..=Self::RTMAX) => NonZeroU8::new(number).map(Signal),
            _ => None,
        }
    }

    /// The signal that a word names, as kill(1) takes it: `TERM`, `sigterm`, `15`, `RTMIN+3`, `SIGRTMAX-1`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(number) = digits(word) {
            return Self::new(number);
        }
        let word = word.to_ascii_uppercase();
        let name = word.strip_prefix("SIG").unwrap_or(&word);
        if let Some((_, number)) = OTHER_NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Signal::of(*number));
        }
        let (end, offset) = name.split_at_checked("RTMIN+".len()).unwrap_or_default();
        let offset = digits::<u8>(offset).filter(|offset| *offset <= Self::RTMAX - Self::RTMIN);
        match (end, offset) {
            ("RTMIN+", Some(above)) => Some(Signal::of(Self::RTMIN.saturating_add(above))),
            ("RTMAX-", Some(below)) => Some(Signal::of(Self::RTMAX.saturating_sub(below))),
            _ => (1..32).map(Signal::of).find(|signal| signal.to_string().strip_prefix("SIG") == Some(name)),
        }
    }

    /// Whether it may be forwarded: KILL and STOP never reach pidone's queue, and CHLD is about its own children.
    pub(crate) fn is_forwarded(self) -> bool {
        !matches!(self, Self::KILL | Self::CHLD | Self::STOP)
    }

    /// Whether the C library keeps it for itself, so that no program has a use for it.
    pub(crate) fn is_libcs(self) -> bool {
        (32..Self::RTMIN).contains(&self.0.get())
    }

    /// Whether it asks a program to end: what `--stop-timeout` and its like are about.
    pub(crate) fn is_stop(self) -> bool {
        matches!(self, Self::TERM | Self::INT | Self::QUIT | Self::HUP)
    }

    /// Whether the terminal stops a process group by it.
    pub(crate) fn is_terminal_stop(self) -> bool {
        matches!(self, Self::TSTP | Self::TTIN | Self::TTOU)
    }

    /// Its number, 1 to 64.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0.get().into()
    }
}

/// Names, without SIG, beside those that signals are shown by.
const OTHER_NAMES: [(&str, u8); 5] =
    [("IOT", 6), ("CLD", 17), ("POLL", 29), ("RTMIN", Signal::RTMIN), ("RTMAX", Signal::RTMAX)];

/// The name as `kill -l` gives it: `SIGTERM`, `SIGRTMIN+3`; 32 and 33, which have none, as `signal 32`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Half-way between SIGRTMIN and SIGRTMAX: `kill -l` counts the upper ones down from the end.
        const COUNT_DOWN_FROM: u8 = 50;
        if let Some(name) = signal_hook::low_level::signal_name(self.number()) {
            return f.write_str(name);
        }
        match self.0.get() {
            16 => f.write_str("SIGSTKFLT"),
            30 => f.write_str("SIGPWR"),
            Self::RTMIN => f.write_str("SIGRTMIN"),
            Self::RTMAX => f.write_str("SIGRTMAX"),
            number @ Self::RTMIN..COUNT_DOWN_FROM => write!(f, "SIGRTMIN+{}", number.saturating_sub(Self::RTMIN)),
            number @ COUNT_DOWN_FROM.. => write!(f, "SIGRTMAX-{}", Self::RTMAX.saturating_sub(number)),
            number => write!(f, "signal {number}"),
        }
    }
}

/// A number of digits alone: `parse` would take a sign, too.
pub(crate) fn digits<T: TryFrom<u64>>(word: &str) -> Option<T> {
    number(word).and_then(|number| T::try_from(number).ok())
}

#[inline(never)]
fn number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What each signal becomes before it is forwarded: itself, another one, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rewrites {
    to: [Option<Signal>; 65],
    /// Bit `n` stands for signal `n`: somebody has asked for it, if only to stay itself.
    asked: u128,
}

impl Rewrites {
    /// Every signal stays what it is.
    pub(crate) fn none() -> Self {
        // Number 0 is none, and maps to nothing.
        let mut to = [None; 65];
        to.iter_mut().zip(0..).for_each(|(to, number)| *to = NonZeroU8::new(number).map(Signal));
        Rewrites { to, asked: 0 }
    }

    /// From now on `from` becomes `to`, or is dropped. The last word on a signal counts.
    pub(crate) fn set(&mut self, from: Signal, to: Option<Signal>) {
        if let Some(place) = self.to.get_mut(usize::from(from.0.get())) {
            *place = to;
        }
        self.asked |= 1 << from.0.get();
    }

    /// From now on `from` becomes `to`, unless something else was asked for.
    pub(crate) fn set_default(&mut self, from: Signal, to: Signal) {
        if self.asked & (1 << from.0.get()) == 0 {
            self.set(from, Some(to));
        }
    }

    /// What to forward in place of `signal`, if anything.
    pub(crate) fn apply(&self, signal: Signal) -> Option<Signal> {
        self.to.get(usize::from(signal.0.get())).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_1_to_64_are_signals() {
        for number in [i32::MIN, -1, 0, 65, 256, 257, i32::MAX] {
            assert_eq!(Signal::new(number), None, "{number}");
        }
        for number in 1..=64 {
            assert_eq!(Signal::new(number).map(Signal::number), Some(number));
        }
    }

    #[test]
    fn every_name_is_understood_again_and_so_are_the_ways_people_write_them() {
        for signal in (1..=64).filter_map(Signal::new).filter(|signal| !matches!(signal.number(), 32 | 33)) {
            let name = signal.to_string();
            for word in [&name, &name.to_lowercase(), &name[3..], &signal.number().to_string()] {
                assert_eq!(Signal::parse(word), Some(signal), "{word}");
            }
        }
        assert_eq!(Signal::parse("RTMIN+30"), Signal::new(64));
        assert_eq!(Signal::parse("rtmax-30"), Signal::new(34));
        for word in [
            "",
            "SIG",
            "0",
            "65",
            "-1",
            "256",
            "RTMIN+31",
            "RTMAX-31",
            "RTMIN+",
            "RTMIN-1",
            "TERMX",
            "SIGSIGTERM",
            "+15",
            "RTMIN++3",
            "signal 32",
        ] {
            assert_eq!(Signal::parse(word), None, "{word}");
        }
    }

    #[test]
    fn names_are_those_of_kill_l() {
        let table = [
            (1, "SIGHUP"),
            (15, "SIGTERM"),
            (16, "SIGSTKFLT"),
            (29, "SIGIO"),
            (30, "SIGPWR"),
            (31, "SIGSYS"),
            (32, "signal 32"),
            (33, "signal 33"),
            (34, "SIGRTMIN"),
            (37, "SIGRTMIN+3"),
            (49, "SIGRTMIN+15"),
            (50, "SIGRTMAX-14"),
            (64, "SIGRTMAX"),
        ];
        for (number, name) in table {
            assert_eq!(Signal::new(number).unwrap().to_string(), name);
        }
    }
}
