//! Runs in: workload child. Ids, capabilities and priority of the calling process alone.
//!
//! The C library's setuid and its like change every thread, by means that have no place in a process that shares its
//! memory with a suspended parent; the system calls change the caller.

use crate::capability::Capabilities;
use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long, c_ulong, rlim_t};
use nix::sys::resource::Resource;
use nix::unistd::{getegid, geteuid, getgid, getuid};

/// setgroups(2).
///
/// # Errors
/// EPERM: no CAP_SETGID, or setgroups is denied in this user namespace. EINVAL: an id is not mapped here, or too many.
pub(crate) fn set_groups(groups: &[u32]) -> Result<()> {
    // SAFETY: as many ids as are said.
    Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }).map(drop)
}

/// The supplementary groups, getgroups(2).
///
/// # Errors
/// EINVAL: they have become more meanwhile.
pub(crate) fn groups() -> Result<Vec<u32>> {
    // SAFETY: with no room, the call only counts.
    let count = Errno::result(unsafe { libc::getgroups(0, std::ptr::null_mut()) })?;
    let mut groups = vec![0; usize::try_from(count).unwrap_or_default()];
    // SAFETY: there is room for so many.
    let count = Errno::result(unsafe { libc::getgroups(count, groups.as_mut_ptr()) })?;
    groups.truncate(usize::try_from(count).unwrap_or_default());
    Ok(groups)
}

/// Sets a resource limit of this process, prlimit(2). Not by setrlimit(3), for which musl would bring what stops all threads.
///
/// # Errors
/// EPERM: above the hard limit, and no CAP_SYS_RESOURCE. EINVAL: the soft one would be above the hard one.
pub(crate) fn set_limit(resource: Resource, soft: rlim_t, hard: rlim_t) -> Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: 0 is the calling process; the limit is only read, and none is asked for.
    Errno::result(unsafe { libc::prlimit(0, resource as _, &raw const limit, std::ptr::null_mut()) }).map(drop)
}

/// setresgid(2): real, effective and saved.
///
/// # Errors
/// EPERM: no CAP_SETGID. EINVAL: the id is not mapped here.
pub(crate) fn set_gid(gid: u32) -> Result<()> {
    let gid = c_long::from(gid);
    // SAFETY: takes integers.
    Errno::result(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).map(drop)
}

/// setresuid(2): real, effective and saved.
///
/// # Errors
/// EPERM: no CAP_SETUID. EINVAL: the id is not mapped here. EAGAIN: the user's RLIMIT_NPROC is reached.
pub(crate) fn set_uid(uid: u32) -> Result<()> {
    let uid = c_long::from(uid);
    // SAFETY: takes integers.
    Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
}

/// setpriority(2) of this process.
///
/// # Errors
/// EACCES: lower than now takes CAP_SYS_NICE or RLIMIT_NICE.
pub(crate) fn set_nice(nice: c_int) -> Result<()> {
    let (which, nice) = (c_long::from(libc::PRIO_PROCESS), c_long::from(nice));
    // SAFETY: takes integers.
    Errno::result(unsafe { libc::syscall(libc::SYS_setpriority, which, 0, nice) }).map(drop)
}

/// The sets of a process that capget(2) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CapabilitySets {
    pub(crate) effective: Capabilities,
    pub(crate) permitted: Capabilities,
    pub(crate) inheritable: Capabilities,
}

#[repr(C)]
struct Header {
    version: u32,
    pid: c_int,
}

impl Header {
    /// `_LINUX_CAPABILITY_VERSION_3`, of the calling process.
    const OWN: Self = Header { version: 0x2008_0522, pid: 0 };
}

