//! Runs in: outer or init. What was asked of the verbs other than `run`, and of the trace; pure data.

use crate::namespace::Kinds;
use crate::signal::Signal;
use std::ffi::OsString;
use std::time::Duration;

/// Whose namespaces to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Those of this process.
    Process(i32),
    /// Those kept as files in this directory.
    Kept(OsString),
    /// Those of these files.
    Files(Vec<OsString>),
}

/// What only `enter` knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EnterOptions {
    pub(crate) files: Vec<OsString>,
    /// No others than these.
    pub(crate) only: Option<Kinds>,
}

impl EnterOptions {
    pub(crate) fn is_empty(&self) -> bool {
        let EnterOptions { files, only } = self;
        files.is_empty() && only.is_none()
    }
}

/// What `inspect` is to show, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectRequest {
    /// As /proc has it.
    pub(crate) pid: i32,
    /// JSON in place of tables.
    pub(crate) json: bool,
    /// The namespaces of the machine in place of the process.
    pub(crate) tree: bool,
    /// How often; once, if `None`.
    pub(crate) watch: Option<Duration>,
}

/// What only `probe` knows. `None` is the default, wherever it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProbeOptions {
    /// To try, in this order.
    pub(crate) signals: Option<Vec<Signal>>,
    /// How long a command gets until it counts as ready.
    pub(crate) settle: Option<Duration>,
    /// What shows that it is ready, in place of a time.
    pub(crate) ready: Option<Ready>,
    /// When to give up on that.
    pub(crate) ready_timeout: Option<Duration>,
    /// How long a signal has to show its effect.
    pub(crate) wait: Option<Duration>,
    pub(crate) json: bool,
}

impl ProbeOptions {
    pub(crate) fn is_empty(&self) -> bool {
        let ProbeOptions { signals, settle, ready, ready_timeout, wait, json } = self;
        let is_timed = settle.is_some() || ready_timeout.is_some() || wait.is_some();
        signals.is_none() && !is_timed && ready.is_none() && !json
    }
}

/// What shows that a command is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// A file, as the command sees it.
    File(OsString),
    /// A line of its output that matches this extended regular expression.
    Output(OsString),
}

/// Where the trace goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TraceTo {
    /// A descriptor that pidone was started with.
    Descriptor(i32),
    /// A file, made or emptied.
    File(OsString),
}

/// How the trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceFormat {
    /// A JSON object a line.
    Json,
    /// The trace event format of Chrome.
    Chrome,
}
