//! Runs in: outer, init. Lets go of what pidone inherited and, now that the workload has its own copy, only pins.

use crate::errno::reason;
use crate::logging::warn;
use crate::sys;
use nix::unistd::chdir;
use std::os::fd::BorrowedFd;

/// Leaves the working directory, which keeps a mount busy (B35), and closes every descriptor above 2 but those in `keep`,
/// which keep pipes from ending (B33). Stdio stays, for messages.
#[inline(never)]
pub(crate) fn let_go(keep: &[Option<BorrowedFd<'_>>]) {
    if let Err(errno) = chdir(c"/") {
        warn!("cannot change to /: {}; the working directory stays busy", reason(errno));
    }
    sys::close_all_but(keep);
}
