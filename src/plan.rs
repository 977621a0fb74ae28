//! Runs in: outer or init, before any clone. Request → LaunchPlan: checked, NUL-free, allocated.
//!
//! After the clone there is only executing what stands here, so nothing can be found missing half-way.

use crate::account::Accounts;
use crate::environment::{Environment, ListenPid};
use crate::error::UsageError;
use crate::forward::Rules;
use crate::identity::IdentityPlan;
use crate::job;
use crate::request::{
    Furnishing, Grouping, IdMap, Identity, OnExit, Orphans, Place, ProcMount, Propagation, RunRequest, StopRules,
};
use crate::signal::Signal;
use crate::sys::{PointerArray, SignalState};
use crate::terminal::Terminal;
use nix::sched::CloneFlags;
use nix::unistd::{Pid, getpid};
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// All that is needed to start a workload.
pub(crate) struct LaunchPlan {
    pub(crate) place: Place,
    pub(crate) namespaces: NamespacePlan,
    pub(crate) furnishing: Furnishing,
    /// `None`: a pause.
    pub(crate) workload: Option<Workload>,
    pub(crate) rules: Rules,
    pub(crate) orphans: Orphans,
    pub(crate) announce_reaped: bool,
    pub(crate) on_exit: OnExit,
    /// What to forward when the parent of the process that the user started dies.
    pub(crate) parent_death: Option<Signal>,
    pub(crate) die_with_parent: bool,
}

/// The new namespaces and what is done in them before the workload runs. Unused in place.
#[derive(Clone, Copy)]
pub(crate) struct NamespacePlan {
    pub(crate) id_map: Option<IdMap>,
    pub(crate) proc: ProcMount,
    pub(crate) propagation: Propagation,
    /// The root is another one than the caller's.
    pub(crate) other_root: bool,
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
    pub(crate) candidates: Vec<&'static CStr>,
    pub(crate) argv: PointerArray,
    /// What runs a file that has no `#!` line, with room for its path; not under our own name.
    pub(crate) shell: Option<PointerArray>,
    pub(crate) env: PointerArray,
    /// The variables that are to name the workload's own process.
    pub(crate) listen: Option<ListenPid>,
    pub(crate) identity: IdentityPlan,
    /// What signals do in the workload: what they did when pidone was started.
    pub(crate) signals: SignalState,
}

/// The shell that execvp(3) falls back on.
pub(crate) const SHELL: &CStr = c"/bin/sh";
/// Where in its arguments the path of the file stands.
pub(crate) const SHELL_PATH_INDEX: usize = 1;

impl LaunchPlan {
    /// Checks a request against itself and prepares everything for it.
    ///
    /// # Errors
    /// An option that does not go with the place; a name that stands in no file; a NUL byte.
    pub(crate) fn new(request: RunRequest, signals: SignalState) -> Result<Self, UsageError> {
        let default_place = if getpid() == Pid::from_raw(1) { Place::InPlace } else { Place::Isolated };
        let place = request.place.unwrap_or(default_place);
        refuse_what_is_impossible(&request, place)?;
        Ok(LaunchPlan {
            place,
            namespaces: NamespacePlan {
                id_map: request.id_map,
                proc: request.proc.unwrap_or(ProcMount::Fresh),
                propagation: request.propagation.unwrap_or(Propagation::Private),
                other_root: request.furnishing.rootfs.is_some(),
            },
            furnishing: request.furnishing.clone(),
            rules: rules(&request),
            orphans: request.orphans,
            announce_reaped: request.announce_reaped,
            on_exit: request.on_exit.unwrap_or(OnExit::Kill),
            parent_death: request.parent_death,
            die_with_parent: !request.no_die_with_parent,
            workload: if request.pause { None } else { Some(Workload::new(request, signals)?) },
        })
    }
}

fn rules(request: &RunRequest) -> Rules {
    let grouping = match request.grouping {
        // Then the terminal, if there is one, could not be given back.
        Grouping::Own if !job::group_has_a_name() && Terminal::controlling().is_some() => Grouping::Shared,
        asked => asked,
    };
    let mut rewrites = request.rewrites;
    if grouping == Grouping::Session {
        // In a session of its own nobody could continue it, so the kernel does not let the terminal's stops stop it;
        // SIGSTOP does (B29).
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            if rewrites.apply(signal) == Some(signal) {
                rewrites.set(signal, Some(Signal::STOP));
            }
        }
    }
    Rules { group: request.group, grouping, rewrites, stop: request.stop, stops_itself: request.stops_itself }
}

