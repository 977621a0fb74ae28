//! Runs in: outer or init, before any clone. From the names that were asked for to the ids that the workload gets.
//!
//! How they are put on stands in `init/dress.rs`.

use crate::account::{Accounts, User};
use crate::capability::Capabilities;
use crate::environment::Environment;
use crate::error::UsageError;
use crate::idmap::IdMaps;
use crate::order::sort_by_number;
use crate::request::{Groups, Identity, Limit};
use crate::sys;
use nix::unistd::geteuid;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

/// Who the workload is to be: checked, looked up, allocated. `None` is left as it is.
#[derive(Debug)]
pub(crate) struct IdentityPlan<'a> {
    /// As typed, for messages.
    pub(crate) typed: &'a Identity,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) groups: Option<GroupsPlan>,
    pub(crate) capabilities: Option<CapabilityPlan>,
    pub(crate) workdir: Option<CString>,
    /// What to write into /proc/self/oom_score_adj.
    pub(crate) oom_score_adj: Option<String>,
}

/// Supplementary groups.
#[derive(Debug)]
pub(crate) struct GroupsPlan {
    pub(crate) ids: Vec<u32>,
    /// They are the caller's already: then it does not matter that setgroups(2) takes privilege.
    pub(crate) held: bool,
}

impl GroupsPlan {
    /// As `[4, 20]`.
    pub(crate) fn list(&self) -> String {
        let mut list = String::from("[");
        let mut comma = "";
        for id in &self.ids {
            list.push_str(comma);
            list.push_str(&id.to_string());
            comma = ", ";
        }
        list + "]"
    }
}

/// What is to become of the five capability sets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CapabilityPlan {
    /// Each loses these.
    Drop(Capabilities),
    /// Each is to hold these and no others.
    Keep(Capabilities),
}

impl<'a> IdentityPlan<'a> {
    /// Looks up what was asked for; a user that is known brings a home along, into `environment`.
    ///
    /// # Errors
    /// A name that stands in no file.
    pub(crate) fn new(
        typed: &'a Identity,
        id_maps: Option<&IdMaps>,
        accounts: Accounts<'_>,
        environment: &mut Environment,
    ) -> Result<Self, UsageError> {
        let user = typed.user.as_deref().map(|user| accounts.user(user)).transpose()?;
        // Whoever is that user already keeps group, groups and home: an engine may have chosen them, and to change them takes
        // privilege.
        let newcomer = user.as_ref().filter(|user| user.uid != uid_inside(id_maps));
        let entry = newcomer.and_then(|user| user.entry.as_deref());
        let gid = match typed.user_group.as_ref().or(typed.group.as_ref()) {
            Some(group) => Some(accounts.group(group)?),
            None => entry.map(|entry| entry.gid),
        };
        let groups = match &typed.groups {
            Some(groups) => Some(asked_groups(groups, user.as_ref(), gid, accounts)?),
            None => newcomer.map(|user| groups_of(user, gid, accounts)).transpose()?,
        };
        if let Some(entry) = entry {
            environment.set(&[b"HOME=", entry.home.as_bytes()].concat());
        }
        typed.environment.iter().for_each(|change| environment.change(change));
        let workdir = typed.workdir.as_ref().map(|workdir| CString::new(workdir.as_bytes()));
        Ok(IdentityPlan {
            uid: user.map(|user| user.uid),
            gid,
            groups: groups.map(|ids| {
                // What a number stands for out here it need not stand for in a user namespace.
                let held = (id_maps.is_none() || ids.is_empty()) && is_held(&ids);
                GroupsPlan { ids, held }
            }),
            capabilities: capabilities(typed),
            workdir: workdir.transpose().map_err(|_| UsageError::new("--workdir holds a NUL byte"))?,
            oom_score_adj: typed.oom_score_adj.map(|score| score.to_string()),
            typed,
        })
    }

    /// Whether the process's credentials change at all, credentials(7).
    pub(crate) fn changes_credentials(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.groups.is_some() || self.capabilities.is_some()
    }

    /// The limits to set.
    pub(crate) fn limits(&self) -> &[Limit] {
        &self.typed.limits
    }
}

/// The uid that the workload would have by itself.
fn uid_inside(id_maps: Option<&IdMaps>) -> u32 {
    id_maps.map_or_else(|| geteuid().as_raw(), IdMaps::uid_inside)
}

fn asked_groups(
    groups: &Groups,
    user: Option<&User>,
    gid: Option<u32>,
    accounts: Accounts<'_>,
) -> Result<Vec<u32>, UsageError> {
    match groups {
        Groups::None => Ok(Vec::new()),
        Groups::List(list) => list.iter().map(|group| accounts.group(group)).collect(),
        Groups::Init => {
            let current = accounts.user(&geteuid().to_string())?;
            let user = user.unwrap_or(&current);
            if user.entry.is_none() {
                let message = format!("--groups init: /etc/passwd has no entry for uid {}", user.uid);
                return Err(UsageError::with_hint(message, "list the groups, or --groups none"));
            }
            groups_of(user, gid, accounts)
        }
    }
}

/// A login's groups; none for a user that nobody knows.
fn groups_of(user: &User, gid: Option<u32>, accounts: Accounts<'_>) -> Result<Vec<u32>, UsageError> {
    let Some(entry) = &user.entry else { return Ok(Vec::new()) };
    accounts.groups_of(&entry.name, gid.unwrap_or(entry.gid))
}

fn is_held(ids: &[u32]) -> bool {
    let sorted = |mut ids: Vec<u32>| -> Vec<u32> {
        sort_by_number(&mut ids, |id| u64::from(*id));
        ids.dedup();
        ids
    };
    sys::groups().is_ok_and(|current| sorted(current) == sorted(ids.to_vec()))
}

/// `--drop-caps all --keep-caps X` keeps X; one that is in both lists is dropped.
fn capabilities(typed: &Identity) -> Option<CapabilityPlan> {
    let dropped = typed.drop_caps;
    match typed.keep_caps {
        Some(kept) if dropped == Capabilities::ALL => Some(CapabilityPlan::Keep(kept)),
        Some(kept) => Some(CapabilityPlan::Keep(kept.without(dropped))),
        None if dropped.is_empty() => None,
        None => Some(CapabilityPlan::Drop(dropped)),
    }
}
