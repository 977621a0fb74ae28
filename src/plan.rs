//! Runs in: outer or init, before any clone. Request → LaunchPlan: checked, NUL-free, allocated.
//!
//! After the clone there is only executing what stands here, so nothing can be found missing half-way.
//!
//! Past 300 lines because all that contradicts itself is refused here.

use crate::account::Accounts;
use crate::environment::{Environment, ListenPid};
use crate::error::UsageError;
use crate::forward::Rules;
use crate::identity::IdentityPlan;
use crate::idmap::IdMaps;
use crate::job;
use crate::namespace::{Kind, Kinds};
use crate::packed::packed;
use crate::path;
use crate::request::{
    ClockOffset, Furnishing, Grouping, OnExit, Orphans, Place, ProcMount, Propagation, RunRequest, StopRules,
};
use crate::signal::Signal;
use crate::sys::{PointerArray, SignalState, kept};
use crate::terminal::Terminal;
use nix::unistd::{Pid, getpid};
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// All that is needed to start a workload.
pub(crate) struct LaunchPlan<'a> {
    pub(crate) place: Place,
    pub(crate) namespaces: NamespacePlan<'a>,
    /// `None`: a pause.
    pub(crate) workload: Option<Box<Workload<'a>>>,
    pub(crate) rules: Rules,
    pub(crate) orphans: Orphans,
    pub(crate) announce_reaped: bool,
    pub(crate) on_exit: OnExit,
    /// What to forward when the parent of the process that the user started dies.
    pub(crate) parent_death: Option<Signal>,
    pub(crate) die_with_parent: bool,
}

/// The new namespaces, and what is done in them before the workload runs.
pub(crate) struct NamespacePlan<'a> {
    /// In place: the workload's alone.
    pub(crate) kinds: Kinds,
    /// With a user namespace.
    pub(crate) id_maps: Option<IdMaps>,
    pub(crate) hostname: Option<&'a OsStr>,
    pub(crate) domainname: Option<&'a OsStr>,
    /// The directory to keep them in as files.
    pub(crate) persist: Option<&'a OsStr>,
    /// The text of timens_offsets, time_namespaces(7); may be empty.
    pub(crate) clocks: String,
    pub(crate) proc: ProcMount,
    pub(crate) propagation: Propagation,
    pub(crate) furnishing: &'a Furnishing,
}

impl<'a> NamespacePlan<'a> {
    fn new(request: &'a RunRequest, place: Place) -> Result<Self, UsageError> {
        let asked = &request.namespaces;
        let wants_mounts = wants_mounts(request);
        let implied = match place {
            Place::InPlace if wants_mounts => Kinds::of(&[Kind::Mount]),
            Place::InPlace => Kinds::NONE,
            Place::Isolated | Place::Bare => Kinds::of(&[Kind::Pid, Kind::Mount]),
        };
        let kinds = asked.kinds.and(implied);
        let default_proc = match (place, request.furnishing.rootfs.is_some()) {
            (Place::Isolated | Place::Bare, _) => ProcMount::Fresh,
            (Place::InPlace, false) => ProcMount::None,
            // A user namespace does not own the PID namespace that it was made in, and so may mount no procfs of it.
            (Place::InPlace, true) if kinds.has(Kind::User) => ProcMount::Bind,
            (Place::InPlace, true) => ProcMount::Fresh,
        };
        let offset = |clock: &str, offset: Option<ClockOffset>| {
            offset.map_or(String::new(), |ClockOffset { seconds, nanoseconds }| {
                format!("{clock} {seconds} {nanoseconds}\n")
            })
        };
        Ok(NamespacePlan {
            kinds,
            id_maps: if kinds.has(Kind::User) { Some(IdMaps::new(&asked.map)?) } else { None },
            hostname: asked.hostname.as_deref(),
            domainname: asked.domainname.as_deref(),
            persist: asked.persist.as_deref(),
            clocks: offset("monotonic", asked.monotonic) + &offset("boottime", asked.boottime),
            proc: request.proc.unwrap_or(default_proc),
            propagation: request.propagation.unwrap_or(Propagation::Private),
            furnishing: &request.furnishing,
        })
    }
}

/// Whether something is asked for that takes a mount namespace of its own.
fn wants_mounts(request: &RunRequest) -> bool {
    request.proc.is_some() || request.propagation.is_some() || !request.furnishing.is_empty()
}