/// Better to say so than to leave it undone.
fn refuse_what_is_impossible(request: &RunRequest, place: Place) -> Result<(), UsageError> {
    match place {
        Place::InPlace => refuse_namespace_options(request)?,
        Place::Bare => refuse_init_options(request)?,
        Place::Isolated => {}
    }
    if let (Some(Propagation::Shared | Propagation::Unchanged), Some(option)) =
        (request.propagation, request.furnishing.mounting_option())
    {
        return Err(UsageError::with_hint(
            format!("with --propagation shared or unchanged the caller would get these mounts too: {option}"),
            "use --propagation private, which is the default, or slave",
        ));
    }
    if request.pause && request.identity != Identity::default() {
        let hint = "leave out --uid and its like: it is pidone itself that runs";
        return Err(UsageError::with_hint("--pause runs no command that could be somebody else", hint));
    }
    if request.pause && request.stop != StopRules::NONE {
        let hint = "leave out --stop-timeout, --stop-delay and --stop-all: it ends at once";
        return Err(UsageError::with_hint("--pause runs no command that could be stopped", hint));
    }
    Ok(())
}

/// Where the command itself is PID 1 nobody is left when it is gone, and nobody inside can find the others.
fn refuse_init_options(request: &RunRequest) -> Result<(), UsageError> {
    let asked =
        [(request.on_exit.is_some(), "--on-exit"), (request.stop.all, "--stop-all"), (request.pause, "--pause")];
    match asked.iter().find(|(asked, _)| *asked) {
        None => Ok(()),
        Some((_, option)) => Err(UsageError::with_hint(
            format!("this option needs an init, and with --as-pid1 there is none: {option}"),
            "use it with --isolate, or leave it out (it may stand in PIDONE_OPTIONS)",
        )),
    }
}

/// In place there is no new namespace to map, mount or outlive: better to say so than to leave it undone.
fn refuse_namespace_options(request: &RunRequest) -> Result<(), UsageError> {
    let files = request.furnishing.option();
    let asked = [
        (request.id_map == Some(IdMap::Root), "--map-root"),
        (request.id_map == Some(IdMap::Current), "--map-current"),
        (request.proc.is_some(), "--proc"),
        (request.propagation.is_some(), "--propagation"),
        (request.no_die_with_parent, "--no-die-with-parent"),
        (files.is_some(), files.unwrap_or_default()),
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
    fn new(request: RunRequest, signals: SignalState) -> Result<Self, UsageError> {
        let mut environment = Environment::inherited();
        let accounts = Accounts { root: request.furnishing.rootfs.as_deref() };
        let identity = IdentityPlan::new(request.identity, request.id_map, accounts, &mut environment)?;
        let listen = ListenPid::find(&environment);
        let name = request.command.first().cloned().unwrap_or_default();
        let candidates = candidates(&name, environment.get("PATH"));
        let mut argv = request.command.into_iter().map(c_string).collect::<Result<Vec<_>, _>>()?;
        let shell = request.shell_fallback.then(|| shell_argv(argv.get(1..).unwrap_or_default()));
        if let (Some(argv0), Some(first)) = (&identity.typed.argv0, argv.first_mut()) {
            *first = c_string(argv0.clone())?;
        }
        // Kept for as long as the process lives, like the environment.
        let leaked = |path| c_string(path).map(|path| -> &'static CStr { Box::leak(path.into_boxed_c_str()) });
        Ok(Workload {
            candidates: candidates.into_iter().map(leaked).collect::<Result<_, _>>()?,
            command: name,
            argv: PointerArray::new(argv.into_iter().map(Cow::Owned).collect()),
            shell,
            env: environment.into_array(),
            listen,
            identity,
            signals,
        })
    }
}

/// `/bin/sh PATH ARG...`, where PATH is to be put in.
fn shell_argv(args: &[CString]) -> PointerArray {
    let args = args.iter().cloned().map(Cow::Owned);
    PointerArray::new([Cow::Borrowed(SHELL), Cow::Borrowed(c"")].into_iter().chain(args).collect())
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
}
