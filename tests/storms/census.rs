//! Who and what is left. While a census is on, this program adopts every orphan among its descendants, and only one storm at a
//! time may have children: wait(2) then knows whether anybody is left, be it a zombie, and of nobody else on this machine.

use crate::support::privilege::privileged;
use crate::support::sys::kill_if_there;
use crate::support::{eventually, procfs, scratch};
use crate::sys;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A storm's own place, and what there was before it.
pub struct Census {
    /// Where temporary files go; see `check`.
    pub directory: PathBuf,
    mounts: String,
    _turn: MutexGuard<'static, ()>,
}

impl Census {
    /// Waits for this storm's turn. Comes first: whoever only looks what it may do here has children, too.
    pub fn begin() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        sys::adopt_orphans();
        if privileged() {
            own_mounts();
        }
        Census { directory: scratch("storm"), mounts: mounts(), _turn: turn }
    }

    /// Waits until nobody is left, and fails if anything else is: a mount, a file. How those ended who were children of this
    /// program, or have become so, is for `ended`.
    pub fn check(&self, ended: impl FnMut(i32, i32)) {
        self.check_all_but(None, ended);
    }

    /// The same, but for a pidone that stays, with its workload in its namespaces.
    pub fn check_all_but(&self, staying: Option<i32>, mut ended: impl FnMut(i32, i32)) {
        // Whoever ends may leave one more to us; ECHILD is the end of it.
        eventually("nobody is left", || {
            loop {
                match sys::news() {
                    Ok(Some((pid, status))) => ended(pid, status),
                    Ok(None) => return staying.filter(|pid| only_it_is_left(*pid)).map(drop),
                    Err(_) => return Some(()),
                }
            }
        });
        if privileged() {
            assert_eq!(self.mounts, mounts(), "mounts are left, or gone");
        }
        let files: Vec<_> = fs::read_dir(&self.directory).expect("look for files").flatten().collect();
        assert!(files.is_empty(), "left behind: {files:?}");
    }
}

/// Whether this program has no descendants but one outer, its init and their workload.
fn only_it_is_left(outer: i32) -> bool {
    let own = std::process::id().cast_signed();
    procfs::children(own) == [outer] && procfs::descendants(outer).len() == 2
}

impl Drop for Census {
    /// A storm that has failed leaves nobody either.
    fn drop(&mut self) {
        kill_descendants();
    }
}

/// Kills all that descend from this program, whoever they are.
pub fn kill_descendants() {
    for pid in procfs::descendants(std::process::id().cast_signed()) {
        kill_if_there(pid, 9);
    }
}

/// What is mounted, as this thread sees it.
fn mounts() -> String {
    fs::read_to_string("/proc/thread-self/mountinfo").expect("read mountinfo")
}

/// Gives this thread mounts of its own, which nobody else on this machine changes; and shares them with those below, so that
/// what they should not pass on would be seen here.
fn own_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("make a mount namespace");
    for propagation in [MsFlags::MS_PRIVATE, MsFlags::MS_SHARED] {
        let flags = propagation | MsFlags::MS_REC;
        mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).expect("change the propagation of mounts");
    }
}
