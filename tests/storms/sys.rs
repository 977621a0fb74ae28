//! The only unsafe code of the storms alone: wait(2) for anybody, and ptrace(2).

#![allow(unsafe_code)]

use nix::libc;
use std::io;

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whoever loses its parent among this program's descendants becomes its child.
pub fn adopt_orphans() {
    nix::sys::prctl::set_child_subreaper(true).expect("become a subreaper");
}

/// Takes the next news of any child or traced process: its pid and wait status. `None`: there is none to wait for.
pub fn wait_for_news() -> Option<(i32, i32)> {
    loop {
        let mut status = 0;
        // SAFETY: room for a status.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
        match check(pid) {
            Ok(()) => return Some((pid, status)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// The same without waiting. `Ok(None)`: there is no news now; an error: nobody to have news of.
pub fn news() -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    // SAFETY: room for a status.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::WNOHANG) };
    check(pid)?;
    Ok((pid != 0).then_some((pid, status)))
}

/// A request of ptrace(2) about a process; false if it is gone, or not stopped.
pub fn trace(request: impl Into<libc::c_long>, pid: i32, data: usize) -> bool {
    // SAFETY: none of the requests that are used here reads or writes memory of the caller.
    unsafe { libc::syscall(libc::SYS_ptrace, request.into(), pid, 0usize, data) != -1 }
}

/// What came with the last event of a traced process, such as the pid of a new one.
pub fn trace_message(pid: i32) -> i32 {
    let mut message: libc::c_ulong = 0;
    let request = libc::c_long::from(libc::PTRACE_GETEVENTMSG);
    // SAFETY: room for the message.
    unsafe { libc::syscall(libc::SYS_ptrace, request, pid, 0usize, &raw mut message) };
    i32::try_from(message).unwrap_or(0)
}

/// The system call that a traced process is about to make: its number and first argument. `None` on the way out of one.
pub fn traced_call(pid: i32) -> Option<(u64, u64)> {
    const PTRACE_GET_SYSCALL_INFO: libc::c_long = 0x420e;
    const ENTRY: u64 = 1;
    // struct ptrace_syscall_info: what it is and for which machine, where, the stack; then number and arguments.
    let mut info = [0u64; 11];
    // SAFETY: room of the size given.
    let got =
        unsafe { libc::syscall(libc::SYS_ptrace, PTRACE_GET_SYSCALL_INFO, pid, size_of_val(&info), &raw mut info) };
    let [what, _, _, number, first, ..] = info;
    (got > 0 && what & 0xff == ENTRY).then_some((number, first))
}
