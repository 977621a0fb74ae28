//! Runs in: any thread-free process. Which signals a process takes by itself, without a handler: in sigwait, or from a
//! signalfd.
//!
//! While a thread is in rt_sigtimedwait(2) the kernel takes the signals that it waits for out of its mask, so that
//! they wake it (`real_blocked` keeps the mask, and no file shows that): SigBlk looks as if nothing were blocked, SigCgt as
//! if nothing were caught, and yet none is lost. So the set is read where the system call has it from: its first argument.
//! A program that waits for what it had not blocked before looks the same; sigwait(3) forbids that.

use super::reading::{Gaps, Status, text};
use crate::files;
use crate::procfs;
use crate::sys::numbers_in;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::{Whence, lseek, read};
use std::ffi::OsStr;
use std::fmt;

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

    /// What is waited for; none, and a gap, where that could not be read.
    fn known(&mut self, set: nix::Result<u64>, what: &'static str, gaps: &mut Gaps) -> u64 {
        set.unwrap_or_else(|errno| {
            self.waits_unknown = true;
            gaps.note(what, errno);
            0
        })
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
        is_stopped: status.field("State").starts_with('T'),
        ..Masks::default()
    };
    let mut living = None;
    for thread in &numbers_in(format_args!("/proc/{pid}/task")).unwrap_or_default() {
        let thread = Thread(pid, *thread);
        let (waited, status) = of_thread(thread);
        // A thread that has ended takes no signals, but the first one stays to be seen as long as there are others.
        let Ok(status) = status else { continue };
        if status.field("State").starts_with('Z') {
            continue;
        }
        let waited = masks.known(waited, "what it waits for in sigwait", gaps);
        masks.sigwait |= waited;
        masks.blocked &= status.signals("SigBlk") | waited;
        masks.pending |= status.signals("SigPnd");
        living = Some(thread);
    }
    match living {
        None => masks.blocked = status.signals("SigBlk"),
        Some(thread) => {
            masks.signalfd = masks.known(signalfds(thread), "its signalfds", gaps);
            masks.blocked &= !FIXED;
            masks.sigwait &= !FIXED;
        }
    }
    masks
}

/// A thread, by the numbers of its process and its own: `7/task/8`, as it stands below /proc.
#[derive(Clone, Copy)]
struct Thread(i32, i32);

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/task/{}", self.0, self.1)
    }
}

/// What a thread waits for, and its status from the same moment: one that waits again and again, with a timeout, has the mask
/// of the one state and the set of the other if it went on in between.
fn of_thread(thread: Thread) -> (nix::Result<u64>, nix::Result<Status>) {
    const TRIES: usize = 5;
    let mut tries = 1;
    loop {
        // `/proc/PID/syscall`, proc_pid_syscall(5): number, arguments, stack and instruction pointer.
        let call = text(&thread, &"syscall");
        let status = Status::read(&thread);
        // One that is `running` may be found at rest by another look.
        let is_settled = match &call {
            Ok(before) => {
                !before.starts_with("running") && text(&thread, &"syscall").is_ok_and(|now| now == *before)
            }
            Err(_) => true,
        };
        if is_settled || tries == TRIES {
            return (call.and_then(|call| waited_set(thread, &call)), status);
        }
        tries += 1;
        std::thread::yield_now();
    }
}

/// The set that a thread waits for in this system call.
fn waited_set(thread: Thread, call: &str) -> nix::Result<u64> {
    let mut words = call.split_ascii_whitespace();
    let mut number = |prefix, radix| u64::from_str_radix(words.next()?.strip_prefix(prefix)?, radix).ok();
    let is_wait = number("", 10).is_some_and(|number| WAITS.contains(&number));
    let Some(address) = number("0x", 16).filter(|_| is_wait) else { return Ok(0) };
    let memory = files::open(OsStr::new(&format!("/proc/{thread}/mem")), OFlag::O_RDONLY)?;
    let mut set = [0; size_of::<u64>()];
    lseek(&memory, address.cast_signed(), Whence::SeekSet)?;
    // The kernel has taken all of it from there, so it is there.
    read(&memory, &mut set)?;
    Ok(u64::from_ne_bytes(set))
}

/// sigwait(3), sigwaitinfo(2) and sigtimedwait(2) are all this call; the other two are its numbers in a 32-bit program, where
/// the set is laid out the same. sigsuspend(2), ppoll(2) and their like need no reading: the mask that they set for as long as
/// they last is the one that SigBlk shows.
const WAITS: [u64; 3] = [libc::SYS_rt_sigtimedwait.cast_unsigned(), 177, 421];

/// What all signalfds of a process together take, by the `sigmask` of their fdinfo (signalfd(2)).
fn signalfds(thread: Thread) -> nix::Result<u64> {
    let mut taken = 0;
    for fd in &numbers_in(format_args!("/proc/{thread}/fd"))? {
        let link = procfs::link(format_args!("/proc/{thread}/fd/{fd}"));
        if link.is_ok_and(|link| link == "anon_inode:[signalfd]") {
            let info = Status::of_file(&thread, &format_args!("fdinfo/{fd}"));
            taken |= info.map_or(0, |info| info.signals("sigmask"));
        }
    }
    Ok(taken)
}
