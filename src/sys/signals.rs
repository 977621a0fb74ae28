//! Runs in: outer, init, workload child. All 64 signals: block, take from the kernel's queue, send, die by.
//!
//! The raw system calls are used because the libc's leave the real-time signals 32 to 34, which they keep for
//! themselves, out of `sigfillset` and refuse them elsewhere.
//!
//! Past 300 lines because every system call about signals is here, each with its own reason.

use super::fd::pidfd_open;
use crate::logging::warn;
use crate::signal::Signal;
use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;
use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A set of signals as the kernel keeps it: bit `n - 1` stands for signal `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct SignalSet(pub(super) u64);

/// The size in bytes of the kernel's signal set, which each of these system calls wants to hear.
const SET_SIZE: usize = size_of::<SignalSet>();

impl SignalSet {
    /// Signals 1 to 64. (The kernel leaves KILL and STOP out by itself.)
    pub(crate) const ALL: Self = SignalSet(u64::MAX);
    /// The set with just `signal` in it.
    pub(crate) fn only(signal: Signal) -> Self {
        SignalSet(1 << signal.number().saturating_sub(1))
    }
}

/// What pidone changes of its signal set-up and the workload gets back.
#[derive(Clone, Copy)]
pub(crate) struct SignalState {
    pub(super) mask: SignalSet,
    /// The inherited action of SIGCHLD, if it was not the default anyway.
    pub(super) sigchld: Option<libc::sigaction>,
}

impl SignalState {
    /// Puts the inherited set-up back. From here on signals act on this process: call it last before exec.
    ///
    /// # Errors
    /// None, but for filters that forbid the call.
    pub(crate) fn restore(&self) -> Result<()> {
        if let Some(action) = &self.sigchld {
            // SAFETY: restores an action that sigaction(2) itself handed out.
            Errno::result(unsafe { libc::sigaction(libc::SIGCHLD, action, std::ptr::null_mut()) })?;
        }
        self.unblock()
    }

    /// Puts only the inherited mask back, for output that ends as any program's does (SIGPIPE, Ctrl-C).
    ///
    /// # Errors
    /// As `restore`.
    pub(crate) fn unblock(&self) -> Result<()> {
        set_mask(libc::SIG_SETMASK, self.mask).map(drop)
    }
}

fn set_mask(how: c_int, set: SignalSet) -> Result<SignalSet> {
    let mut old = SignalSet(0);
    let how = c_long::from(how);
    // SAFETY: both pointers are to sets of the size given.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, &raw mut old, SET_SIZE) };
    Errno::result(done).map(|_| old)
}

/// Blocks every signal, so that none is lost before somebody can take it: one that reaches a PID 1 unblocked and
/// without a handler is dropped by the kernel. The first thing that pidone does.
///
/// SIGCHLD goes to its default action at the same time: where it was inherited as ignored the kernel would reap
/// children by itself, and no wait would ever see the workload's end (PITFALLS B3).
///
/// # Errors
/// None, but for filters that forbid the calls: without them nothing else would work.
pub(crate) fn block_all_signals() -> Result<SignalState> {
    let mask = set_mask(libc::SIG_BLOCK, SignalSet::ALL)?;
    // SAFETY: all zeros is a valid `sigaction`: SIG_DFL, an empty mask, no flags.
    let default: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    let mut inherited = default;
    // SAFETY: both pointers are to valid actions; SIG_DFL needs no function.
    Errno::result(unsafe { libc::sigaction(libc::SIGCHLD, &raw const default, &raw mut inherited) })?;
    let was_default = inherited.sa_sigaction == libc::SIG_DFL && inherited.sa_flags & libc::SA_NOCLDWAIT == 0;
    Ok(SignalState { mask, sigchld: (!was_default).then_some(inherited) })
}

/// One signal as it was taken from the queue, with all that the kernel told about it.
#[derive(Clone, Copy)]
pub(crate) struct SignalInfo(pub(super) libc::siginfo_t);

impl SignalInfo {
    /// `signal` as if a process outside this PID namespace had sent it.
    pub(crate) fn from_outside(signal: Signal) -> Self {
        // SAFETY: all zeros is a valid siginfo_t: SI_USER, from pid 0.
        let mut info: libc::siginfo_t = unsafe { MaybeUninit::zeroed().assume_init() };
        info.si_signo = signal.number();
        SignalInfo(info)
    }

    /// The same, for the death of our own parent: nobody has sent it.
    pub(crate) fn of_parents_death(signal: Signal) -> Self {
        let mut info = Self::from_outside(signal);
        info.0.si_errno = PARENT_DEATH;
        info
    }

    pub(crate) fn is_parents_death(&self) -> bool {
        self.0.si_code == libc::SI_USER && self.0.si_errno == PARENT_DEATH
    }

    pub(crate) fn signal(&self) -> Option<Signal> {
        Signal::new(self.0.si_signo)
    }

    /// Whether outer sent it, from outside, to say that the workload may have the terminal.
    pub(crate) fn is_resume(&self) -> bool {
        self.0.si_code == FOREGROUND && self.sender().is_some_and(|(pid, _)| pid.as_raw() == 0)
    }

    /// Whether it is one that queues: with count and order, and only as long as there is room.
    pub(crate) fn is_real_time(&self) -> bool {
        self.0.si_signo > 31
    }

    /// Whether the kernel made it: a key of the terminal, a timer, a hang-up; no process stands behind it.
    pub(crate) fn is_from_kernel(&self) -> bool {
        self.0.si_code > 0
    }

    /// Whether a process attached a value (`sigqueue(3)`), or claims another origin that only passes on whole.
    pub(crate) fn is_queued(&self) -> bool {
        self.0.si_code < 0 && self.0.si_code != libc::SI_TKILL && self.0.si_code != FOREGROUND
    }

    /// How it came about: `SI_USER`, `SI_QUEUE` and so on (sigaction(2)).
    pub(crate) fn code(&self) -> c_int {
        self.0.si_code
    }

    /// The value that was attached to it, as the integer that sigqueue(3) takes.
    pub(crate) fn value(&self) -> Option<i32> {
        if !self.is_queued() {
            return None;
        }
        // SAFETY: who queues gives the whole layout, of which the value is a part.
        let value = unsafe { self.0.si_value() };
        // The integer shares the union's first bytes with the pointer, which on these machines are the low ones.
        let [a, b, c, d, ..] = value.sival_ptr.addr().to_le_bytes();
        Some(i32::from_le_bytes([a, b, c, d]))
    }

    /// Pid and uid of the sender as seen from here; pid 0 stands for a process outside this PID namespace.
    /// `None` where the kernel is the sender.
    pub(crate) fn sender(&self) -> Option<(Pid, u32)> {
        if self.is_from_kernel() {
            return None;
        }
        // SAFETY: for codes ≤ 0 the kernel fills in, or the sender had to give, the layout that begins with si_pid.
        let pid = unsafe { self.0.si_pid() };
        // SAFETY: as above; si_uid follows si_pid.
        let uid = unsafe { self.0.si_uid() };
        Some((Pid::from_raw(pid), uid))
    }
}

/// The kernel leaves it 0, and lets nobody else send SI_USER with another one (rt_sigqueueinfo(2)).
const PARENT_DEATH: c_int = 1;

/// Takes the next signal of `set` from the kernel's queue (rt_sigtimedwait(2)), waiting for at most `timeout`,
/// or for ever. `None` when the time is up. Where a filter forbids the call, children can still be looked after.
pub(crate) fn wait_signal(set: SignalSet, timeout: Option<Duration>) -> Option<SignalInfo> {
    take_signal(set, timeout).unwrap_or_else(|errno| look_at_children(errno, timeout))
}

/// Drops `signal` if it is pending and this very process has sent it.
pub(crate) fn discard_own(signal: Signal) {
    let own = nix::unistd::getpid();
    if let Ok(Some(info)) = take_signal(SignalSet::only(signal), Some(Duration::ZERO))
        && info.sender().is_none_or(|(pid, _)| pid != own)
    {
        // Somebody else's: back into the queue, as it was. One may queue anything to oneself (rt_sigqueueinfo(2)).
        let _ = queue(Recipient::Process(own), signal, &info);
    }
}

/// Drops what is pending.
pub(crate) fn discard_signals() {
    while matches!(take_signal(SignalSet::ALL, Some(Duration::ZERO)), Ok(Some(_))) {}
}

fn take_signal(set: SignalSet, timeout: Option<Duration>) -> Result<Option<SignalInfo>> {
    let timeout = timeout.map(TimeSpec::from_duration);
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    loop {
        // SAFETY: the set has the size given, `info` has room for a siginfo_t, `timeout` is NULL or valid.
        let got = unsafe {
            libc::syscall(libc::SYS_rt_sigtimedwait, &raw const set, info.as_mut_ptr(), timeout, SET_SIZE)
        };
        if got > 0 {
            // SAFETY: zeroed before, and every bit pattern is valid.
            return Ok(Some(SignalInfo(unsafe { info.assume_init() })));
        }
        // By the number: to name it takes a table, and that a page at each start.
        match Errno::last_raw() {
            libc::EAGAIN => return Ok(None),
            // Stopped and continued while waiting. Nothing was taken: wait again.
            libc::EINTR => {}
            _ => return Err(Errno::last()),
        }
    }
}

/// Stands in for a signal where none can be taken, which is told once: after a moment, a SIGCHLD that nobody sent.
fn look_at_children(errno: Errno, timeout: Option<Duration>) -> Option<SignalInfo> {
    const MOMENT: Duration = Duration::from_millis(20);
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    if !IS_TOLD.swap(true, Ordering::Relaxed) {
        warn!("cannot wait for signals ({}); none is forwarded as long as that is so", crate::errno::name(errno));
    }
    std::thread::sleep(timeout.unwrap_or(MOMENT).min(MOMENT));
    timeout.is_none_or(|timeout| timeout > MOMENT).then(|| SignalInfo::from_outside(Signal::CHLD))
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    Process(Pid),
    /// All members of the process group with this id.
    Group(Pid),
    /// Everybody in the PID namespace but its PID 1, which is the caller.
    Everyone,
    /// The caller's own process group, named or not.
    OwnGroup,
}

impl Recipient {
    /// The pid of the process, or of the group's leader.
    pub(crate) fn pid(self) -> Pid {
        match self {
            Recipient::Process(pid) | Recipient::Group(pid) => pid,
            Recipient::Everyone => Pid::from_raw(-1),
            Recipient::OwnGroup => Pid::from_raw(0),
        }
    }

    /// As kill(2) takes it.
    pub(crate) fn number(self) -> c_int {
        if matches!(self, Recipient::Group(_)) { self.pid().as_raw().wrapping_neg() } else { self.pid().as_raw() }
    }
}

/// For messages.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipient::Process(pid) => pid.fmt(f),
            Recipient::Group(leader) => write!(f, "process group {leader}"),
            Recipient::Everyone => f.write_str("everyone"),
            Recipient::OwnGroup => f.write_str("our own process group"),
        }
    }
}

/// kill(2) with any of the 64 signals. `Recipient` never holds a pid that could be reused: it is a child of ours
/// that only we reap.
///
/// # Errors
/// EPERM: the recipient has another uid and we lack CAP_KILL. ESRCH: it is gone.
pub(crate) fn send(recipient: Recipient, signal: Signal) -> Result<()> {
    // SAFETY: takes two integers.
    Errno::result(unsafe { libc::kill(recipient.number(), signal.number()) }).map(drop)
}

/// Whether, for a PID 1, anybody else is left in the PID namespace, zombies and such as may not be signalled included.
pub(crate) fn anyone_is_left() -> bool {
    // SAFETY: takes two integers; signal 0 only asks.
    let asked = Errno::result(unsafe { libc::kill(Recipient::Everyone.number(), 0) });
    asked != Err(Errno::ESRCH)
}

/// Sends `signal` to a process that is no child of ours, and whose pid may therefore pass to somebody else at any
/// moment: `is_the_same` is asked after the process has been pinned by a pidfd.
///
/// # Errors
/// As `send`; ESRCH also when it is not the same any more.
pub(crate) fn send_checked(pid: Pid, signal: Signal, is_the_same: impl Fn() -> bool) -> Result<()> {
    let fd = match pidfd_open(pid) {
        Ok(fd) => fd,
        Err(Errno::ESRCH) => return Err(Errno::ESRCH),
        // Before Linux 5.3, behind a filter, or without a descriptor to spare: what is left is to look and to be quick.
        Err(_) if is_the_same() => return send(Recipient::Process(pid), signal),
        Err(_) => return Err(Errno::ESRCH),
    };
    if !is_the_same() {
        return Err(Errno::ESRCH);
    }
    const NO_INFO: *const libc::siginfo_t = std::ptr::null();
    let number = c_long::from(signal.number());
    // SAFETY: `fd` is open; without information the kernel makes that of kill(2).
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), number, NO_INFO, 0) };
    match Errno::result(sent) {
        // Behind a filter; or it is beyond our rights, which kill(2) says as well.
        Err(errno) if errno != Errno::ESRCH => send(Recipient::Process(pid), signal),
        done => done.map(drop),
    }
}

/// Passes a queued signal on whole, with its value and its original sender (rt_sigqueueinfo(2)); to a group, by
/// `PIDFD_SIGNAL_PROCESS_GROUP` (pidfd_send_signal(2), Linux 6.9).
///
/// # Errors
/// EAGAIN: the recipient's queue is full (RLIMIT_SIGPENDING). EINVAL, ENOSYS: groups are not supported here.
/// Else as `send`.
pub(crate) fn queue(recipient: Recipient, signal: Signal, info: &SignalInfo) -> Result<()> {
    // The kernel puts the number it is called with into the information, too.
    let number = c_long::from(signal.number());
    match recipient {
        Recipient::Process(pid) => {
            let pid = c_long::from(pid.as_raw());
            // SAFETY: `info` is a whole siginfo_t.
            let sent = unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, number, &raw const info.0) };
            Errno::result(sent).map(drop)
        }
        Recipient::Group(leader) => queue_to_group(leader, number, info),
        // Nobody queues to these.
        Recipient::Everyone | Recipient::OwnGroup => Err(Errno::EINVAL),
    }
}

/// The code of a SIGCONT with which outer tells init that the workload may have the terminal. Negative, as
/// rt_sigqueueinfo(2) wants it, and no code of the kernel's.
const FOREGROUND: c_int = -1001;

/// Tells init that its job was continued in the foreground: a SIGCONT with a code of its own. (Others outside could send
/// the same; they have the terminal to gain, which they could as well give directly.)
///
/// # Errors
/// As `send`.
pub(crate) fn queue_resume(init: Pid) -> Result<()> {
    let mut info = SignalInfo::from_outside(Signal::CONT);
    info.0.si_code = FOREGROUND;
    // A filter may know kill(2) alone.
    queue(Recipient::Process(init), Signal::CONT, &info).or_else(|_| send(Recipient::Process(init), Signal::CONT))
}

fn queue_to_group(leader: Pid, number: c_long, info: &SignalInfo) -> Result<()> {
    const PIDFD_SIGNAL_PROCESS_GROUP: c_long = 4;
    let fd = pidfd_open(leader)?;
    // SAFETY: `fd` is open and `info` a whole siginfo_t.
    let sent = unsafe {
        let fd = fd.as_raw_fd();
        libc::syscall(libc::SYS_pidfd_send_signal, fd, number, &raw const info.0, PIDFD_SIGNAL_PROCESS_GROUP)
    };
    Errno::result(sent).map(drop)
}

/// Gives `signal` its default action for good, whatever it had; with the raw call also what the libc keeps for itself.
/// Fails for KILL and STOP, whose action is fixed.
pub(crate) fn reset_action(signal: Signal) {
    /// The kernel's `struct sigaction`, which no architecture has larger: SIG_DFL, no flags, an empty mask.
    static DEFAULT: [u64; 4] = [0; 4];
    const NO_OLD_ACTION: *const libc::sigaction = std::ptr::null();
    let number = c_long::from(signal.number());
    // SAFETY: a valid action and no place for the old one.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, number, &raw const DEFAULT, NO_OLD_ACTION, SET_SIZE) };
}

/// Lets `signal` act on this process: default action, sent to `whom` we are or belong to, unblocked for a moment.
fn suffer(whom: Recipient, signal: Signal) {
    reset_action(signal);
    // Ignoring errors: there is nobody to tell, and each caller goes on in its own way.
    let _ = send(whom, signal);
    let _ = set_mask(libc::SIG_UNBLOCK, SignalSet::only(signal));
}

/// Ends this process by `signal`, where its default action is to end. Comes back where that does not kill, as in a
/// PID 1.
pub(crate) fn die_by(signal: Signal) {
    suffer(Recipient::Process(nix::unistd::getpid()), signal);
}

/// Stops this process, and whoever else belongs to `whom`, by `signal`, where its default action is to stop, until a SIGCONT,
/// which is taken. False if the kernel did not stop us: in an orphaned process group (all but SIGSTOP), or as a PID 1.
pub(crate) fn stop_by(whom: Recipient, signal: Signal) -> bool {
    suffer(whom, signal);
    let _ = set_mask(libc::SIG_BLOCK, SignalSet::only(signal));
    // A stop discards a pending SIGCONT (signal(7)), so one that is there now is what continued us.
    matches!(take_signal(SignalSet::only(Signal::CONT), Some(Duration::ZERO)), Ok(Some(_)))
}
