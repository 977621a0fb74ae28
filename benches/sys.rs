//! Runs in: the benchmark. Its only unsafe code: starting what is measured, clocks, and the calls that its workloads are made of.

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_void};
use std::cell::UnsafeCell;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{from_mut, null, null_mut};

/// A command, ready to be started as often as one likes: nothing is allocated or looked up at a start.
pub struct Prepared {
    words: Vec<CString>,
    pointers: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    new_pid_namespace: bool,
    /// What becomes its stdin, stdout and stderr.
    pub stdio: [RawFd; 3],
}

/// What every contestant finds in its environment: as good as nothing, so that runs on two machines are alike.
const ENVIRONMENT: [&CStr; 2] = [c"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", c"LC_ALL=C"];

impl Prepared {
    pub fn new(words: &[String], new_pid_namespace: bool, stdio: [RawFd; 3]) -> Self {
        let words: Vec<CString> = words.iter().map(|word| CString::new(word.as_str()).expect("no NUL")).collect();
        let pointers = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
        let environment = ENVIRONMENT.iter().map(|entry| entry.as_ptr()).chain([null()]).collect();
        Prepared { words, pointers, environment, new_pid_namespace, stdio }
    }

    /// Starts it in a session of its own, where it finds no terminal to take; as PID 1 of a new PID namespace if so prepared.
    /// The caller is suspended until exec, and no page table is copied: the smallest cost that a start can have.
    pub fn start(&self) -> io::Result<c_int> {
        assert!(!self.words.is_empty());
        let namespace = if self.new_pid_namespace { libc::CLONE_NEWPID } else { 0 };
        spawn_sharing_memory(0, namespace, &mut || {
            // SAFETY: integers.
            unsafe { libc::setsid() };
            // SAFETY: the default action is no function. Rust's runtime has ignored the signal.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            for (to, from) in (0..).zip(self.stdio) {
                // SAFETY: integers. The descriptors given are above 2, so that none is overwritten before its turn.
                unsafe { libc::dup2(from, to) };
            }
            // SAFETY: both arrays end in NULL, and `self` owns their strings, or they are static.
            unsafe {
                libc::execve(self.pointers[0], self.pointers.as_ptr(), self.environment.as_ptr());
            }
            UNABLE
        })
    }
}

/// The status of a child that could not call exec.
const UNABLE: c_int = 127;
const STACK_SIZE: usize = 64 * 1024;

#[repr(align(16))]
struct Stack(UnsafeCell<[u8; STACK_SIZE]>);

// SAFETY: the benchmark has one thread, which is suspended while a child runs on a stack; a child that starts one of its own
// says so and takes the next.
unsafe impl Sync for Stack {}

static STACKS: [Stack; 2] = [const { Stack(UnsafeCell::new([0; STACK_SIZE])) }; 2];

/// clone(2) as vfork(2) does it, on a stack of its own: number `depth`, 0 for a child and 1 for a child's child.
fn spawn_sharing_memory<F: FnMut() -> c_int>(depth: usize, namespaces: c_int, child: &mut F) -> io::Result<c_int> {
    extern "C" fn enter<F: FnMut() -> c_int>(child: *mut c_void) -> c_int {
        // SAFETY: `child` is the `&mut F` passed below, whose owner is suspended until we are done with it.
        let child = unsafe { &mut *child.cast::<F>() };
        child()
    }
    // SAFETY: the offset is exactly the array's size, one past its end, where a downward stack starts.
    let top = unsafe { STACKS[depth].0.get().cast::<u8>().add(STACK_SIZE) };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | namespaces;
    // SAFETY: the stack is unused (see `Stack`), and `child` outlives the call, because CLONE_VFORK suspends us.
    checked(unsafe { libc::clone(enter::<F>, top.cast(), flags, from_mut(child).cast()) })
}

/// Leaves an orphan that has ended already, which init has to reap. Returns its pid.
pub fn make_orphan() -> io::Result<c_int> {
    let mut orphan = Ok(0);
    let parent = spawn_sharing_memory(0, 0, &mut || {
        orphan = spawn_sharing_memory(1, 0, &mut || 0);
        0
    })?;
    wait_for(parent)?;
    orphan
}

/// A child that has ended, and is not reaped.
pub fn make_zombie() -> io::Result<c_int> {
    spawn_sharing_memory(0, 0, &mut || 0)
}

/// fork(2): true in the child.
pub fn fork() -> io::Result<(bool, c_int)> {
    // SAFETY: there is one thread, so that no lock is held by somebody who does not exist in the child.
    let pid = checked(unsafe { libc::fork() })?;
    Ok((pid == 0, pid))
}

fn checked(result: c_int) -> io::Result<c_int> {
    Ok(Errno::result(result)?)
}

/// How a child ended, as the shell would put it: N, or 128+N.
pub fn wait_for(pid: c_int) -> io::Result<c_int> {
    let mut status = 0;
    loop {
        // SAFETY: `status` can be written to.
        match checked(unsafe { libc::waitpid(pid, &raw mut status, 0) }) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let killed = libc::WIFSIGNALED(status);
    Ok(if killed { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) })
}

/// kill(2) with any signal, or none.
pub fn kill(pid: c_int, signal: c_int) -> io::Result<()> {
    // SAFETY: integers.
    checked(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// A process, and not whoever has its pid later (pidfd_open(2)).
pub struct Handle(OwnedFd);

impl Handle {
    pub fn of(pid: c_int) -> io::Result<Self> {
        // SAFETY: integers.
        let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(Handle(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Kills it if it is still there.
    pub fn kill(&self) {
        let fd = self.0.as_raw_fd();
        // SAFETY: integers, and no details.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGKILL, null::<c_void>(), 0) };
    }
}

/// Ends this process, and nothing else.
pub fn exit(status: c_int) -> ! {
    // SAFETY: ends the process; nothing is left that could rely on an invariant.
    unsafe { libc::_exit(status) }
}

/// Lets others run on this processor.
pub fn give_way() {
    // SAFETY: no arguments.
    unsafe { libc::sched_yield() };
}

/// Nanoseconds of a clock.
fn clock(id: libc::clockid_t) -> io::Result<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` can be written to.
    checked(unsafe { libc::clock_gettime(id, &raw mut time) })?;
    Ok(time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned())
}

/// CLOCK_MONOTONIC: the same in every process of the machine.
pub fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// The processor time that a process has used, and not its children.
pub fn cpu_time(pid: c_int) -> io::Result<u64> {
    /// clock_getcpuclockid(3): the complement of the pid, and what is counted (CPUCLOCK_SCHED: all, to the nanosecond).
    const ALL_OF_IT: c_int = 2;
    clock(!pid << 3 | ALL_OF_IT)
}

/// Blocks a signal, so that it can be waited for.
pub fn block(signal: c_int) {
    let set = set_of(signal);
    // SAFETY: the set is initialised; where to put the old one may be NULL.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, null_mut()) };
}

/// Waits for a signal that is blocked.
pub fn wait_for_signal(signal: c_int) {
    let set = set_of(signal);
    // SAFETY: the set is initialised; where to put the details may be NULL.
    while unsafe { libc::sigwaitinfo(&raw const set, null_mut()) } != signal {}
}

fn set_of(signal: c_int) -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: it can be written to.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: sigemptyset has just initialised it.
    unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    // SAFETY: as before.
    unsafe { set.assume_init() }
}

/// How a user can be root for what is measured: in a user namespace of its own, with a mount namespace that belongs to it.
pub fn become_root_of_a_user_namespace() -> io::Result<()> {
    use nix::sched::{CloneFlags, unshare};
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}
