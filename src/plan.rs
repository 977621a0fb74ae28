//! Runs in: outer or init, before any clone. Request → LaunchPlan: checked, NUL-free, allocated.
//!
//! After the clone there is only executing what stands here, so nothing can be found missing half-way.

use crate::error::UsageError;
use crate::forward::Rules;
use crate::job;
use crate::request::{IdMap, Place, ProcMount, Propagation, RunRequest};
use crate::sys::{self, PointerArray, SignalState};
use nix::sched::CloneFlags;
use nix::unistd::{Pid, getpid};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// All that is needed to start a workload.
pub(crate) struct LaunchPlan {
    pub(crate) place: Place,
    pub(crate) namespaces: NamespacePlan,
    pub(crate) workload: Workload,
    pub(crate) rules: Rules,
    pub(crate) die_with_parent: bool,
}

/// The new namespaces and what is done in them before the workload runs. Unused in place.
#[derive(Clone, Copy)]
pub(crate) struct NamespacePlan {
    pub(crate) id_map: Option<IdMap>,
    pub(crate) proc: ProcMount,
    pub(crate) propagation: Propagation,
}

impl NamespacePlan {
    /// For clone(2).
    pub(crate) fn clone_flags(self) -> CloneFlags {
        let user = if self.id_map.is_some() { CloneFlags::CLONE_NEWUSER } else { CloneFlags::empty() };
        CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | user
    }

    /// For messages.
    pub(crate) fn names(self) -> &'static str {
        if self.id_map.is_some() { "user, pid, mnt" } else { "pid, mnt" }
    }
}

/// The command, ready for execve(2).
pub(crate) struct Workload {
    /// As typed, for messages.
    pub(crate) command: OsString,
    /// The paths to try in order: one where the command holds a slash, one for each entry of PATH otherwise.
    pub(crate) candidates: Vec<CString>,
    pub(crate) argv: PointerArray,
    pub(crate) env: PointerArray,
    /// The variables that are to name the workload's own process.
    pub(crate) listen: Option<ListenPid>,
    /// What signals do in the workload: what they did when pidone was started.
    pub(crate) signals: SignalState,
}

impl LaunchPlan {
    /// Checks a request against itself and prepares everything for it.
    ///
    /// # Errors
    /// An option that needs new namespaces, where there will be none; a NUL byte.
    pub(crate) fn new(request: RunRequest, signals: SignalState) -> Result<Self, UsageError> {
        let default_place = if getpid() == Pid::from_raw(1) { Place::InPlace } else { Place::Isolated };
        let place = request.place.unwrap_or(default_place);
        if place == Place::InPlace {
            refuse_namespace_options(&request)?;
        }
        Ok(LaunchPlan {
            place,
            namespaces: NamespacePlan {
                id_map: request.id_map,
                proc: request.proc.unwrap_or(ProcMount::Fresh),
                propagation: request.propagation.unwrap_or(Propagation::Private),
            },
            workload: Workload::new(request.command, signals)?,
            rules: Rules {
                group: request.group,
                shares_group: !job::group_has_a_name(),
                rewrites: request.rewrites,
            },
            die_with_parent: !request.no_die_with_parent,
        })
    }
}

/// In place there is no new namespace to map, mount or outlive: better to say so than to leave it undone.
fn refuse_namespace_options(request: &RunRequest) -> Result<(), UsageError> {
    let asked = [
        (request.id_map == Some(IdMap::Root), "--map-root"),
        (request.id_map == Some(IdMap::Current), "--map-current"),
        (request.proc.is_some(), "--proc"),
        (request.propagation.is_some(), "--propagation"),
        (request.no_die_with_parent, "--no-die-with-parent"),
    ];
    match asked.iter().find(|(asked, _)| *asked) {
        None => Ok(()),
        Some((_, option)) => Err(UsageError::with_hint(
            format!("this option needs new namespaces, and in place there are none: {option}"),
            "use it with --isolate or --as-pid1 and not --in-place, or leave it out (it may stand in PIDONE_OPTIONS)",
        )),
    }
}

impl Workload {
    fn new(command: Vec<OsString>, signals: SignalState) -> Result<Self, UsageError> {
        let name = command.first().cloned().unwrap_or_default();
        let candidates = candidates(&name, std::env::var_os("PATH").as_deref());
        let argv = command.into_iter().map(c_string).collect::<Result<_, _>>()?;
        let env = PointerArray::of_static(sys::environment());
        let listen = ListenPid::find();
        Ok(Workload {
            candidates: candidates.into_iter().map(c_string).collect::<Result<_, _>>()?,
            command: name,
            argv: PointerArray::of_owned(argv),
            env,
            listen,
            signals,
        })
    }
}

