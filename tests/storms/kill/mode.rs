//! What is run, and what has to become of it when somebody is attacked.

use super::stepper::Run;
use super::{Attack, Case, Role};
use crate::census::kill_descendants;
use crate::support::privilege::{as_nobody, privileged, user_namespaces};
use crate::support::{Place, Running, procfs};
use nix::libc;
use std::ffi::OsString;
use std::process::Command;

/// How pidone is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    InPlace,
    Isolated,
    MapRoot,
    Enter,
}

/// Leaves somebody behind who would stay, and ends when it gets a line.
const WORKLOAD: &str = "setsid sleep 1000 & read line; exit 7";
/// The same without the one behind, who would be adopted by the init of the namespaces that were entered: that is who ends it.
const VISITOR: &str = "read line; exit 7";

impl Mode {
    /// Whether this user may do that here.
    pub fn can_be_had(self) -> bool {
        match self {
            Mode::InPlace => true,
            Mode::Isolated | Mode::Enter => privileged(),
            Mode::MapRoot => user_namespaces(),
        }
    }

    /// Who makes whom.
    pub fn line(self) -> &'static [Role] {
        match self {
            Mode::InPlace => &[Role::Init, Role::Workload],
            Mode::Isolated | Mode::MapRoot => &[Role::Outer, Role::Init, Role::Workload],
            Mode::Enter => &[Role::Init, Role::Joiner, Role::Workload],
        }
    }

    fn place(self) -> Place {
        match self {
            Mode::InPlace => Place::Subreaper,
            Mode::Isolated | Mode::Enter => Place::Isolated,
            Mode::MapRoot => Place::MapRoot,
        }
    }

    /// Whose namespaces are entered.
    pub fn holder(self) -> Option<Running> {
        (self == Mode::Enter).then(|| {
            let mut holder = Running::start(&mut Place::Isolated.shell("echo up; exec sleep 1000"));
            holder.expect("up");
            holder
        })
    }

    /// The command line.
    pub fn words(self, holder: Option<&Running>) -> Vec<OsString> {
        let command = match holder {
            None => self.place().shell(WORKLOAD),
            Some(holder) => {
                let init = procfs::only_child(holder.pid()).to_string();
                let mut command = crate::support::pidone(["enter", &init]);
                command.args(["--", "sh", "-c", VISITOR]);
                command
            }
        };
        std::iter::once(command.get_program()).chain(command.get_args()).map(ToOwned::to_owned).collect()
    }

    /// Makes the shell that becomes pidone whom it has to be.
    pub fn dress(self, shell: &mut Command) {
        if matches!(self, Mode::InPlace | Mode::MapRoot) {
            as_nobody(shell);
        }
    }

    /// Whether pidone itself was killed where the kernel ties nobody to it: in place it is no PID 1, and the workload was made
    /// without PR_SET_PDEATHSIG, for it may change its ids or outlive pidone on purpose. Then nothing has to end.
    fn is_beyond_us(self, case: Case) -> bool {
        self == Mode::InPlace && case.target == Role::Init && case.attack != Attack::StopAndContinue
    }

    /// Ends what nobody else would end.
    pub fn loosen(self, run: &mut Run, case: Option<Case>) {
        let Some(case) = case.filter(|_| run.struck.is_some()) else { return };
        if case.target == Role::Joiner {
            // It may have done its work by then, and the workload waits.
            run.end();
        }
        if self.is_beyond_us(case) {
            run.end();
            run.await_workload();
            kill_descendants();
        }
    }

    /// Whether all is as it has to be, now that nobody is left.
    pub fn judge(self, case: Option<Case>, run: &Run, said: &str) -> Result<(), String> {
        let status = run.status().ok_or("no status")?;
        let exits = |code| libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == code;
        let is_killed = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == 9;
        // By itself, and without a word.
        let ends_well = exits(7) && said.is_empty();
        let Some(case) = case.filter(|_| run.struck.is_some()) else {
            return ends_well
                .then_some(())
                .ok_or(format!("not struck, told to end: {}, status {status:#x}", run.may_end));
        };
        // What was on its way to its end may have come to it before the attack took effect.
        let in_time = run.may_end && ends_well;
        let is_unharmed = || run.status_of(Role::Workload).is_none_or(|status| status == 7 << 8);
        let is_right = match (case.attack, case.target) {
            (Attack::StopAndContinue, _) => ends_well,
            (_, Role::Outer) => is_killed && said.is_empty() || in_time,
            _ if self.is_beyond_us(case) => is_killed && said.is_empty() && is_unharmed() || in_time,
            (_, Role::Init) if self == Mode::Enter => is_killed && said.is_empty() || in_time,
            (_, Role::Init) => is_killed && said.contains("init was killed by SIGKILL") || in_time,
            (_, Role::Joiner) => exits(125) && said.starts_with("pidone: cannot ") || in_time,
            (_, Role::Workload) if self == Mode::InPlace => exits(137) && said.is_empty() || in_time,
            (_, Role::Workload) => is_killed && said.is_empty() || in_time,
        };
        let call = run.struck.as_ref().map(|(_, call)| call);
        is_right.then_some(()).ok_or(format!("struck {call:?}, told to end: {}, status {status:#x}", run.may_end))
    }
}
