//! Runs a command one system call at a time, ptrace(2), and strikes one of its processes at a given step: a step is each entry
//! into a system call, and each return from one, of the process that it is counted for.

use super::{Attack, Case, Role};
use crate::support::sys::{before_exec, kill, kill_if_there};
use crate::support::{eventually, procfs};
use crate::sys;
use nix::libc;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{ChildStderr, ChildStdin, Command, Stdio};

const KILL: i32 = 9;
const CONT: i32 = 18;
const STOP: i32 = 19;
/// The stop of a system call, with PTRACE_O_TRACESYSGOOD.
const CALL: i32 = libc::SIGTRAP | 0x80;
const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_EXITKILL;

/// A process that is traced.
#[derive(Default)]
struct Tracee {
    role: Option<Role>,
    has_child: bool,
    /// Its parent's news of it has come: before that nobody knows its role, and it stands still.
    is_known: bool,
}

/// How far things have got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A shell, which waits for its first word and then becomes the command.
    Before,
    Stepping,
    /// The target is dying; somebody else stands still at its step until that is done.
    Struck {
        target: i32,
        still: i32,
    },
    /// Everybody is let go.
    Detaching,
}

/// A run of a command.
pub struct Run<'a> {
    /// Who is made by whom: the first child of the one is the other.
    line: &'a [Role],
    case: Option<Case>,
    root: i32,
    stdin: ChildStdin,
    stderr: ChildStderr,
    phase: Phase,
    tracees: HashMap<i32, Tracee>,
    seen: HashSet<i32>,
    is_followed_up: bool,
    pids: HashMap<Role, i32>,
    /// How many steps each has made.
    pub steps: HashMap<Role, usize>,
    /// Whom the attack was on, and during which system call.
    pub struck: Option<(i32, String)>,
    /// Whether the workload has been told to end.
    pub may_end: bool,
    statuses: HashMap<i32, i32>,
}

impl<'a> Run<'a> {
    /// Runs `words` to its end or to the step of `case`. Its stdin is a pipe, which has a line when the workload reads it,
    /// unless somebody has been struck by then. Returns when nobody is traced any more.
    #[expect(clippy::zombie_processes, reason = "the census waits for it, and whoever it leaves")]
    pub fn of(words: &[OsString], dress: impl FnOnce(&mut Command), line: &'a [Role], case: Option<Case>) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "read go; exec \"$@\"", "sh"]).args(words);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        dress(&mut shell);
        // With no terminal there is no shell above that would see a stop.
        before_exec(&mut shell, || Ok(nix::unistd::setsid().map(drop)?));
        let mut child = shell.spawn().expect("start a shell");
        let root = child.id().cast_signed();
        let mut run = Run {
            line,
            case,
            root,
            stdin: child.stdin.take().expect("a piped stdin"),
            stderr: child.stderr.take().expect("a piped stderr"),
            phase: Phase::Before,
            tracees: HashMap::new(),
            seen: HashSet::new(),
            is_followed_up: false,
            pids: HashMap::new(),
            steps: HashMap::new(),
            struck: None,
            may_end: false,
            statuses: HashMap::new(),
        };
        assert!(sys::trace(libc::PTRACE_SEIZE, root, OPTIONS.unsigned_abs() as usize), "trace {root}");
        run.enlist(root, Some(line[0]));
        run.introduce(root);
        run.say_a_word();
        while !run.tracees.is_empty() {
            let Some((pid, status)) = sys::wait_for_news() else { break };
            run.hear(pid, status);
            if run.phase == Phase::Detaching && !std::mem::replace(&mut run.is_followed_up, true) {
                run.follow_up();
            }
        }
        run
    }

