//! The only unsafe code of the tests: what a test must do to a process before exec, and signals with values.

#![allow(unsafe_code)]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A script's background job ignores SIGINT and SIGQUIT, and nohup SIGHUP; what tests start is not to inherit that.
pub fn heed_the_terminal() {
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        // SAFETY: gives a signal its default action; no handler of this program's is lost.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Runs `prepare` in the child, between fork and exec.
pub fn before_exec(command: &mut Command, prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: the closures given here only make system calls.
    unsafe { command.pre_exec(prepare) };
}

/// kill(2) with any signal.
pub fn kill(pid: i32, signal: i32) {
    // SAFETY: two integers.
    check(unsafe { libc::kill(pid, signal) }).unwrap_or_else(|error| panic!("kill {pid} with {signal}: {error}"));
}

/// kill(2) at somebody who may be gone already.
pub fn kill_if_there(pid: i32, signal: i32) {
    // SAFETY: two integers.
    unsafe { libc::kill(pid, signal) };
}

/// sigqueue(3); false when the queue is full.
pub fn sigqueue(pid: i32, signal: i32, value: usize) -> bool {
    let value = libc::sigval { sival_ptr: value as *mut libc::c_void };
    // SAFETY: integers and a value that nobody dereferences.
    match check(unsafe { libc::sigqueue(pid, signal, value) }) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
        Err(error) => panic!("sigqueue to {pid}: {error}"),
    }
}

