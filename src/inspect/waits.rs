//! Runs in: any thread-free process. Which signals a process takes by itself, without a handler: in sigwait, or from a
//! signalfd.
//!
//! While a thread is in rt_sigtimedwait(2) the kernel takes the signals that it waits for out of its mask, so that
//! they wake it (`real_blocked` keeps the mask, and no file shows that): SigBlk looks as if nothing were blocked, SigCgt as
//! if nothing were caught, and yet none is lost. So the set is read where the system call has it from: its first argument.
//! A program that waits for what it had not blocked before looks the same; sigwait(3) forbids that.

use super::reading::{Gaps, Status, text};
use nix::libc::{self, c_long};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

/// The signals of a process, all threads together; bit `n - 1` stands for signal `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// In every thread: one of those that a thread waits for counts as blocked there.
    pub(super) blocked: u64,
    pub(super) pending: u64,
    pub(super) ignored: u64,
    pub(super) caught: u64,
    /// Some thread is in sigwait for these.
    pub(super) sigwait: u64,
    /// There is a signalfd for these.
    pub(super) signalfd: u64,
    /// The last two may be more than that: they could not be read.
    pub(super) waits_unknown: bool,
    /// By a signal.
    pub(super) is_stopped: bool,
}

impl Masks {
    /// Blocked, and taken by somebody.
    pub(super) fn waited(&self) -> u64 {
        self.blocked & (self.sigwait | self.signalfd)
    }
}

/// KILL and STOP, which the kernel takes out of every set.
const FIXED: u64 = 1 << 8 | 1 << 18;

pub(super) fn masks(pid: i32, status: &Status, gaps: &mut Gaps) -> Masks {
    let mut masks = Masks {
        blocked: u64::MAX,
        pending: status.signals("SigPnd") | status.signals("ShdPnd"),
        ignored: status.signals("SigIgn"),
        caught: status.signals("SigCgt"),
        is_stopped: status.field("State").is_some_and(|state| state.starts_with('T')),
        ..Masks::default()
    };
    let mut living = None;
    for thread in entries(&format!("/proc/{pid}/task")).unwrap_or_default() {
        let directory = format!("/proc/{pid}/task/{thread}");
        let (waited, status) = of_thread(&directory);
        // A thread that has ended takes no signals, but the first one stays to be seen as long as there are others.
        let Some(status) =
            status.filter(|status| !status.field("State").is_some_and(|state| state.starts_with('Z')))
        else {
            continue;
        };
        let waited = waited.unwrap_or_else(|error| {
            masks.waits_unknown = true;
            gaps.note("what it waits for in sigwait", &error);
            0
        });
        masks.sigwait |= waited;
        masks.blocked &= status.signals("SigBlk") | waited;
        masks.pending |= status.signals("SigPnd");
        living = Some(directory);
    }
    let Some(living) = living else { return Masks { blocked: status.signals("SigBlk"), ..masks } };
    match signalfds(&living) {
        Ok(set) => masks.signalfd = set,
        Err(error) => {
            masks.waits_unknown = true;
            gaps.note("its signalfds", &error);
        }
    }
    Masks { blocked: masks.blocked & !FIXED, sigwait: masks.sigwait & !FIXED, ..masks }
}

/// What a thread waits for, and its status from the same moment: one that waits again and again, with a timeout, has the mask
/// of the one state and the set of the other if it went on in between.
fn of_thread(directory: &str) -> (io::Result<u64>, Option<Status>) {
    const TRIES: usize = 5;
    let mut waited = Ok(0);
    let mut status = None;
    for _ in 0..TRIES {
        let before = call(directory);
        status = Status::read(directory).ok();
        waited = match &before {
            Ok(Some(call)) => waited_set(directory, call),
            Ok(None) => Ok(0),
            Err(error) => Err(io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(0))),
        };
        // `None` stands for a thread that runs: another look may find it at rest.
        if before.is_err()
            || matches!((before, call(directory)), (Ok(Some(before)), Ok(Some(after))) if before == after)
        {
            break;
        }
        std::thread::yield_now();
    }
    (waited, status)
}

/// `/proc/PID/syscall`, proc_pid_syscall(5): number, arguments, stack and instruction pointer. `None`: it runs.
fn call(directory: &str) -> io::Result<Option<String>> {
    let call = text(directory, "syscall")?;
    Ok(Some(call).filter(|call| call.starts_with(|first: char| first.is_ascii_digit() || first == '-')))
}

/// The set that a thread waits for in this system call.
fn waited_set(directory: &str, call: &str) -> io::Result<u64> {
    let mut words = call.split_ascii_whitespace();
    let is_wait = words.next().and_then(|number| number.parse().ok()).is_some_and(|number| WAITS.contains(&number));
    let address = words.next().and_then(|address| u64::from_str_radix(address.trim_start_matches("0x"), 16).ok());
    let Some(address) = address.filter(|_| is_wait) else { return Ok(0) };
    let mut set = [0; size_of::<u64>()];
    File::open(format!("{directory}/mem"))?.read_exact_at(&mut set, address)?;
    Ok(u64::from_ne_bytes(set))
}

/// sigwait(3), sigwaitinfo(2) and sigtimedwait(2) are all this call; the other two are its numbers in a 32-bit program, where
/// the set is laid out the same. sigsuspend(2), ppoll(2) and their like need no reading: the mask that they set for as long as
/// they last is the one that SigBlk shows.
const WAITS: [c_long; 3] = [libc::SYS_rt_sigtimedwait, 177, 421];

/// What all signalfds of a process together take, by the `sigmask` of their fdinfo (signalfd(2)).
fn signalfds(directory: &str) -> io::Result<u64> {
    let mut taken = 0;
    for fd in entries(&format!("{directory}/fd"))? {
        let link = fs::read_link(format!("{directory}/fd/{fd}"));
        if link.is_ok_and(|link| link.as_os_str() == "anon_inode:[signalfd]") {
            let info = text(directory, &format!("fdinfo/{fd}")).unwrap_or_default();
            let mask = info.lines().find_map(|line| line.strip_prefix("sigmask:"));
            taken |= mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        }
    }
    Ok(taken)
}

/// The names in a directory of /proc, which are numbers.
fn entries(directory: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}
