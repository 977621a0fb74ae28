//! Runs in: workload child, between clone and exec. Turns the process into whom it is to be, in the one order that works:
//! what takes privilege comes before privilege goes. Allocates nothing; what fails, fails the start.

use crate::capability::Capabilities;
use crate::error::Stage;
use crate::identity::{CapabilityPlan, GroupsPlan, IdentityPlan};
use crate::plan::Workload;
use crate::sys::{self, CapabilitySets};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::prctl;
use nix::sys::resource::getrlimit;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, write};

/// A step that failed, and on what.
pub(super) struct Misfit {
    pub(super) stage: Stage,
    pub(super) subject: Subject,
    pub(super) errno: Errno,
}

/// What a step was about; spelled out by the parent, which may allocate.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    User,
    Group,
    Groups,
    /// By its number in the plan.
    Limit(usize),
    Nice,
    OomScore,
    Capabilities(Capabilities),
    NoNewPrivs,
    Workdir,
}

impl Subject {
    /// For a message.
    pub(super) fn name(self, workload: &Workload) -> String {
        let identity = &workload.identity;
        let typed = &identity.typed;
        match self {
            Subject::User => with_id(typed.user.as_ref(), "uid", identity.uid),
            Subject::Group => with_id(typed.user_group.as_ref().or(typed.group.as_ref()), "gid", identity.gid),
            Subject::Groups => identity.groups.as_ref().map_or(String::new(), GroupsPlan::list),
            Subject::Limit(index) => {
                identity.limits().get(index).map_or(String::new(), |limit| limit.name.to_owned())
            }
            Subject::Nice => typed.nice.unwrap_or(0).to_string(),
            Subject::OomScore => typed.oom_score_adj.unwrap_or(0).to_string(),
            Subject::Capabilities(set) => set.to_string(),
            Subject::NoNewPrivs => "PR_SET_NO_NEW_PRIVS".into(),
            Subject::Workdir => typed.workdir.clone().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// `www (uid 33)`.
fn with_id(typed: Option<&String>, kind: &str, id: Option<u32>) -> String {
    format!("{} ({kind} {})", typed.map_or("its own", String::as_str), id.unwrap_or(0))
}

/// Says of a failing step which one it was.
trait Step {
    fn step(self, stage: Stage, subject: Subject) -> Result<(), Misfit>;
}

impl Step for nix::Result<()> {
    fn step(self, stage: Stage, subject: Subject) -> Result<(), Misfit> {
        self.map_err(|errno| Misfit { stage, subject, errno })
    }
}

/// Dresses the calling process. Its children inherit all of it; nobody else is touched.
pub(super) fn put_on(identity: &IdentityPlan) -> Result<(), Misfit> {
    if let Some(nice) = identity.typed.nice {
        sys::set_nice(nice).step(Stage::SetNice, Subject::Nice)?;
    }
    if let Some(score) = &identity.oom_score_adj {
        write_oom_score(score).step(Stage::SetOomScore, Subject::OomScore)?;
    }
    // After what takes a descriptor, and before the right to raise one goes.
    set_limits(identity)?;
    if let Some(mask) = identity.typed.umask {
        umask(Mode::from_bits_truncate(mask));
    }
    if let Some(groups) = &identity.groups {
        match sys::set_groups(&groups.ids) {
            // As it is for whoever was put into the right groups by the container engine.
            Err(Errno::EPERM) if groups.held => {}
            done => done.step(Stage::SetGroups, Subject::Groups)?,
        }
    }
    if let Some(gid) = identity.gid {
        sys::set_gid(gid).step(Stage::SetGid, Subject::Group)?;
    }
    if let Some(plan) = identity.capabilities {
        before_the_user_changes(plan)?;
    }
    if let Some(uid) = identity.uid {
        sys::set_uid(uid).step(Stage::SetUid, Subject::User)?;
    }
    if let Some(plan) = identity.capabilities {
        after_the_user_changed(plan)?;
    }
    if let Some(workdir) = &identity.workdir {
        chdir(workdir.as_c_str()).step(Stage::ChangeDirectory, Subject::Workdir)?;
    }
    if identity.typed.no_new_privs {
        prctl::set_no_new_privs().step(Stage::NoNewPrivs, Subject::NoNewPrivs)?;
    }
    Ok(())
}

fn set_limits(identity: &IdentityPlan) -> Result<(), Misfit> {
    for (index, limit) in identity.limits().iter().enumerate() {
        let set = || {
            let (soft, hard) = getrlimit(limit.resource)?;
            sys::set_limit(limit.resource, limit.soft.unwrap_or(soft), limit.hard.unwrap_or(hard))
        };
        set().step(Stage::SetLimit, Subject::Limit(index))?;
    }
    Ok(())
}

/// Of this process alone: the kernel does not spread it to those who share the memory of a vfork(2) child.
fn write_oom_score(score: &str) -> nix::Result<()> {
    let file = open(c"/proc/self/oom_score_adj", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    sys::retry_interrupted(|| write(&file, score.as_bytes())).map(drop)
}

/// The bounding set can only be changed with CAP_SETPCAP, which goes when the user does; and what is to be kept must be
/// told before (PR_SET_KEEPCAPS, capabilities(7)).
fn before_the_user_changes(plan: CapabilityPlan) -> Result<(), Misfit> {
    let (stage, gone) = match plan {
        CapabilityPlan::Drop(dropped) => (Stage::DropCaps, dropped),
        CapabilityPlan::Keep(kept) => {
            let subject = Subject::Capabilities(kept);
            let held = sys::capability_sets().map_err(|errno| Misfit { stage: Stage::KeepCaps, subject, errno })?;
            let missing = kept.without(held.permitted);
            if !missing.is_empty() {
                let subject = Subject::Capabilities(missing);
                return Err(Misfit { stage: Stage::KeepCaps, subject, errno: Errno::EPERM });
            }
            prctl::set_keepcaps(true).step(Stage::KeepCaps, subject)?;
            (Stage::DropCaps, Capabilities::ALL.without(kept))
        }
    };
    for number in gone.numbers() {
        match sys::is_in_bounding_set(number) {
            Some(true) => {
                let subject = Subject::Capabilities(Capabilities(1 << number));
                sys::drop_from_bounding_set(number).step(stage, subject)?;
            }
            Some(false) => {}
            None => break,
        }
    }
    Ok(())
}

/// The other four sets. The ambient one follows the permitted and inheritable ones down by itself.
fn after_the_user_changed(plan: CapabilityPlan) -> Result<(), Misfit> {
    match plan {
        CapabilityPlan::Drop(dropped) => {
            let lower = || {
                let held = sys::capability_sets()?;
                sys::set_capability_sets(CapabilitySets {
                    effective: held.effective.without(dropped),
                    permitted: held.permitted.without(dropped),
                    inheritable: held.inheritable.without(dropped),
                })
            };
            lower().step(Stage::DropCaps, Subject::Capabilities(dropped))
        }
        CapabilityPlan::Keep(kept) => {
            let keep = || {
                let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: kept };
                sys::set_capability_sets(sets)?;
                sys::clear_ambient_set()?;
                kept.numbers().try_for_each(sys::add_to_ambient_set)
            };
            keep().step(Stage::KeepCaps, Subject::Capabilities(kept))
        }
    }
}
