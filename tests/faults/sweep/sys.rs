//! The unsafe code of the sweep: ptrace(2), and the processes that are traced.

#![allow(unsafe_code)]

use super::support;
use nix::libc::{self, c_int, c_long};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What waitpid(2) reports of a tracee, above the signal that it stopped for.
pub const EVENT_EXEC: c_int = libc::PTRACE_EVENT_EXEC;
/// A group-stop, or the first stop of a new tracee, or the end of a group-stop (`PTRACE_SEIZE`, ptrace(2)).
pub const EVENT_STOP: c_int = 128;
/// A stop at the entry or exit of a system call (`PTRACE_O_TRACESYSGOOD`).
pub const AT_CALL: c_int = libc::SIGTRAP | 0x80;

const OPTIONS: c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_EXITKILL;

/// Where a tracee stands that has stopped at a system call.
pub enum At {
    Entry(c_long, [u64; 6]),
    Exit,
}

/// `PTRACE_GET_SYSCALL_INFO` (Linux 5.3), as far as it is the same at entry and exit, and what follows at the entry.
#[repr(C)]
#[derive(Default)]
struct CallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    number: u64,
    arguments: [u64; 6],
    more: [u64; 4],
}

fn ptrace(request: c_int, pid: i32, address: usize, data: usize) -> io::Result<c_long> {
    // The two C libraries give the request different types.
    let request = c_long::from(request);
    // SAFETY: the callers pass either integers or addresses of places of the size that the request wants.
    match unsafe { libc::syscall(libc::SYS_ptrace, request, c_long::from(pid), address, data) } {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// Begins to trace a process and whatever it makes; it runs on.
pub fn seize(pid: i32) -> io::Result<()> {
    const SEIZE: c_int = 0x4206;
    ptrace(SEIZE, pid, 0, usize::try_from(OPTIONS).unwrap_or(0)).map(drop)
}

/// Lets a tracee run to its next system call. Like all that follows, no error if it has been killed meanwhile.
pub fn resume(pid: i32, signal: c_int) {
    let _ = ptrace(libc::PTRACE_SYSCALL.cast(), pid, 0, usize::try_from(signal).unwrap_or(0));
}

/// Lets a tracee stay stopped, until it is continued.
pub fn listen(pid: i32) {
    const LISTEN: c_int = 0x4208;
    let _ = ptrace(LISTEN, pid, 0, 0);
}

/// Lets a tracee go for good.
pub fn detach(pid: i32) {
    let _ = ptrace(libc::PTRACE_DETACH.cast(), pid, 0, 0);
}

/// The system call that a tracee has stopped at.
pub fn call_of(pid: i32) -> Option<At> {
    const GET_SYSCALL_INFO: c_int = 0x420e;
    let mut info = CallInfo::default();
    ptrace(GET_SYSCALL_INFO, pid, size_of::<CallInfo>(), &raw mut info as usize).ok()?;
    match info.op {
        1 => Some(At::Entry(c_long::try_from(info.number).ok()?, info.arguments)),
        2 => Some(At::Exit),
        _ => None,
    }
}

/// The registers of a tracee, changed.
fn change_registers(pid: i32, change: impl Fn(&mut libc::user_regs_struct)) {
    // SAFETY: all zeros are valid registers.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    if ptrace(libc::PTRACE_GETREGS.cast(), pid, 0, &raw mut registers as usize).is_ok() {
        change(&mut registers);
        let _ = ptrace(libc::PTRACE_SETREGS.cast(), pid, 0, &raw const registers as usize);
    }
}

/// At the entry: has the kernel do nothing.
pub fn skip_call(pid: i32) {
    change_registers(pid, |registers| registers.orig_rax = u64::MAX);
}

/// At the exit: has the call fail.
pub fn fail_call(pid: i32, errno: i32) {
    change_registers(pid, |registers| registers.rax = i64::from(-errno).cast_unsigned());
}

/// Takes one change of state among all children and tracees, without blocking.
pub fn wait() -> Option<(i32, c_int)> {
    let mut status = 0;
    // SAFETY: `status` is a place for an int.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) };
    (pid > 0).then_some((pid, status))
}

/// The number in either type that a C library gives a request.
trait Cast {
    fn cast(self) -> c_int;
}

impl Cast for c_int {
    fn cast(self) -> c_int {
        self
    }
}

impl Cast for libc::c_uint {
    fn cast(self) -> c_int {
        self.cast_signed()
    }
}

/// Starts a command that is traced from its exec on; if so asked, as PID 1 of a new PID namespace. `prepare` is called with
/// its pid before it begins.
pub fn start_traced(command: &mut Command, as_pid_1: bool, prepare: impl FnOnce(i32)) -> io::Result<i32> {
    let (mut gate, keeper) = io::pipe()?;
    let own = File::open("/proc/self/ns/pid")?;
    if as_pid_1 {
        unshare(CloneFlags::CLONE_NEWPID)?;
    }
    let pid = support::sys::fork();
    if pid == 0 {
        drop(keeper);
        let _ = gate.read(&mut [0]);
        let error = command.exec();
        eprintln!("cannot start {command:?}: {error}");
        support::sys::exit(99);
    }
    if as_pid_1 {
        setns(&own, CloneFlags::CLONE_NEWPID)?;
    }
    prepare(pid);
    seize(pid)?;
    drop(keeper);
    Ok(pid)
}

/// Makes this terminal the controlling one of the session that this process leads.
pub fn claim_terminal(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the argument is an integer.
    if unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