    /// Lets the workload end, if that has not been done.
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.may_end, true) {
            self.say_a_word();
        }
    }

    /// How a process ended.
    pub fn ended(&mut self, pid: i32, status: i32) {
        self.statuses.insert(pid, status);
    }

    /// How the command itself ended.
    pub fn status(&self) -> Option<i32> {
        self.statuses.get(&self.root).copied()
    }

    /// How the process in this role ended, if it became a child of this program.
    pub fn status_of(&self, role: Role) -> Option<i32> {
        self.statuses.get(self.pids.get(&role)?).copied()
    }

    /// All that was said, once nobody is left to say more.
    pub fn said(&mut self) -> String {
        let mut said = String::new();
        let _ = self.stderr.read_to_string(&mut said);
        said
    }

    /// Waits until the workload, if there was one, has ended and is reaped.
    pub fn await_workload(&mut self) {
        let Some(&workload) = self.pids.get(&Role::Workload) else { return };
        eventually("the end of the workload", || {
            while let Ok(Some((pid, status))) = sys::news() {
                self.ended(pid, status);
            }
            procfs::state(workload).is_none().then_some(())
        });
    }

    fn say_a_word(&mut self) {
        // Nobody may be there to read it.
        let _ = self.stdin.write_all(b"\n");
    }

    fn hear(&mut self, pid: i32, status: i32) {
        if libc::WIFSTOPPED(status) { self.stopped(pid, status) } else { self.gone(pid, status) }
    }

    /// What follows on a stop: once the target stands still it goes on, or is killed. Some are still traced then: who waits for
    /// a child that shares its memory cannot be let go before that goes on.
    fn follow_up(&mut self) {
        let (Some(case), Some((target, _))) = (self.case, &self.struck) else { return };
        let target = *target;
        if case.attack == Attack::Kill {
            return;
        }
        eventually("the target has stopped, or was about to end", || {
            while let Ok(Some((pid, status))) = sys::news() {
                self.hear(pid, status);
            }
            matches!(procfs::state(target), Some('T' | 'Z' | 'X') | None).then_some(())
        });
        if case.attack == Attack::StopAndContinue {
            kill_if_there(target, CONT);
            self.end();
        } else {
            kill_if_there(target, KILL);
        }
    }

    fn enlist(&mut self, pid: i32, role: Option<Role>) {
        if self.seen.insert(pid) {
            self.tracees.insert(pid, Tracee::default());
        }
        if let (Some(role), Some(tracee)) = (role, self.tracees.get_mut(&pid)) {
            tracee.role = Some(role);
            self.pids.insert(role, pid);
        }
    }

    /// A process has ended. That of one who is not our child is news only for who traces it.
    fn gone(&mut self, pid: i32, status: i32) {
        self.tracees.remove(&pid);
        self.ended(pid, status);
        // What it would have said of its children it cannot say any more.
        let unknown: Vec<i32> = self.unknown().collect();
        unknown.into_iter().for_each(|pid| self.introduce(pid));
        if matches!(self.phase, Phase::Struck { target, .. } if target == pid) {
            self.let_all_go();
        }
    }

    fn stopped(&mut self, pid: i32, status: i32) {
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        self.enlist(pid, None);
        if let libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE = event {
            self.has_forked(pid);
        }
        let is_known = self.tracees.get(&pid).is_some_and(|tracee| tracee.is_known);
        if self.phase == Phase::Before && event == libc::PTRACE_EVENT_EXEC {
            self.phase = Phase::Stepping;
        }
        let is_signal = event == 0 && signal != CALL;
        let pass = if is_signal { usize::try_from(signal).unwrap_or(0) } else { 0 };
        if self.phase == Phase::Detaching {
            if sys::trace(libc::PTRACE_DETACH, pid, pass) {
                self.tracees.remove(&pid);
            }
        } else if !is_known {
            // Until its parent's stop is heard of, which wait(2) may tell later.
        } else if signal == CALL {
            self.step(pid);
        } else if event == libc::PTRACE_EVENT_STOP && signal != libc::SIGTRAP {
            sys::trace(libc::PTRACE_LISTEN, pid, 0);
        } else {
            sys::trace(libc::PTRACE_SYSCALL, pid, pass);
        }
    }

    fn has_forked(&mut self, pid: i32) {
        let Some(parent) = self.tracees.get_mut(&pid) else { return };
        let is_first = !std::mem::replace(&mut parent.has_child, true);
        let place = self.line.iter().position(|role| Some(*role) == parent.role);
        let role = place.filter(|_| is_first).and_then(|place| self.line.get(place + 1).copied());
        let child = sys::trace_message(pid);
        self.enlist(child, role);
        self.introduce(child);
    }

    /// Lets a process go on that has stood still from its first instant.
    fn introduce(&mut self, pid: i32) {
        if let Some(tracee) = self.tracees.get_mut(&pid) {
            tracee.is_known = true;
            // Where it has not come to its first stop, this does nothing, and that stop will go on.
            sys::trace(libc::PTRACE_SYSCALL, pid, 0);
        }
    }

    fn step(&mut self, pid: i32) {
        let role = self.tracees.get(&pid).and_then(|tracee| tracee.role);
        if let Some(role) = role {
            let steps = self.steps.entry(role).or_default();
            *steps += 1;
            let is_it = self.case.is_some_and(|case| case.at == role && case.step == *steps);
            if is_it && self.phase == Phase::Stepping && self.strike(pid) {
                return;
            }
            let reads_stdin = || sys::traced_call(pid) == Some((libc::SYS_read.unsigned_abs(), 0));
            if role == Role::Workload && self.struck.is_none() && reads_stdin() {
                self.end();
            }
        }
        sys::trace(libc::PTRACE_SYSCALL, pid, 0);
    }

    /// Strikes the target while `still` stands at its step. False if there is no target, or not any more.
    fn strike(&mut self, still: i32) -> bool {
        let Some(case) = self.case else { return false };
        let Some(&target) = self.pids.get(&case.target) else { return false };
        if !self.tracees.contains_key(&target) || matches!(procfs::state(target), None | Some('Z' | 'X')) {
            return false;
        }
        let call = sys::traced_call(still);
        let call =
            call.map_or_else(|| "on the way out".into(), |(number, _)| format!("on the way into call {number}"));
        self.struck = Some((target, call));
        kill(target, if case.attack == Attack::Kill { KILL } else { STOP });
        self.phase = Phase::Struck { target, still };
        // A stop needs the target to go on to its end of a step.
        if target == still || case.attack != Attack::Kill {
            self.let_all_go();
        }
        true
    }

    fn let_all_go(&mut self) {
        let Phase::Struck { still, .. } = self.phase else { return };
        self.phase = Phase::Detaching;
        let still: Vec<i32> = self.unknown().chain([still]).collect();
        // Who is dying cannot be detached from, and has still to be waited for.
        self.tracees.retain(|pid, _| !(still.contains(pid) && sys::trace(libc::PTRACE_DETACH, *pid, 0)));
        for pid in self.tracees.keys() {
            sys::trace(libc::PTRACE_INTERRUPT, *pid, 0);
        }
    }

    /// Who stands still until its parent has told of it.
    fn unknown(&self) -> impl Iterator<Item = i32> {
        self.tracees.iter().filter(|(_, tracee)| !tracee.is_known).map(|(pid, _)| *pid)
    }
}
