//! Runs in: outer, init. What /proc says of a process, read without allocating. Of a zombie it says all of it until it is
//! reaped.

use super::buffer::Piece;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpid, read};
use std::ffi::CStr;
use std::fmt::{Display, Write as _};
use std::time::Duration;

/// Longest name: 15 bytes for programs, more only for threads of the kernel.
const LONGEST_NAME: usize = 32;

/// A name as `ps` shows it; empty where it cannot be known.
#[derive(Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; LONGEST_NAME],
    length: usize,
}

impl Name {
    const UNKNOWN: Self = Name { bytes: [0; LONGEST_NAME], length: 0 };

    fn of(text: &[u8]) -> Self {
        let mut name = Self::UNKNOWN;
        name.length = name.bytes.iter_mut().zip(text).map(|(place, byte)| *place = *byte).count();
        name
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.get(..self.length).filter(|name| !name.is_empty())
    }
}

/// What is known of a process.
pub(crate) struct Witness {
    pub(super) name: Name,
    /// When it started, since boot, to the hundredth of a second.
    pub(super) started: Option<Duration>,
}

impl Witness {
    /// Of whom nothing is known. As a sender 0 stands for many.
    pub(super) const NOBODY: Pid = Pid::from_raw(0);

    pub(super) fn of(pid: Pid) -> Self {
        let mut bytes = [0; 512];
        let stat = if pid != Self::NOBODY && is_ours() { contents(&pid, &mut bytes) } else { None };
        stat.and_then(parse).unwrap_or(Witness { name: Name::UNKNOWN, started: None })
    }
}

/// Whether /proc shows our own PID namespace; see `procfs::is_ours`, which allocates.
fn is_ours() -> bool {
    let mut bytes = [0; 32];
    let own = contents(&"self", &mut bytes).and_then(|stat| nth_number(stat, 0));
    own == u64::try_from(getpid().as_raw()).ok()
}

/// The beginning of `/proc/WHO/stat`.
fn contents<'b>(who: &dyn Display, bytes: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut path = Piece::new();
    write!(path, "/proc/{who}/stat\0").ok()?;
    let path = CStr::from_bytes_with_nul(path.bytes()).ok()?;
    let file = open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let length = read(&file, bytes).ok()?;
    bytes.get(..length)
}

/// Name in parentheses, which may hold any byte, those too; and the 22nd field (proc_pid_stat(5)).
fn parse(stat: &[u8]) -> Option<Witness> {
    /// The unit, whatever the kernel's own is (`USER_HZ`, time(7)).
    const MILLISECONDS_PER_TICK: u64 = 10;
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    // The third field is the first one after the parenthesis.
    let started = nth_number(stat.get(close..)?.get(2..)?, 19);
    let started = started.map(|ticks: u64| Duration::from_millis(ticks.saturating_mul(MILLISECONDS_PER_TICK)));
    Some(Witness { name: Name::of(stat.get(open..close)?.get(1..)?), started })
}

/// The number in the field that so many others precede, with spaces between them.
fn nth_number(fields: &[u8], number: usize) -> Option<u64> {
    let field = fields.split(|byte| *byte == b' ').nth(number)?;
    field.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
#[path = "../fuzz/witness.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_start_are_found_whatever_the_name_holds() {
        let stat = b"42 (a) Z (b) S 7 42 42 0 -1 4194304 0 0 0 0 1 2 0 0 20 0 1 0 1234 99";
        let witness = parse(stat).unwrap();
        assert_eq!(witness.name.bytes(), Some(&b"a) Z (b"[..]));
        assert_eq!(witness.started, Some(Duration::from_millis(12_340)));
        assert!(parse(b"42 (x) S 7").unwrap().started.is_none());
        for garbage in [&b""[..], b"1", b"1 (x", b")1 ("] {
            assert!(parse(garbage).is_none(), "{garbage:?}");
        }
    }

    #[test]
    fn this_process_is_known() {
        let witness = Witness::of(getpid());
        assert!(witness.name.bytes().is_some() && witness.started.is_some());
        assert!(Witness::of(Pid::from_raw(i32::MAX)).name.bytes().is_none());
    }
}