/// The command, ready for execve(2).
pub(crate) struct Workload<'a> {
    /// As typed, for messages.
    pub(crate) command: &'a OsStr,
    /// The PATH that it is looked for in, if it is.
    pub(crate) path: Option<&'static OsStr>,
    /// The paths to try in order: one where the command holds a slash, one for each entry of PATH otherwise.
    pub(crate) candidates: Vec<&'static CStr>,
    pub(crate) argv: PointerArray,
    /// What runs a file that has no `#!` line, with room for its path; not under our own name.
    pub(crate) shell: Option<PointerArray>,
    pub(crate) env: PointerArray,
    /// The variables that are to name the workload's own process.
    pub(crate) listen: Option<ListenPid>,
    pub(crate) identity: IdentityPlan<'a>,
    /// What signals do in the workload: what they did when pidone was started.
    pub(crate) signals: SignalState,
}

/// The shell that execvp(3) falls back on.
pub(crate) const SHELL: &CStr = c"/bin/sh";
/// Where in its arguments the path of the file stands.
pub(crate) const SHELL_PATH_INDEX: usize = 1;

impl<'a> LaunchPlan<'a> {
    /// Checks a request against itself and prepares everything for it.
    ///
    /// # Errors
    /// An option that does not go with the place; a name that stands in no file; a NUL byte.
    pub(crate) fn new(request: &'a RunRequest, signals: SignalState) -> Result<Self, UsageError> {
        let default_place = if getpid() == Pid::from_raw(1) { Place::InPlace } else { Place::Isolated };
        let place = request.place.unwrap_or(default_place);
        refuse_what_is_impossible(request, place)?;
        let namespaces = NamespacePlan::new(request, place)?;
        let workload = match request.pause {
            true => None,
            false => Some(Workload::new(request, &request.command, namespaces.id_maps.as_ref(), signals)?),
        };
        Ok(LaunchPlan {
            place,
            namespaces,
            rules: rules(request),
            orphans: request.orphans,
            announce_reaped: request.announce_reaped,
            on_exit: request.on_exit.unwrap_or(OnExit::Kill),
            parent_death: request.parent_death,
            die_with_parent: !request.no_die_with_parent,
            workload,
        })
    }
}

impl<'a> LaunchPlan<'a> {
    /// For a program that is PID 1, and from now on has a child that is the program.
    ///
    /// # Errors
    /// An option that is about something else than signals and the end.
    pub(crate) fn for_supervising(request: &'a RunRequest) -> Result<Self, UsageError> {
        let RunRequest { group, grouping, rewrites, stop, on_exit, .. } = *request;
        let bearing = RunRequest { group, grouping, rewrites, stop, on_exit, ..RunRequest::new() };
        let bearing = RunRequest { exit_map: request.exit_map.clone(), level: request.level, ..bearing };
        if *request != bearing {
            let message =
                "there is only the program itself, for which signals, the end and messages can be arranged";
            return Err(UsageError::with_hint(message, "leave out options about anything else"));
        }
        Ok(LaunchPlan { on_exit: on_exit.unwrap_or(OnExit::Kill), ..without_init(request)? })
    }
}

/// For a command that is entered into namespaces which are there, and is made there.
///
/// # Errors
/// An option that asks for namespaces, or for what only an init inside could do.
pub(crate) fn for_entering(request: &RunRequest) -> Result<LaunchPlan<'_>, UsageError> {
    let asked = [
        (request.place.is_some(), "--in-place, --isolate and --as-pid1"),
        (!request.namespaces.is_empty(), "options that make namespaces"),
        (request.proc.is_some(), "--proc"),
        (request.propagation.is_some(), "--propagation"),
        (!request.furnishing.is_empty(), "options that furnish the file system"),
        (request.on_exit.is_some(), "--on-exit"),
        (request.stop.all, "--stop-all"),
        (request.pause, "--pause"),
    ];
    if let Some((_, option)) = asked.iter().find(|(asked, _)| *asked) {
        let message = format!("enter makes no namespaces and no init; it does not go with {option}");
        return Err(UsageError::with_hint(message, packed!("leave it out (it may stand in PIDONE_OPTIONS)")));
    }
    refuse_a_format_alone(request)?;
    without_init(request)
}

/// For a process that is there, or made by somebody else; in no namespaces of its own.
fn without_init(request: &RunRequest) -> Result<LaunchPlan<'_>, UsageError> {
    Ok(LaunchPlan {
        place: Place::InPlace,
        namespaces: NamespacePlan::new(request, Place::InPlace)?,
        rules: rules(request),
        orphans: Orphans::Leave,
        announce_reaped: false,
        on_exit: OnExit::Leave,
        parent_death: request.parent_death,
        die_with_parent: !request.no_die_with_parent,
        workload: None,
    })
}

/// What of it can be had.
pub(crate) fn possible(grouping: Grouping) -> Grouping {
    match grouping {
        // Then the terminal, if there is one, could not be given back.
        Grouping::Own if !job::group_has_a_name() && Terminal::controlling().is_some() => Grouping::Shared,
        asked => asked,
    }
}

