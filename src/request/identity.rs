//! Runs in: outer or init. Who the workload is to be, as typed; pure data.

use crate::capability::Capabilities;
use nix::sys::resource::Resource;
use std::ffi::OsString;

/// Supplementary groups of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// These, by name or number.
    List(Vec<String>),
    /// None at all.
    None,
    /// Those that /etc/group lists the user in.
    Init,
}

/// One change of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EnvironmentChange {
    /// Away with all of it.
    Clear,
    /// This `NAME=VALUE`.
    Set(OsString),
    /// Away with this name.
    Unset(OsString),
}

/// A resource limit; `None` stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) resource: Resource,
    pub(crate) name: &'static str,
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

/// Who the workload is to be, and with what. All of it is left as it is unless asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// By name or number.
    pub(crate) user: Option<String>,
    /// By name or number.
    pub(crate) group: Option<String>,
    /// The group that came with the user, as `USER:GROUP`; wins over `group`, which is `--gid`'s.
    pub(crate) user_group: Option<String>,
    pub(crate) groups: Option<Groups>,
    pub(crate) no_new_privs: bool,
    /// To take away.
    pub(crate) drop_caps: Capabilities,
    /// To have, and no others.
    pub(crate) keep_caps: Option<Capabilities>,
    pub(crate) umask: Option<u32>,
    pub(crate) workdir: Option<OsString>,
    /// In the order given.
    pub(crate) environment: Vec<EnvironmentChange>,
    pub(crate) argv0: Option<OsString>,
    /// −20 to 19.
    pub(crate) nice: Option<i32>,
    pub(crate) limits: Vec<Limit>,
    /// −1000 to 1000.
    pub(crate) oom_score_adj: Option<i32>,
}

impl Identity {
    /// Nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        let Identity { environment, limits, .. } = self;
        let is_unset = matches!(
            self,
            Identity {
                user: None,
                group: None,
                user_group: None,
                groups: None,
                no_new_privs: false,
                drop_caps: Capabilities(0),
                keep_caps: None,
                umask: None,
                workdir: None,
                environment: _,
                argv0: None,
                nice: None,
                limits: _,
                oom_score_adj: None,
            }
        );
        is_unset && environment.is_empty() && limits.is_empty()
    }
}
