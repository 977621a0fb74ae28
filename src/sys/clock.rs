//! Runs in: outer, init. Clocks, and moments to wait for.

use nix::libc;
use std::mem::MaybeUninit;
use std::time::Duration;

/// Whose time it is.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    /// `CLOCK_MONOTONIC`.
    Monotonic,
    /// `CLOCK_BOOTTIME`, by which the kernel dates the start of processes.
    BootTime,
    /// `CLOCK_REALTIME`: since 1970.
    Wall,
}

/// The time by this clock (clock_gettime(2)). By the system call: to do without it (vdso(7)) costs three more pages, which is
/// a lot at the end of a short run and makes no difference in a long one.
pub(crate) fn now(clock: Clock) -> Duration {
    let id = match clock {
        Clock::Monotonic => libc::CLOCK_MONOTONIC,
        Clock::BootTime => libc::CLOCK_BOOTTIME,
        Clock::Wall => libc::CLOCK_REALTIME,
    };
    // SAFETY: all zeros is a valid timespec.
    let mut time: libc::timespec = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: `time` is a valid place for a timespec.
    if unsafe { libc::syscall(libc::SYS_clock_gettime, id, &raw mut time) } != 0 {
        // A filter. SAFETY: as above. These clocks are always there.
        unsafe { libc::clock_gettime(id, &raw mut time) };
    }
    // A whole second of nanoseconds, which there never is, could be a sum that panics.
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default().min(999_999_999);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanoseconds)
}

/// A point in time, by `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    /// So long from now; never, if that is too far to be said.
    pub(crate) fn after(time: Duration) -> Self {
        Moment(now(Clock::Monotonic).saturating_add(time))
    }

    /// How long it is until then; nothing, if it is past.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_sub(now(Clock::Monotonic))
    }

    pub(crate) fn is_past(self) -> bool {
        self.left().is_zero()
    }
}
