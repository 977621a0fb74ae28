//! The only unsafe code of the storms alone: wait(2) for anybody.

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

/// Reaps any child that has ended. `Ok(None)`: none has; an error: there are no children.
pub fn reap_any() -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    // SAFETY: room for a status.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::WNOHANG) };
    check(pid)?;
    Ok((pid != 0).then_some((pid, status)))
}
