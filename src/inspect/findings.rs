//! Runs in: any thread-free process. What is wrong, with a code that stays, a sentence, and what to do about it.
//!
//! Past 300 lines because each finding is made here.

use super::dispositions::{self, Disposition, Outcome, Row, Sender, Standing};
use super::machine::{Machine, Seen};
use super::phrase::{Count, Phrase, or};
use super::reading::{Gaps, Status, wchan};
use super::report::Report;
use super::waits::masks;
use super::who::{Role, has_no_outside};
use super::zombies::{Fault, members};
use crate::diagnose::{UNMASK, masks_below_proc};
use crate::files;
use crate::namespace::Kind;
use crate::procfs;
use crate::signal::Signal;
use nix::unistd::getpid;
use std::fmt::Display;
use std::mem::take;

/// Something that is wrong, or worth knowing.
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) advice: String,
}

/// What the findings are made from, and those there are.
pub(super) struct Evidence<'a> {
    target: &'a Seen,
    machine: &'a Machine,
    report: &'a Report<'a>,
    /// Of the finding that is being made.
    message: Phrase,
    found: Vec<Finding>,
}

impl<'a> Evidence<'a> {
    /// Of a report that has all but these.
    pub(super) fn of(report: &'a Report<'a>, machine: &'a Machine) -> Self {
        Evidence { target: report.who.seen, machine, report, message: Phrase::default(), found: Vec::new() }
    }

    /// All findings, the worst first.
    #[inline(never)]
    pub(super) fn findings(mut self, gaps: &mut Gaps) -> Vec<Finding> {
        self.stuck_teardowns();
        // An init that is dying is past all that could be said of it otherwise.
        if !self.target.is_dying() {
            self.term_dropped();
            self.shell_wrapper();
        }
        self.zombies();
        self.double_init();
        self.not_init();
        self.masked_proc(gaps);
        self.found
    }

    #[inline(never)]
    fn add(&mut self, code: &'static str, advice: &str) {
        self.found.push(Finding { code, message: take(&mut self.message.0), advice: advice.into() });
    }

    fn row(&self, signal: Signal) -> Option<&Row> {
        self.report.signals.iter().find(|row| row.signal == signal)
    }

    #[inline(never)]
    fn term_dropped(&mut self) {
        let target = self.target;
        let Some(term) = self.row(Signal::TERM) else { return };
        let why = match (term.from_outside, term.disposition) {
            // This process itself takes none while it looks.
            _ if self.report.who.standing != Standing::Init || self.is_ourselves() => return,
            (Some(Outcome::Dropped), _) => "is dropped by the kernel, for an init that has no handler",
            (Some(Outcome::Ignored), _) => "is ignored",
            (Some(Outcome::Queued), Some(disposition)) if disposition != Disposition::Waited => {
                "is blocked, and nobody takes it"
            }
            _ => return,
        };
        // A shell has handlers of its own, and runs a trap only when its foreground child has ended: it stops by neither.
        let is_shell = target.is_shell();
        let is_other = |signal: &Signal| !is_shell && self.is_taken(*signal);
        let other = [Signal::INT, Signal::QUIT, Signal::HUP].into_iter().find(is_other).map(|signal| {
            format!(
                "put an init in front (pidone -- COMMAND), or try {signal}, which it takes (STOPSIGNAL {signal}, \
                 --stop-signal)"
            )
        });
        let advice = match &other {
            Some(other) => other,
            None if is_shell => {
                "put an init in front (pidone -- COMMAND), or let the shell become the command: exec COMMAND, or the exec \
                 form of ENTRYPOINT and CMD, if that has a handler"
            }
            None => "put an init in front (pidone -- COMMAND, docker run --init), or give it a handler for SIGTERM",
        };
        self.message.add(&format_args!(
            "SIGTERM to {target} {why}: a stop takes the whole grace period, then comes SIGKILL."
        ));
        if let Some(child) = self.child_that_would_end() {
            self.message.add(&format_args!(" It would end its child {child}."));
        }
        self.add("term-dropped", advice);
    }

    fn is_ourselves(&self) -> bool {
        self.target.process.pid == getpid() && procfs::is_ours()
    }