fn rules(request: &RunRequest) -> Rules {
    let grouping = possible(request.grouping);
    let mut rewrites = request.rewrites;
    if grouping == Grouping::Session {
        // In a session of its own nobody could continue it, so the kernel does not let the terminal's stops stop it;
        // SIGSTOP does (B29).
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            rewrites.set_default(signal, Signal::STOP);
        }
    }
    Rules { group: request.group, grouping, rewrites, stop: request.stop, stops_itself: request.stops_itself }
}

/// A format of nothing is a mistake.
fn refuse_a_format_alone(request: &RunRequest) -> Result<(), UsageError> {
    match (&request.trace, request.trace_format) {
        (None, Some(_)) => Err(UsageError::with_hint(
            "--trace-format says how, but nothing is traced",
            "add --trace, --trace=FILE or --trace=fd:N",
        )),
        _ => Ok(()),
    }
}

/// Better to say so than to leave it undone.
fn refuse_what_is_impossible(request: &RunRequest, place: Place) -> Result<(), UsageError> {
    refuse_a_format_alone(request)?;
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
            packed!("use --propagation private, which is the default, or slave"),
        ));
    }
    if request.pause && !request.identity.is_empty() {
        let hint = packed!("leave out --uid and its like: it is pidone itself that runs");
        return Err(UsageError::with_hint(packed!("--pause runs no command that could be somebody else"), hint));
    }
    if request.pause && request.stop != StopRules::NONE {
        let hint = packed!("leave out --stop-timeout, --stop-delay and --stop-all: it ends at once");
        return Err(UsageError::with_hint(packed!("--pause runs no command that could be stopped"), hint));
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
            packed!("use it with --isolate, or leave it out (it may stand in PIDONE_OPTIONS)"),
        )),
    }
}

/// In place the workload can have namespaces of its own, but none for processes: init itself would have to be outside it.
fn refuse_namespace_options(request: &RunRequest) -> Result<(), UsageError> {
    let hint = packed!("use it with --isolate, or leave it out (it may stand in PIDONE_OPTIONS)");
    if request.namespaces.kinds.has(Kind::Pid) {
        let message = packed!("--all: in place there can be no new PID namespace");
        return Err(UsageError::with_hint(
            message,
            packed!("name the others, such as --uts and --net, or use --isolate"),
        ));
    }
    if request.namespaces.persist.is_some() {
        let message = packed!("--persist: in place there is nobody outside to keep namespaces");
        return Err(UsageError::with_hint(message, hint));
    }
    if request.no_die_with_parent {
        let message =
            packed!("this option needs a new PID namespace, and in place there is none: --no-die-with-parent");
        return Err(UsageError::with_hint(message, hint));
    }
    if request.pause && (!request.namespaces.kinds.is_empty() || wants_mounts(request)) {
        return Err(UsageError::with_hint(
            packed!("--pause in place runs no command that could have namespaces of its own"),
            hint,
        ));
    }
    Ok(())
}

impl<'a> Workload<'a> {
    /// Checks and prepares `command` as `request` has it. Reads the files that users and groups stand in, if one is named.
    ///
    /// # Errors
    /// A name that stands in no file; a NUL byte.
    pub(crate) fn new(
        request: &'a RunRequest,
        command: &'a [OsString],
        id_maps: Option<&IdMaps>,
        signals: SignalState,
    ) -> Result<Box<Self>, UsageError> {
        let mut environment = Environment::inherited();
        let accounts = Accounts { root: request.furnishing.rootfs.as_deref() };
        let identity = IdentityPlan::new(&request.identity, id_maps, accounts, &mut environment)?;
        let listen = ListenPid::find(&environment);
        let name = command.first().map_or(OsStr::new(""), OsString::as_os_str);
        let path = environment.get("PATH");
        let candidates = path::candidates(name, path);
        let mut argv = Vec::with_capacity(command.len());
        for word in command {
            argv.push(c_string(word)?);
        }
        // `/bin/sh PATH ARG...`, where PATH is to be put in.
        let shell = request.shell_fallback.then(|| {
            let args = argv.get(1..).unwrap_or_default();
            PointerArray::of(&[&[SHELL, c""], args].concat())
        });
        if let (Some(argv0), Some(first)) = (&identity.typed.argv0, argv.first_mut()) {
            *first = c_string(argv0)?;
        }
        Ok(Box::new(Workload {
            candidates,
            command: name,
            path,
            argv: PointerArray::of(&argv),
            shell,
            env: environment.into_array(),
            listen,
            identity,
            signals,
        }))
    }
}

/// Arguments come NUL-terminated from the kernel; only a caller within the program could put a NUL into one.
fn c_string(string: &OsStr) -> Result<&'static CStr, UsageError> {
    kept(string.as_bytes()).ok_or_else(|| UsageError::new("an argument holds a NUL byte"))
}
