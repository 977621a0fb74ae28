//! Runs in: any thread-free process. All that is shown of one process, from one look.

use super::dispositions::{self, Row as SignalRow, Standing};
use super::findings::{Evidence, Finding};
use super::machine::{Machine, Seen};
use super::namespaces::{self, Row as NamespaceRow};
use super::reading::{Gaps, Status, Unreadable};
use super::waits::masks;
use super::who::{Who, has_no_outside};
use super::zombies::{Forlorn, find_forlorn};
use crate::error::{Failure, Stage};
use nix::errno::Errno;

/// What is shown of a process.
pub(super) struct Report<'a> {
    pub(super) who: Who<'a>,
    pub(super) namespaces: Vec<NamespaceRow>,
    pub(super) signals: Vec<SignalRow>,
    pub(super) has_outside: bool,
    pub(super) zombies: Vec<Forlorn<'a>>,
    pub(super) orphans: Vec<Forlorn<'a>>,
    pub(super) findings: Vec<Finding>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// The process, or the process of the thread, that has this number.
///
/// # Errors
/// There is none; /proc is not there.
#[inline(never)]
pub(super) fn find(pid: i32, machine: &Machine) -> Result<(&Seen, Status), Failure> {
    let leader = Status::read(&pid).ok().and_then(|status| status.number("Tgid"));
    let leader = leader.map_or(pid, u32::cast_signed);
    let errno = match (Status::read(&leader), machine.get(leader)) {
        (Ok(status), Some(seen)) => return Ok((seen, status)),
        (Err(Errno::ENOENT), _) if machine.all.is_empty() => {
            return Err(Failure::new(Stage::Inspect, "/proc", Errno::ENOENT));
        }
        (Ok(_) | Err(Errno::ENOENT), _) => Errno::ESRCH,
        (Err(errno), _) => errno,
    };
    Err(Failure::new(Stage::Inspect, pid.to_string(), errno))
}

impl<'a> Report<'a> {
    #[inline(never)]
    pub(super) fn of(target: &'a Seen, status: &Status, machine: &'a Machine) -> Self {
        let mut gaps = Gaps::default();
        let who = Who::of(target, status, machine, &mut gaps);
        let has_outside = !has_no_outside(target);
        let namespaces = namespaces::rows(target, machine, &mut gaps);
        // A zombie has nothing left to be read, and needs nothing.
        let mut unread = Gaps::default();
        let is_dead = who.standing == Standing::Dead;
        let masks = masks(target.pid(), status, if is_dead { &mut unread } else { &mut gaps });
        let mut report = Report {
            signals: dispositions::rows(&masks, who.standing, has_outside),
            who,
            namespaces,
            has_outside,
            zombies: Vec::new(),
            orphans: Vec::new(),
            findings: Vec::new(),
            unreadable: Vec::new(),
        };
        find_forlorn(target, machine, &mut report.zombies, &mut report.orphans);
        report.findings = Evidence::of(&report, machine).findings(&mut gaps);
        report.unreadable = gaps.0;
        report
    }
}
