//! Runs in: any thread-free process. The only unsafe code of the crate: one safe function per system call.
//!
//! What nix offers safely (mount, prctl, fcntl, terminal groups) is called through nix where it is needed.
//! Here stands what it cannot say: all 64 signals, a raw wait, clone with and without shared memory, exec
//! from ready-made arrays, and the memory the C runtime hands over.
//!
//! Every function assumes what all of pidone guarantees: the process has a single thread. Some (`clone_process`,
//! `spawn_sharing_memory`, `environment`) would be unsound or wrong in a process with more.

#![allow(unsafe_code)]

mod caller;
mod clock;
mod clone;
#[cfg(test)]
pub(crate) mod counting;
mod directory;
mod exec;
mod fd;
mod identity;
mod memory;
mod mounts;
mod output;
mod signals;
mod system;
mod wait;

pub(crate) use caller::{StopActions, wait_if_there};
pub(crate) use clock::{Clock, Moment, now};
pub(crate) use clone::{Forked, clone_process, clone_sibling, exit_now, fork_program, spawn_sharing_memory};
pub(crate) use directory::numbers_in;
pub(crate) use exec::{PointerArray, execve, kept};
pub(crate) use fd::{
    claim_terminal, close_all_but, own_fd, pidfd_open, release_terminal, stdio, terminal_rows, watch,
};
pub(crate) use identity::{
    CapabilitySets, add_to_ambient_set, capability_sets, clear_ambient_set, drop_from_bounding_set, groups,
    has_gained_rights, is_dumpable, is_in_bounding_set, set_capability_sets, set_gid, set_groups, set_limit,
    set_nice, set_parent_death_signal, set_uid,
};
pub use memory::{Args, end_without_memory};
pub(crate) use memory::{SharedPage, environment, error_text, remove_variable, set_variable};
pub(crate) use mounts::{Extent, MountAttributes, attach, clone_tree, new_file_system, set_read_only};
pub(crate) use output::{duplicate, set_close_on_exec, write_at_once};
pub(crate) use signals::{
    Recipient, SignalInfo, SignalSet, SignalState, anyone_is_left, block_all_signals, die_by, discard_own,
    discard_signals, queue, queue_resume, reset_action, send, send_checked, stop_by, wait_signal,
};
pub(crate) use system::{
    bring_up_loopback, enter, kind_of, owner_uid, owning_user_namespace, parent_namespace, set_domain_name,
    set_host_name, unshare_time,
};
pub(crate) use wait::{
    Reaped, Usage, WaitStatus, hear_of_stop, own_pidfd_inode, peek_zombie, reap, reap_with_usage, wait_for,
};

/// Makes a system call again as long as it only says that it should be made again (EINTR, EAGAIN).
///
/// # Errors
/// Any other of the call's own.
pub(crate) fn retry_interrupted<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => {}
            done => return done,
        }
    }
}
