//! Runs in: outer (namespaces), init (workload). Making processes: clone(2) in the two ways that pidone needs.

use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long, c_void};
use nix::unistd::Pid;
use std::cell::UnsafeCell;

/// Which side of `clone_process` this is.
pub(crate) enum Forked {
    /// The caller, with the child's pid as seen from here.
    Parent(Pid),
    /// The new process, in the new namespaces.
    Child,
}

/// Forks into new namespaces; returns twice, like fork(2).
///
/// The system call is made directly (clone(2) with no stack of its own, so the child continues on its copy of this
/// one). libc's cached thread id stays that of the parent in the child: nothing there may use `raise` or rely on
/// `abort` naming the right thread.
///
/// # Errors
/// What clone(2) returns: EPERM, ENOSPC, EAGAIN, ENOMEM, EINVAL.
pub(crate) fn clone_process(namespaces: c_int) -> Result<Forked> {
    /// The stack and three more pointers, in the width of a register, which a bare 0 would not fill.
    const NONE: *const c_void = std::ptr::null();
    let flags = c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: no CLONE_VM, so the child has its own copy of all memory, and a NULL stack is then allowed; with a
    // single thread no lock can be held by somebody who does not exist in the child.
    let pid = Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, NONE, NONE, NONE, NONE) })?;
    match c_int::try_from(pid) {
        Ok(0) => Ok(Forked::Child),
        Ok(pid) => Ok(Forked::Parent(Pid::from_raw(pid))),
        Err(_) => Err(Errno::EOVERFLOW),
    }
}

/// fork(2), by the libc: for a child that goes on as the program that it was.
///
/// # Errors
/// EAGAIN, ENOMEM.
pub(crate) fn fork_program() -> Result<Forked> {
    // SAFETY: with a single thread the child may do whatever the parent may.
    match Errno::result(unsafe { libc::fork() })? {
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(Pid::from_raw(pid))),
    }
}

/// Forks, but the new process is a child of the caller's parent (`CLONE_PARENT`).
///
/// # Errors
/// As `clone_process`; ENOMEM where the PID namespace for children has lost its init. EINVAL: the caller is a PID 1.
pub(crate) fn clone_sibling() -> Result<Forked> {
    clone_process(libc::CLONE_PARENT)
}

/// Room for the calls between clone and exec; only the pages that are really used ever become memory.
const STACK_SIZE: usize = 64 * 1024;

#[repr(align(16))]
struct Stack(UnsafeCell<[u8; STACK_SIZE]>);

// SAFETY: used by `spawn_sharing_memory` alone, whose one caller is suspended while the child runs on it.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; STACK_SIZE]));

/// Starts a process that shares this one's memory until it calls execve(2) or ends; this one is suspended
/// so long (`CLONE_VM | CLONE_VFORK`, what vfork(2) does, but on a stack of its own). No page table is copied.
///
/// `child` ends by exec or by returning its exit status. What it writes is seen here afterwards. Signal
/// dispositions, file descriptors and working directory are copies. Every signal must be blocked.
///
/// # Errors
/// What clone(2) returns: EAGAIN, ENOMEM, EPERM.
pub(crate) fn spawn_sharing_memory<F: FnMut() -> c_int>(child: &mut F) -> Result<Pid> {
    extern "C" fn enter<F: FnMut() -> c_int>(child: *mut c_void) -> c_int {
        // SAFETY: `child` is the `&mut F` passed below, whose owner is suspended until we are done with it.
        let child = unsafe { &mut *child.cast::<F>() };
        child()
    }
    // SAFETY: the offset is exactly the array's size, one past its end, where a downward stack starts.
    let top = unsafe { STACK.0.get().cast::<u8>().add(STACK_SIZE) };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is unused (single thread, and CLONE_VFORK suspends us till the child has left it),
    // and `child` outlives the call for the same reason.
    let pid = unsafe { libc::clone(enter::<F>, top.cast(), flags, std::ptr::from_mut(child).cast()) };
    Errno::result(pid).map(Pid::from_raw)
}

/// _exit(2): ends this process without running exit handlers, which belong to the process that was cloned.
pub(crate) fn exit_now(status: c_int) -> ! {
    // SAFETY: ends the process; nothing is left that could rely on an invariant.
    unsafe { libc::_exit(status) }
}
