//! Runs in: any thread-free process. All that is shown of one process, from one look.

use super::dispositions::{self, Row as SignalRow, Standing};
use super::findings::{Evidence, Finding};
use super::machine::Machine;
use super::namespaces::{self, Row as NamespaceRow};
use super::reading::{Gaps, Status, Unreadable};
use super::waits::masks;
use super::who::{Who, has_no_outside};
use super::zombies::{Forlorn, zombies_and_orphans};
use crate::error::{Failure, Stage, errno_of};
use nix::errno::Errno;

/// What is shown of a process.
pub(super) struct Report {
    pub(super) who: Who,
    /// Which process it is that has this pid.
    pub(super) started: u64,
    pub(super) namespaces: Vec<NamespaceRow>,
    pub(super) signals: Vec<SignalRow>,
    pub(super) has_outside: bool,
    pub(super) zombies: Vec<Forlorn>,
    pub(super) orphans: Vec<Forlorn>,
    pub(super) findings: Vec<Finding>,
    pub(super) unreadable: Vec<Unreadable>,
}

impl Report {
    /// Looks at the process, or the process of the thread, that has this number.
    ///
    /// # Errors
    /// There is none; /proc is not there.
    pub(super) fn of(pid: i32) -> Result<Self, Failure> {
        let failed = |errno| Failure::new(Stage::Inspect, pid.to_string(), errno);
        let gone = || failed(Errno::ESRCH);
        let status = Status::read(&format!("/proc/{pid}")).map_err(|error| {
            let is_mounted = std::path::Path::new("/proc/version").exists();
            match errno_of(&error) {
                Errno::ENOENT if is_mounted => gone(),
                Errno::ENOENT => Failure::new(Stage::Inspect, "/proc", Errno::ENOENT),
                errno => failed(errno),
            }
        })?;
        let pid = status.number("Tgid").map_or(pid, u32::cast_signed);
        let status = Status::read(&format!("/proc/{pid}")).map_err(|_| gone())?;
        let machine = Machine::look();
        let target = machine.get(pid).ok_or_else(gone)?;
        let mut gaps = Gaps::default();
        let who = Who::of(target, &status, &machine, &mut gaps);
        let namespaces = namespaces::rows(target, &machine, &mut gaps);
        let has_outside = !has_no_outside(target);
        // A zombie has nothing left to be read, and needs nothing.
        let (mut unread, is_dead) = (Gaps::default(), who.standing == Standing::Dead);
        let masks = masks(pid, &status, if is_dead { &mut unread } else { &mut gaps });
        let signals = dispositions::rows(&masks, who.standing, has_outside);
        let (zombies, orphans) = zombies_and_orphans(target, &machine);
        let evidence = Evidence { target, machine: &machine, who: &who, signals: &signals, zombies: &zombies };
        let findings = evidence.findings(&mut gaps);
        let started = target.process.started;
        Ok(Report {
            who,
            started,
            namespaces,
            signals,
            has_outside,
            zombies,
            orphans,
            findings,
            unreadable: gaps.0,
        })
    }
}
