//! Runs in: any thread-free process. Signal numbers and their names; pure.

use std::fmt;

/// A signal number from 1 to 64. nix's own type ends at 31 and knows no real-time signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signal(u8);

/// What the kernel sends us when something happens to the report pipe, told from the same signal sent by a process by its
/// code. A real-time one: the kernel keeps no more than one SIGIO, so ours could swallow one that is to be forwarded.
pub(crate) const WATCH: Signal = Signal(Signal::RTMAX);

impl Signal {
    /// SIGHUP: the terminal went away; what the kernel also kills a PID namespace's init with on restart.
    pub(crate) const HUP: Self = Signal(1);
    /// SIGINT: Ctrl-C; what the kernel also kills a PID namespace's init with on power-off.
    pub(crate) const INT: Self = Signal(2);
    /// SIGQUIT: Ctrl-\\.
    pub(crate) const QUIT: Self = Signal(3);
    /// SIGWINCH: the terminal's size changed.
    pub(crate) const WINCH: Self = Signal(28);
    /// SIGPIPE: a write with no reader left.
    pub(crate) const PIPE: Self = Signal(13);
    /// SIGCHLD: a child stopped or ended. It is about our own children, so it is never forwarded.
    pub(crate) const CHLD: Self = Signal(17);
    /// SIGCONT: continues what is stopped.
    pub(crate) const CONT: Self = Signal(18);
    /// SIGSTOP: stops, and cannot be caught, blocked or forwarded.
    pub(crate) const STOP: Self = Signal(19);
    /// SIGTSTP: Ctrl-Z.
    pub(crate) const TSTP: Self = Signal(20);
    /// SIGTTIN: a background process read from its terminal.
    pub(crate) const TTIN: Self = Signal(21);
    /// SIGTTOU: a background process wrote to its terminal, or changed it.
    pub(crate) const TTOU: Self = Signal(22);
    /// SIGXFSZ: a write beyond RLIMIT_FSIZE.
    pub(crate) const XFSZ: Self = Signal(25);
    /// SIGIO: something happened to a descriptor.
    pub(crate) const IO: Self = Signal(29);

    /// The first real-time signal that programs see as SIGRTMIN (glibc; 32 and 33 belong to the C library).
    const RTMIN: u8 = 34;
    /// The last signal of all, SIGRTMAX.
    const RTMAX: u8 = 64;

    /// The signal with this number; `None` outside 1 to 64.
    #[must_use]
    pub(crate) fn new(number: i32) -> Option<Self> {
        match u8::try_from(number) {
            Ok(number @ 1..=Self::RTMAX) => Some(Signal(number)),
            _ => None,
        }
    }

    /// Its number, 1 to 64.
    #[must_use]
    pub(crate) fn number(self) -> i32 {
        self.0.into()
    }
}

/// The name as `kill -l` gives it: `SIGTERM`, `SIGRTMIN+3`; 32 and 33, which have none, as `signal 32`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Half-way between SIGRTMIN and SIGRTMAX: `kill -l` counts the upper ones down from the end.
        const COUNT_DOWN_FROM: u8 = 50;
        if let Some(name) = signal_hook::low_level::signal_name(self.number()) {
            return f.write_str(name);
        }
        match self.0 {
            16 => f.write_str("SIGSTKFLT"),
            30 => f.write_str("SIGPWR"),
            Self::RTMIN => f.write_str("SIGRTMIN"),
            Self::RTMAX => f.write_str("SIGRTMAX"),
            number @ Self::RTMIN..COUNT_DOWN_FROM => write!(f, "SIGRTMIN+{}", number - Self::RTMIN),
            number @ COUNT_DOWN_FROM.. => write!(f, "SIGRTMAX-{}", Self::RTMAX - number),
            number => write!(f, "signal {number}"),
        }
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