/// 32 capabilities of each set, as capget(2) lays them out.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// capget(2).
///
/// # Errors
/// None, but for filters.
pub(crate) fn capability_sets() -> Result<CapabilitySets> {
    let (mut header, mut halves) = (Header::OWN, [Half::default(); 2]);
    // SAFETY: version 3 fills in two halves.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) })?;
    let [low, high] = halves;
    let join = |low: u32, high: u32| Capabilities(u64::from(low) | u64::from(high) << u32::BITS);
    Ok(CapabilitySets {
        effective: join(low.effective, high.effective),
        permitted: join(low.permitted, high.permitted),
        inheritable: join(low.inheritable, high.inheritable),
    })
}

/// capset(2).
///
/// # Errors
/// EPERM: something would be gained.
pub(crate) fn set_capability_sets(sets: CapabilitySets) -> Result<()> {
    let mut header = Header::OWN;
    let half = |shift: u32| {
        // Truncation is what is wanted: 32 bits at a time.
        let part = |set: Capabilities| (set.0 >> shift & u64::from(u32::MAX)) as u32;
        Half {
            effective: part(sets.effective),
            permitted: part(sets.permitted),
            inheritable: part(sets.inheritable),
        }
    };
    let halves = [half(0), half(u32::BITS)];
    // SAFETY: version 3 reads two halves.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) }).map(drop)
}

fn prctl(option: c_int, second: u32, third: u32) -> Result<c_int> {
    const NONE: c_ulong = 0;
    // SAFETY: the options used here take numbers.
    Errno::result(unsafe { libc::prctl(option, c_ulong::from(second), c_ulong::from(third), NONE, NONE) })
}

/// Whether the bounding set holds capability `number`; `None` above the last that the kernel knows.
pub(crate) fn is_in_bounding_set(number: u32) -> Option<bool> {
    prctl(libc::PR_CAPBSET_READ, number, 0).ok().map(|held| held == 1)
}

/// Takes capability `number` out of the bounding set, for good.
///
/// # Errors
/// EPERM: no CAP_SETPCAP.
pub(crate) fn drop_from_bounding_set(number: u32) -> Result<()> {
    prctl(libc::PR_CAPBSET_DROP, number, 0).map(drop)
}

/// Empties the ambient set.
///
/// # Errors
/// EINVAL before Linux 4.3.
pub(crate) fn clear_ambient_set() -> Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL.cast_unsigned(), 0).map(drop)
}

/// Puts capability `number`, which must be permitted and inheritable, into the ambient set.
///
/// # Errors
/// EPERM: it is not, or a secure bit forbids it. EINVAL before Linux 4.3.
pub(crate) fn add_to_ambient_set(number: u32) -> Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE.cast_unsigned(), number).map(drop)
}

/// Whether others of this user may look at this process (PR_GET_DUMPABLE): false also for what `fs.suid_dumpable` 2 means.
pub(crate) fn is_dumpable() -> bool {
    prctl(libc::PR_GET_DUMPABLE, 0, 0) == Ok(1)
}

/// Whether execve(2) has given this process a right that its caller had not: the program is set-user-ID or set-group-ID, or has
/// file capabilities. To be asked first of all.
///
/// AT_SECURE, which getauxval(3) knows without a system call, is set in all of these cases, but also by security modules that
/// give nothing, such as on the way into a container. So it is only why to look.
pub(crate) fn has_gained_rights() -> bool {
    // SAFETY: takes an integer, and reads what the kernel has put above the environment.
    if unsafe { libc::getauxval(libc::AT_SECURE) } == 0 {
        return false;
    }
    let is_ambient =
        |number| prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_IS_SET.cast_unsigned(), number) == Ok(1);
    let mut permitted = capability_sets().map_or(Capabilities::ALL, |sets| sets.permitted).numbers();
    getuid() != geteuid() || getgid() != getegid() || (!getuid().is_root() && !permitted.all(is_ambient))
}

/// Asks for `signal`, which may be any of the 64, when the parent dies, or the thread of it that made us (prctl(2)).
///
/// # Errors
/// None for a valid signal, but for filters.
pub(crate) fn set_parent_death_signal(signal: crate::signal::Signal) -> Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, signal.number().unsigned_abs(), 0).map(drop)
}