    fn is_taken(&self, signal: Signal) -> bool {
        self.row(signal).is_some_and(|row| {
            row.from_outside == Some(Outcome::Handler) || row.disposition == Some(Disposition::Waited)
        })
    }

    /// The first child for whom SIGTERM is the end.
    #[inline(never)]
    fn child_that_would_end(&self) -> Option<&'a Seen> {
        self.machine.children(self.target).filter(|child| !child.process.is_dead).find(|child| {
            let Ok(status) = Status::read(&child.pid()) else { return false };
            let masks = masks(child.pid(), &status, &mut Gaps::default());
            let outcome = dispositions::outcome(Signal::TERM, &masks, Standing::Ordinary, Sender::Inside);
            outcome == Some(Outcome::Terminates)
        })
    }

    #[inline(never)]
    fn shell_wrapper(&mut self) {
        let target = self.target;
        let child = self.machine.children(target).find(|child| !child.process.is_dead);
        let is_command = target.is_shell_command();
        let is_script = target.is_shell() && target.words().len() > 1 && child.is_some();
        if !target.is_init() || !(is_command || is_script) {
            return;
        }
        let (what, advice) = if is_command {
            (
                "sh -c",
                "use the exec form, ENTRYPOINT [\"COMMAND\", \"ARG\"], or sh -c 'exec COMMAND'; an init in front does the rest",
            )
        } else {
            (
                "a shell script",
                "start the command by exec in the script's last line; an init in front does the rest",
            )
        };
        self.message.add(&format_args!("{target} is {what}: signals reach the shell"));
        self.message.clause(", not ", &child);
        self.message.add(&", and it adopts orphans");
        self.add("shell-wrapper", advice);
    }

    #[inline(never)]
    fn zombies(&mut self) {
        let all = &self.report.zombies;
        let of_init = all.iter().filter(|zombie| zombie.fault == Fault::Init).count();
        if of_init > 0 {
            let init = self.machine.init_of(self.target);
            let zombies = Count(of_init, "zombie");
            self.message.add(&format_args!("{zombies} that the init {} does not reap", or(&init, &"")));
        }
        let mut others = all.iter().filter(|zombie| zombie.fault == Fault::Parent);
        if let Some(first) = others.next() {
            let parent = first.seen.process.parent;
            let whose: &dyn Display = match (parent.as_raw(), &first.parent) {
                (0, _) => &"somebody outside",
                (_, Some(parent)) => parent,
                (_, None) => &parent,
            };
            let zombies = Count(all.len() - of_init, "zombie");
            self.message.join("; ", &format_args!("{zombies} that a live parent, {whose}"));
            if others.any(|zombie| zombie.seen.process.parent != parent) {
                self.message.add(&" and others");
            }
            self.message.add(&", does not wait for");
        }
        let advice = match (of_init, all.len() - of_init) {
            (0, 0) => return,
            (_, 0) => "put an init in front that reaps: pidone -- COMMAND, docker run --init",
            (0, _) => {
                "no init can help while the parent lives: it has to wait(2), or set SIGCHLD to ignored, or end"
            }
            _ => {
                "an init in front reaps the first (pidone -- COMMAND); the others' parents have to wait(2), or end"
            }
        };
        self.add("zombies", advice);
    }

    /// Two programs made to be inits, one the child of the other, in one PID namespace; of which the target is one, or which
    /// stand at the root of its namespace.
    #[inline(never)]
    fn double_init(&mut self) {
        let (machine, target) = (self.machine, self.target);
        let is_pair = |upper: &Seen, lower: &Seen| {
            upper.is_init_program()
                && !lower.process.is_dead
                && machine.is_init_here(lower)
                && machine.share_pid_namespace(upper, lower)
        };
        let above = machine.parent(target).filter(|parent| is_pair(parent, target));
        let root = if target.is_init_program() { Some(target) } else { machine.init_of(target) };
        let Some(upper) = above.or(root) else { return };
        let lower = match above {
            Some(_) => Some(target),
            // The machine's own init starts others by design.
            None if has_no_outside(upper) && upper.is_init() => None,
            None => machine.children(upper).find(|child| is_pair(upper, child)),
        };
        if let Some(lower) = lower {
            self.message
                .add(&format_args!("{upper} is an init, and so is its child {lower}: one of them is enough"));
            self.add(
                "double-init",
                "leave out docker's --init (Compose: init: true), or the init in the image's ENTRYPOINT",
            );
        }
    }

    #[inline(never)]
    fn not_init(&mut self) {
        let target = self.target;
        if target.is_init() {
            return;
        }
        let init = self.machine.init_of(target);
        let whose = or(&init, &"one that /proc does not show");
        let has_subreaper = self.report.who.above.iter().any(|above| above.role == Some(Role::Subreaper));
        let orphans = if has_subreaper { "it, or to a subreaper" } else { "it" };
        let advice = init.map(|init| format!("to see the init: pidone inspect {}", init.pid()));
        self.message.add(&format_args!(
            "{target} is not the init of its PID namespace, which is {whose}: orphans go to {orphans}, and a signal \
             that has no handler here acts"
        ));
        let other = "inspect it from inside its own namespace, or from one above";
        self.add("not-init", advice.as_deref().unwrap_or(other));
    }

    #[inline(never)]
    fn masked_proc(&mut self, gaps: &mut Gaps) {
        const NAMED: usize = 3;
        // It has no mounts any more.
        if self.report.who.standing == Standing::Dead {
            return;
        }
        let mountinfo = files::read(format_args!("/proc/{}/mountinfo", self.target.pid()));
        let mountinfo = mountinfo.unwrap_or_else(|errno| {
            gaps.note("its mounts", errno);
            Vec::new()
        });
        let masked = masks_below_proc(&mountinfo);
        if masked.is_empty() {
            return;
        }
        self.message.add(&"parts of /proc are masked in its mount namespace (");
        self.message.add(&masked.get(..NAMED).unwrap_or(&masked).join(", "));
        if masked.len() > NAMED {
            self.message.add(&format_args!(" and {} more", masked.len() - NAMED));
        }
        self.message.add(&"), so that a user namespace made there can mount no fresh one");
        let advice = "where one is needed (pidone --map-root, nested containers): ";
        self.add("masked-proc", &[advice, UNMASK, "; or --proc bind"].concat());
    }

    /// The namespaces in sight, the target's own and those below it, whose init has ended but for the waiting: it has killed
    /// everybody, and is not a zombie before each has been reaped (`zap_pid_ns_processes`).
    #[inline(never)]
    fn stuck_teardowns(&mut self) {
        let (machine, target) = (self.machine, self.target);
        let own_init = machine.init_of(target).map(Seen::pid);
        for init in machine.all.iter().filter(|seen| seen.is_init() && seen.is_dying()) {
            let is_below = |above: &&Seen| Some(above.pid()) == own_init || above.pid() == target.pid();
            if machine.line(init).iter().any(is_below) {
                self.stuck_teardown(init);
            }
        }
    }

    #[inline(never)]
    fn stuck_teardown(&mut self, init: &Seen) {
        let machine = self.machine;
        let holder = members(init, machine).find(|seen| seen.pid() != init.pid());
        let is_hidden = machine.all.iter().any(|seen| seen.namespace(Kind::Pid).is_none());
        let nobody = if is_hidden {
            "somebody whose namespaces may not be read"
        } else {
            "somebody whom /proc does not show"
        };
        let state = holder.map(|holder| holder.process.state);
        let parent = holder.and_then(|holder| machine.parent(holder));
        let has_put = format!(
            "{} has put it in and does not reap it: it has to wait(2), or end",
            or(&parent, &"its parent outside")
        );
        let advice = match state {
            Some('Z') => &has_put,
            Some('D') => {
                "what it sleeps for in the kernel has to answer (a disk, NFS, FUSE): until then not even SIGKILL ends it"
            }
            _ => "it has been killed and is on its way; if it stays, see what holds it: /proc/PID/stack, a tracer",
        };
        self.message.add(&"the PID namespace");
        self.message.clause(" ", &init.namespace(Kind::Pid));
        self.message.add(&format_args!(" is half dead: its init {init}"));
        self.message.clause(" in ", &wchan(init.pid()));
        self.message.add(&" waits for ");
        self.message.add(or(&holder, &nobody));
        self.message.clause(", state ", &state);
        self.message.clause(" in ", &holder.and_then(|holder| wchan(holder.pid())));
        self.add("stuck-teardown", advice);
    }
}