/// Arguments come NUL-terminated from the kernel; only a caller within the program could put a NUL into one.
fn c_string(string: OsString) -> Result<CString, UsageError> {
    CString::new(string.into_vec()).map_err(|_| UsageError::new("an argument holds a NUL byte"))
}

/// Where a command without PATH is looked for, as musl does.
const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// The paths that execvp(3) would try: PATH is searched only for a name without a slash, and an empty entry of it
/// means the working directory.
fn candidates(command: &OsStr, path: Option<&OsStr>) -> Vec<OsString> {
    let bytes = command.as_bytes();
    if bytes.is_empty() || bytes.contains(&b'/') {
        return vec![command.to_owned()];
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes();
    path.split(|byte| *byte == b':').map(|directory| join(directory, bytes)).collect()
}

fn join(directory: &[u8], name: &[u8]) -> OsString {
    let separator: &[u8] = if directory.is_empty() { b"./" } else { b"/" };
    OsString::from_vec([directory, separator, name].concat())
}

/// Room for `LISTEN_PIDFDID=`, a 64-bit number and the NUL.
type Entry = [u8; 48];

/// `LISTEN_PID` that named pidone is to name the workload, whose pid is known only once it exists (B34).
pub(crate) struct ListenPid {
    pid: (usize, &'static mut Entry),
    /// `LISTEN_PIDFDID` (systemd 258), if set.
    pidfd: Option<(usize, &'static mut Entry)>,
}

impl ListenPid {
    /// `None` unless `LISTEN_PID` is set to pidone's own pid.
    fn find() -> Option<Self> {
        let position = |name: &str| sys::environment().position(|entry| value_of(entry, name).is_some());
        let pid = position("LISTEN_PID")?;
        let ours = sys::environment().nth(pid).and_then(|entry| value_of(entry, "LISTEN_PID")).and_then(parse)?;
        if ours != getpid().as_raw() {
            return None;
        }
        // Leaked on purpose: a few bytes, once, which the environment points to until exec.
        let entry = || Box::leak(Box::new([0; size_of::<Entry>()]));
        Some(ListenPid { pid: (pid, entry()), pidfd: position("LISTEN_PIDFDID").map(|index| (index, entry())) })
    }

    /// Writes the calling process into `env`. `pidfd_inode` is looked up only if it is asked for.
    pub(crate) fn name_caller(self, env: &mut PointerArray, pidfd_inode: impl FnOnce() -> Option<u64>) {
        let (index, entry) = self.pid;
        env.replace(index, write_entry(entry, "LISTEN_PID", getpid().as_raw()));
        let Some((index, entry)) = self.pidfd else { return };
        match pidfd_inode() {
            Some(inode) => env.replace(index, write_entry(entry, "LISTEN_PIDFDID", inode)),
            // A wrong id would make the workload refuse its sockets; without one it goes by LISTEN_PID.
            None => env.remove(index),
        }
    }
}

fn value_of<'a>(entry: &'a CStr, name: &str) -> Option<&'a [u8]> {
    entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

fn parse(value: &[u8]) -> Option<i32> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn write_entry(entry: &'static mut Entry, name: &str, value: impl std::fmt::Display) -> &'static CStr {
    // It cannot fail: the longest name and number leave room to spare, and the rest is zeros.
    let _ = write!(&mut entry[..], "{name}={value}");
    CStr::from_bytes_until_nul(entry).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_searched_as_execvp_does() {
        let table: &[(&str, Option<&str>, &[&str])] = &[
            ("ls", Some("/a:/b"), &["/a/ls", "/b/ls"]),
            ("ls", Some(""), &["./ls"]),
            ("ls", Some("/a::"), &["/a/ls", "./ls", "./ls"]),
            ("ls", None, &["/usr/local/bin/ls", "/bin/ls", "/usr/bin/ls"]),
            ("./ls", Some("/a"), &["./ls"]),
            ("d/ls", Some("/a"), &["d/ls"]),
            ("", Some("/a"), &[""]),
        ];
        for (command, path, expected) in table {
            assert_eq!(candidates(OsStr::new(command), path.map(OsStr::new)), *expected, "{command} {path:?}");
        }
    }

    #[test]
    fn the_longest_entries_fit() {
        let entry = Box::leak(Box::new([0; size_of::<Entry>()]));
        let written = write_entry(entry, "LISTEN_PIDFDID", u64::MAX);
        assert_eq!(written.to_bytes(), b"LISTEN_PIDFDID=18446744073709551615");
    }
}
