//! Runs in: outer or init. What the user asked for, as typed; pure data, from `cli` to `plan`.

use crate::signal::Rewrites;
use std::ffi::OsString;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `-h`: one screen.
    ShortHelp,
    /// `--help`: everything.
    LongHelp,
    /// `--version`.
    Version,
    /// A command to run.
    Run(RunRequest),
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

/// Who the caller is inside a new user namespace, user_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdMap {
    /// Uid 0 and gid 0 inside.
    Root,
    /// The same uid and gid inside as outside.
    Current,
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

/// A command to run, and how; as typed, not yet checked against what is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunRequest {
    /// `None`: in place when pidone is PID 1, isolated otherwise.
    pub(crate) place: Option<Place>,
    /// A new user namespace, if any.
    pub(crate) id_map: Option<IdMap>,
    /// `None`: a fresh one where there is a new mount namespace.
    pub(crate) proc: Option<ProcMount>,
    /// `None`: private where there is a new mount namespace.
    pub(crate) propagation: Option<Propagation>,
    /// Forward signals to the workload's process group instead of to the workload alone.
    pub(crate) group: bool,
    /// What signals become before they are forwarded.
    pub(crate) rewrites: Rewrites,
    /// Exit statuses of the workload, and what to make of them; the last word on one counts.
    pub(crate) exit_map: Vec<(u8, u8)>,
    /// Let the inside outlive outer.
    pub(crate) no_die_with_parent: bool,
    /// How many `-v`: 1 for info, 2 for debug, 3 for trace.
    pub(crate) verbosity: u8,
    /// The command and its arguments; never empty.
    pub(crate) command: Vec<OsString>,
}