/// For `before_exec`: ignore a signal.
pub fn ignore(signal: i32) -> io::Result<()> {
    // SAFETY: SIG_IGN is no function that could be called.
    if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// For `before_exec`: give any signal its default action, also those that the libc keeps for itself.
pub fn default_action(signal: i32) -> io::Result<()> {
    static DEFAULT: [u64; 4] = [0; 4];
    // SAFETY: the kernel's struct sigaction, all zeros, of which no architecture has a larger one.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, &raw const DEFAULT, 0, size_of::<u64>()) };
    // KILL has no other.
    if done == -1 && signal != libc::SIGKILL { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Blocks the signals of the mask, whose bit `n - 1` is signal `n`.
pub fn block(mask: u64) -> io::Result<()> {
    let how = libc::c_long::from(libc::SIG_BLOCK);
    // SAFETY: a set of the size given, and no place for the old one.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const mask, 0, size_of::<u64>()) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes the next blocked signal, however long it takes.
pub fn wait_signal() -> libc::siginfo_t {
    wait_for_signal(u64::MAX)
}

/// Takes the next blocked signal of the mask.
pub fn wait_for_signal(mask: u64) -> libc::siginfo_t {
    loop {
        // SAFETY: all zeros is a valid siginfo_t.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: a set of the size given, room for the information, no timeout.
        let got = unsafe {
            libc::syscall(libc::SYS_rt_sigtimedwait, &raw const mask, &raw mut info, 0, size_of::<u64>())
        };
        if got > 0 {
            return info;
        }
    }
}

static CAUGHT: [AtomicU32; 65] = [const { AtomicU32::new(0) }; 65];

extern "C" fn count(signal: libc::c_int) {
    CAUGHT[signal.unsigned_abs() as usize].fetch_add(1, Ordering::Relaxed);
}

/// Gives a signal a handler that only counts.
pub fn catch(signal: i32) {
    let handler: extern "C" fn(libc::c_int) = count;
    // SAFETY: the handler touches an atomic and nothing else.
    unsafe { libc::signal(signal, handler as libc::sighandler_t) };
}

/// How often it has run.
pub fn caught(signal: i32) -> u32 {
    CAUGHT[signal.unsigned_abs() as usize].load(Ordering::Relaxed)
}

extern "C" fn answer(signal: libc::c_int) {
    let line: &[u8] = if signal == libc::SIGUSR1 { b"here\n" } else { b"handled\n" };
    // SAFETY: reads the bytes of the line.
    unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
}

/// Gives a signal a handler that says at once, whatever it interrupts, that it was called: `here` for SIGUSR1, else `handled`.
pub fn answer_to(signal: i32) {
    let handler: extern "C" fn(libc::c_int) = answer;
    // SAFETY: the handler calls write(2) and nothing else, signal-safety(7).
    unsafe { libc::signal(signal, handler as libc::sighandler_t) };
}

/// alarm(2).
pub fn alarm(seconds: u32) {
    // SAFETY: takes an integer.
    unsafe { libc::alarm(seconds) };
}

/// A descriptor from which the signals of the mask can be read.
pub fn signalfd(mask: u64) -> io::Result<OwnedFd> {
    // SAFETY: a set of the size given; -1 asks for a new descriptor.
    let fd = unsafe { libc::syscall(libc::SYS_signalfd4, -1, &raw const mask, size_of::<u64>(), 0) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).unwrap_or(-1)) })
}

/// The value that came with a signal.
pub fn signal_value(info: &libc::siginfo_t) -> usize {
    // SAFETY: the caller got it from a kill or sigqueue, which fill it in.
    unsafe { info.si_value() }.sival_ptr as usize
}

/// Number, code, value, pid and uid of a signal that a process sent.
pub fn describe_signal(info: &libc::siginfo_t) -> String {
    let value = signal_value(info);
    // SAFETY: as above.
    let pid = unsafe { info.si_pid() };
    // SAFETY: as above.
    let uid = unsafe { info.si_uid() };
    format!("signal {} code {} value {value} pid {pid} uid {uid}", info.si_signo, info.si_code)
}

/// fork(2), for a process of one thread.
pub fn fork() -> i32 {
    // SAFETY: only workloads call it, and they have one thread.
    unsafe { libc::fork() }
}

/// _exit(2).
pub fn exit(status: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

/// Ends the calling thread alone (exit(2), not exit_group(2)).
pub fn end_thread() {
    // SAFETY: nothing of this thread's is used by another one.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// pause(2).
pub fn pause() {
    // SAFETY: no arguments.
    unsafe { libc::pause() };
}

/// Reaps any child, blocking.
pub fn wait_any() -> i32 {
    // SAFETY: no place for the status.
    unsafe { libc::wait(std::ptr::null_mut()) }
}

/// Duplicates `fd` to `number` in the child, without close-on-exec.
pub fn pass_fd(command: &mut Command, fd: OwnedFd, number: i32) {
    before_exec(command, move || {
        if fd.as_raw_fd() == number {
            // dup2 would leave it as it is.
            fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
            return Ok(());
        }
        // SAFETY: `fd` is open; dup2 makes a descriptor without close-on-exec.
        check(unsafe { libc::dup2(fd.as_raw_fd(), number) })
    });
}

/// Closes a descriptor in the child.
pub fn close_fd(command: &mut Command, number: i32) {
    before_exec(command, move || {
        // SAFETY: closes a descriptor of a process that is about to exec.
        check(unsafe { libc::close(number) })
    });
}

/// Makes the child the leader of a new session with `terminal`, its descriptor 0, as controlling terminal.
pub fn own_session(command: &mut Command) {
    before_exec(command, || {
        // SAFETY: no arguments.
        check(unsafe { libc::setsid() })?;
        // SAFETY: descriptor 0 is open, and the argument is an integer.
        check(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) })
    });
}

/// Gives a terminal, by its master side, another width.
pub fn resize(master: &std::fs::File, columns: u16) {
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open, and the argument a winsize.
    check(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).expect("resize");
}

/// Sets a soft and hard limit in the child.
pub fn limit(resource: nix::sys::resource::Resource, soft: u64, hard: u64) -> io::Result<()> {
    Ok(nix::sys::resource::setrlimit(resource, soft, hard)?)
}

/// umask(2) and nice(2) of a child.
pub fn umask_and_nice(umask: libc::mode_t, nice: i32) {
    // SAFETY: an integer.
    unsafe { libc::umask(umask) };
    // SAFETY: an integer.
    unsafe { libc::nice(nice) };
}

/// Gives two names to each other's files, in one step: renameat2(2).
pub fn exchange(one: &CString, other: &CString) {
    const EXCHANGE: libc::c_uint = 2;
    let here = libc::AT_FDCWD;
    let done = {
        // SAFETY: two strings that outlive the call.
        unsafe { libc::syscall(libc::SYS_renameat2, here, one.as_ptr(), here, other.as_ptr(), EXCHANGE) }
    };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// Whether new namespaces of these kinds may be made here.
pub fn may_unshare(namespaces: CloneFlags) -> io::Result<()> {
    let mut probe = Command::new("true");
    before_exec(&mut probe, move || Ok(unshare(namespaces)?));
    probe.status().map(drop)
}

/// The inode number of a process's pidfd; `None` before Linux 6.9, where all share one.
pub fn pidfd_inode(pid: i32) -> Option<u64> {
    const PIDFS_MAGIC: i64 = 0x5049_4446;
    // SAFETY: two integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: the descriptor was made above, by a call of which the test cannot do without the success.
    let fd = unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).ok()?) };
    let kind = nix::sys::statfs::fstatfs(&fd).ok()?.filesystem_type().0;
    (i64::try_from(kind) == Ok(PIDFS_MAGIC)).then(|| nix::sys::stat::fstat(&fd).map(|stat| stat.st_ino).ok())?
}

/// Runs `hook` when this program ends.
pub fn at_exit(hook: extern "C" fn()) {
    // SAFETY: the hook is a plain function of this program.
    assert_eq!(unsafe { libc::atexit(hook) }, 0);
}

/// Calls `play` before `main` of this program, and before Rust's runtime has changed anything of the process.
#[used]
#[unsafe(link_section = ".init_array")]
static PLAY: extern "C" fn() = super::workload::play_if_asked;
