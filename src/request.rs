//! Runs in: outer or init. What the user asked for, as typed; pure data, from `cli` to `plan`.
//!
//! Past 300 lines because it is one list of all that can be asked for.

mod identity;
mod verbs;

pub(crate) use self::identity::{EnvironmentChange, Groups, Identity, Limit};
pub(crate) use self::verbs::{EnterOptions, InspectRequest, ProbeOptions, Ready, Target, TraceFormat, TraceTo};
use crate::idmap::MapRequest;
use crate::namespace::Kinds;
use crate::signal::{Rewrites, Signal};
use log::LevelFilter;
use std::ffi::{CString, OsString};
use std::time::Duration;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// A text.
    Show(Text),
    /// Links in this directory, by the names of other inits.
    InstallNames(OsString),
    /// No more namespaces kept as files in this directory.
    Release(OsString),
    /// A process to look at.
    Inspect(InspectRequest),
    /// A command to run in namespaces that are there.
    Enter(Target, Box<RunRequest>),
    /// A command to try signals on.
    Probe(Box<RunRequest>),
    /// A command to run.
    Run(Box<RunRequest>),
}

/// A text that is all there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    ShortHelp,
    LongHelp,
    Version,
    InspectHelp,
    License,
    TiniHelp,
    TiniVersion,
    DumbInitHelp,
    DumbInitVersion,
    CatatonitHelp,
    CatatonitVersion,
}

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

/// Where the workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "in place is what it is called everywhere")]
pub(crate) enum Place {
    /// In the caller's PID namespace: pidone is its PID 1 already, or a child subreaper.
    InPlace,
    /// In a new PID and mount namespace whose PID 1 is pidone.
    Isolated,
    /// In a new PID and mount namespace whose PID 1 is the workload itself.
    Bare,
}

impl Place {
    /// As the trace has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Place::InPlace => "in-place",
            Place::Isolated => "isolated",
            Place::Bare => "bare",
        }
    }
}

/// How far a clock in a new time namespace is ahead of ours, time_namespaces(7); negative if it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockOffset {
    pub(crate) seconds: i64,
    /// 0 to 999,999,999, added to that.
    pub(crate) nanoseconds: u32,
}

/// New namespaces beside those for processes and mounts, and what is set in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamespaceRequest {
    /// Asked for by their names, or implied by what is set in them.
    pub(crate) kinds: Kinds,
    pub(crate) hostname: Option<OsString>,
    /// The NIS domain name.
    pub(crate) domainname: Option<OsString>,
    pub(crate) monotonic: Option<ClockOffset>,
    pub(crate) boottime: Option<ClockOffset>,
    pub(crate) map: MapRequest,
    /// The directory to keep them in as files.
    pub(crate) persist: Option<OsString>,
}

impl NamespaceRequest {
    /// Nothing is asked for: all that can be set implies a kind, but for where they are kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.persist.is_none()
    }
}

/// What stands at /proc in the new mount namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcMount {
    /// A new procfs, which shows the new PID namespace.
    Fresh,
    /// The caller's procfs, bind-mounted over itself with what is mounted below it.
    Bind,
    /// Nothing new.
    None,
}

/// How mounts and unmounts travel between the caller's mount namespace and the new one, mount_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// Not at all.
    Private,
    /// From the caller to the inside only.
    Slave,
    /// Both ways.
    Shared,
    /// As each mount was.
    Unchanged,
}

/// One thing that is put into the workload's file system. Targets are absolute paths inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FurnishStep {
    /// What the caller has at `source`, with all mounts below it.
    Bind { source: CString, target: OsString, read_only: bool },
    /// An empty file system in memory, of at most this size, in the words of tmpfs(5).
    Tmpfs { target: OsString, size: Option<CString> },
    /// A minimal /dev.
    Dev { target: OsString },
    /// A new procfs.
    Proc { target: OsString },
    /// Nothing, in the place of what is there.
    Mask { target: OsString },
}

impl FurnishStep {
    /// The option that asks for it.
    pub(crate) fn option(&self) -> &'static str {
        match self {
            FurnishStep::Bind { read_only: false, .. } => "--bind",
            FurnishStep::Bind { read_only: true, .. } => "--ro-bind",
            FurnishStep::Tmpfs { .. } => "--tmpfs",
            FurnishStep::Dev { .. } => "--dev",
            FurnishStep::Proc { .. } => "--proc-at",
            FurnishStep::Mask { .. } => "--mask",
        }
    }
}

/// What the workload finds in its file system, if not what the caller does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Furnishing {
    /// The directory, of the caller's, that is its root.
    pub(crate) rootfs: Option<OsString>,
    /// In the order given.
    pub(crate) steps: Vec<FurnishStep>,
    /// Whether the root is, but not what is mounted in it.
    pub(crate) read_only: bool,
}

