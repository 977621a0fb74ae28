//! Old kernels and filters: the table of README about calls that may be missing, row by row, with the call failing whenever it
//! is made, by ENOSYS as on an old kernel and by EPERM as behind a filter.

use super::calls;
use super::ground::Ground;
use super::run::run;
use super::scenes;
use super::tracer::Fault;
use super::verdict::{ITS_OWN, Told};
use nix::errno::Errno;
use nix::libc;
use std::collections::BTreeSet;
use std::fmt;

/// What becomes of the command.
enum Then {
    /// It runs as if nothing were missing: the call is not made at all, or something else does what it does.
    Runs,
    /// The same, with this in a warning.
    Warned(&'static str),
    /// It does not run, and this stands in the message or its hint.
    Refused(&'static str),
}

/// One way in which a call is missing.
pub struct Row {
    call: &'static str,
    /// As README has it.
    since: &'static str,
    pub scene: &'static str,
    /// Which of the calls of this name.
    with: fn(&[u64; 6]) -> bool,
    then: Then,
    errnos: &'static [Errno],
}

const EITHER: &[Errno] = &[Errno::ENOSYS, Errno::EPERM];
/// The call was there before, but not this use of it.
const OLDER: &[Errno] = &[Errno::EINVAL, Errno::ENOSYS, Errno::EPERM];

const fn row(call: &'static str, since: &'static str, scene: &'static str, then: Then) -> Row {
    Row { call, since, scene, with: |_| true, then, errnos: EITHER }
}

impl Row {
    const fn with(self, with: fn(&[u64; 6]) -> bool) -> Self {
        Row { with, errnos: OLDER, ..self }
    }
}

/// All of them.
pub const ROWS: &[Row] = &[
    row("clone3", "5.3", "isolated", Then::Runs),
    row("clone3", "5.3", "subreaper", Then::Runs),
    row("close_range", "5.9", "isolated", Then::Runs),
    row("close_range", "5.9", "pid-one", Then::Runs),
    row("pidfd_open", "5.3", "stop-in-place", Then::Runs),
    row("pidfd_open", "5.3", "enter", Then::Runs),
    row("pidfd_send_signal", "5.1", "stop-in-place", Then::Runs),
    row("setns", "5.8", "enter", Then::Runs).with(|arguments| !arguments[1].is_power_of_two()),
    row("setns", "5.8", "enter", Then::Refused("cannot enter a namespace: ")),
    row("waitid", "4.7", "trace", Then::Runs).with(|_| true),
    row("rt_sigqueueinfo", "2.2", "terminal", Then::Runs),
    row("rt_sigtimedwait", "2.2", "isolated", Then::Warned("cannot wait for signals")),
    row("open_tree", "5.2", "rootfs", Then::Refused("seccomp")),
    row("move_mount", "5.2", "rootfs", Then::Refused("seccomp")),
    row("fsopen", "5.2", "rootfs", Then::Refused("seccomp")),
    row("openat2", "5.6", "rootfs", Then::Refused("seccomp")),
    row("mount_setattr", "5.12", "rootfs", Then::Refused("seccomp")),
    row("prctl", "3.4", "subreaper", Then::Refused("Linux 3.4"))
        .with(|arguments| arguments[0] == libc::PR_SET_CHILD_SUBREAPER as u64),
    row("prctl", "3.4", "isolated", Then::Refused("--no-die-with-parent"))
        .with(|arguments| arguments[0] == libc::PR_SET_PDEATHSIG as u64),
    row("unshare", "5.6", "all", Then::Refused("time namespace")).with(|arguments| arguments[0] == 0x80),
];

/// A row and what its call fails with.
pub fn all() -> impl Iterator<Item = (usize, Errno)> {
    ROWS.iter().enumerate().flat_map(|(number, row)| row.errnos.iter().map(move |errno| (number, *errno)))
}

impl Row {
    /// Whether its scene can be had here.
    pub fn can_be_had(&self) -> bool {
        scenes::named(self.scene).is_some_and(scenes::Scene::can_be_had)
    }

    /// # Errors
    /// What is not as README says.
    pub fn try_out(
        &self,
        errno: Errno,
        ground: &mut Ground,
        allowed: &BTreeSet<std::path::PathBuf>,
    ) -> Result<(), String> {
        let scene = scenes::named(self.scene).expect("a scene");
        let call = calls::number(self.call).expect("a call with a name");
        let fault = Fault { process: None, call, nth: None, errno, with: self.with };
        let run = run(scene, ground, Some(fault), allowed);
        let told = Told::read(&run.stderr);
        let all_is_said = |what: &str| run.stderr.contains(what);
        let is_right = match self.then {
            Then::Runs => run.status == Some(ITS_OWN) && told.is_nothing() && run.repeats == 0,
            Then::Warned(what) => {
                run.status == Some(ITS_OWN)
                    && told.messages.is_empty()
                    && told.warnings.iter().any(|line| line.contains(what))
            }
            Then::Refused(what) => run.status == Some(125) && told.messages.len() == 1 && all_is_said(what),
        };
        // clone3(2) is there to show that it is not needed.
        let is_made = run.hits > 0 || self.call == "clone3";
        if is_right && is_made && run.left.is_empty() && self.is_in_readme() {
            Ok(())
        } else {
            Err(format!("status {:?}, {} hits, left {:?}, stderr:\n{}", run.status, run.hits, run.left, run.stderr))
        }
    }

    /// Whether README's table has the call and its kernel.
    fn is_in_readme(&self) -> bool {
        let named = format!("`{}`", self.call);
        let is_row = |line: &str| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            cells.next().is_some_and(|cell| cell.contains(&named)) && cells.next() == Some(self.since)
        };
        include_str!("../../../README.md").lines().any(is_row)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} without {}", self.scene, self.call)
    }
}