impl Furnishing {
    /// Nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        let Furnishing { rootfs, steps, read_only } = self;
        rootfs.is_none() && steps.is_empty() && !read_only
    }

    /// The first option that puts mounts into the mount namespace.
    pub(crate) fn mounting_option(&self) -> Option<&'static str> {
        self.rootfs.as_ref().map(|_| "--rootfs").or_else(|| self.steps.first().map(FurnishStep::option))
    }
}

/// What init does about orphans where it is not PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orphans {
    /// Becomes a child subreaper, so that they come to it.
    Adopt,
    /// Leaves them to whoever gets them: dumb-init's way.
    Leave,
    /// Leaves them, and warns of it: tini's way.
    LeaveAndWarn,
}

/// Where signals for the terminal's process groups find the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// In a process group of its own.
    Own,
    /// In a session of its own, with the terminal if it can be had.
    Session,
    /// In pidone's own process group: what the terminal sends to that, the workload has already got.
    Shared,
}

/// What becomes of the other processes when the workload is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnExit {
    /// SIGKILL at once. Where init is PID 1, the kernel does it.
    Kill,
    /// SIGTERM, and SIGKILL to what is left when the time is up.
    Term,
    /// Nothing, until the last one has ended by itself.
    Wait,
    /// Nothing: the next init gets them. Other inits' way where they are not PID 1.
    Leave,
    /// SIGTERM to the workload's group, and nothing more: dumb-init's way.
    TermGroup,
}

/// How a stop is carried out: what follows on SIGTERM, SIGINT, SIGQUIT or SIGHUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopRules {
    /// How long after it the workload gets SIGKILL; never, if `None`.
    pub(crate) timeout: Option<Duration>,
    /// How long it is held back.
    pub(crate) delay: Option<Duration>,
    /// It goes to every process, not to the workload alone.
    pub(crate) all: bool,
}

impl StopRules {
    /// The signal is forwarded like any other, and that is all.
    pub(crate) const NONE: Self = StopRules { timeout: None, delay: None, all: false };
}

/// A command to run, and how; as typed, not yet checked against what is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunRequest {
    /// `None`: in place when pidone is PID 1, isolated otherwise.
    pub(crate) place: Option<Place>,
    pub(crate) orphans: Orphans,
    /// Tell of each orphan that was reaped, in tini's words.
    pub(crate) announce_reaped: bool,
    pub(crate) namespaces: NamespaceRequest,
    pub(crate) enter: EnterOptions,
    pub(crate) probe: ProbeOptions,
    /// `None`: a fresh one where there is a new mount namespace.
    pub(crate) proc: Option<ProcMount>,
    /// `None`: private where there is a new mount namespace.
    pub(crate) propagation: Option<Propagation>,
    pub(crate) furnishing: Furnishing,
    /// Let the inside outlive outer.
    pub(crate) no_die_with_parent: bool,
    /// Forward signals to the workload's process group instead of to the workload alone.
    pub(crate) group: bool,
    pub(crate) grouping: Grouping,
    /// Stop oneself after passing on a stop of the terminal: dumb-init's way.
    pub(crate) stops_itself: bool,
    /// What signals become before they are forwarded.
    pub(crate) rewrites: Rewrites,
    pub(crate) stop: StopRules,
    /// `None`: kill.
    pub(crate) on_exit: Option<OnExit>,
    /// What to forward when the parent of pidone dies.
    pub(crate) parent_death: Option<Signal>,
    /// Exit statuses of the workload, and what to make of them; the last word on one counts.
    pub(crate) exit_map: Vec<(u8, u8)>,
    pub(crate) identity: Identity,
    /// Run a file without a `#!` line by `/bin/sh`, as execvp(3) does.
    pub(crate) shell_fallback: bool,
    /// What to log; `None`: what RUST_LOG says, or else warnings.
    pub(crate) level: Option<LevelFilter>,
    /// `None`: there is none.
    pub(crate) trace: Option<TraceTo>,
    /// `None`: JSON.
    pub(crate) trace_format: Option<TraceFormat>,
    /// No command at all: only reap, until SIGTERM or SIGINT.
    pub(crate) pause: bool,
    /// The command and its arguments; empty only for a pause.
    pub(crate) command: Vec<OsString>,
}

impl RunRequest {
    /// What an empty command line asks for.
    pub(crate) fn new() -> Self {
        RunRequest {
            place: None,
            orphans: Orphans::Adopt,
            announce_reaped: false,
            namespaces: NamespaceRequest::default(),
            enter: EnterOptions::default(),
            probe: ProbeOptions::default(),
            proc: None,
            propagation: None,
            furnishing: Furnishing::default(),
            no_die_with_parent: false,
            group: false,
            grouping: Grouping::Own,
            stops_itself: false,
            rewrites: Rewrites::none(),
            stop: StopRules::NONE,
            on_exit: None,
            parent_death: None,
            exit_map: Vec::new(),
            identity: Identity::default(),
            shell_fallback: false,
            level: None,
            trace: None,
            trace_format: None,
            pause: false,
            command: Vec::new(),
        }
    }
}
