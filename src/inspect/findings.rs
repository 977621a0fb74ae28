//! Runs in: any thread-free process. What is wrong, with a code that stays, a sentence, and what to do about it.

use super::dispositions::{self, Disposition, Outcome, Row, Sender, Standing};
use super::machine::{Machine, Seen};
use super::reading::{Gaps, Status, wchan};
use super::waits::masks;
use super::who::{Role, Who};
use super::zombies::{Fault, Forlorn, members};
use crate::diagnose::{UNMASK, masks_below_proc};
use crate::namespace::Kind;
use crate::procfs;
use crate::signal::Signal;
use nix::unistd::getpid;
use std::fs;

/// Something that is wrong, or worth knowing.
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) advice: String,
}

/// What the findings are made from.
pub(super) struct Evidence<'a> {
    pub(super) target: &'a Seen,
    pub(super) machine: &'a Machine,
    pub(super) who: &'a Who,
    pub(super) signals: &'a [Row],
    pub(super) zombies: &'a [Forlorn],
}

impl Evidence<'_> {
    /// All of them, the worst first.
    pub(super) fn findings(&self, gaps: &mut Gaps) -> Vec<Finding> {
        let mut found: Vec<Finding> = stuck_teardowns(self.target, self.machine);
        // An init that is dying is past all that could be said of it otherwise.
        if !self.who.is_dying {
            found.extend(self.term_dropped());
            found.extend(self.shell_wrapper());
        }
        found.extend(self.zombies());
        found.extend(self.double_init());
        found.extend(self.not_init());
        found.extend(self.masked_proc(gaps));
        found
    }

    /// As messages name it: `PID 1 (sh)`, or with the number here `4711 (sh)`.
    fn name(&self) -> String {
        label(self.target)
    }

    fn term_dropped(&self) -> Option<Finding> {
        let term = self.signals.iter().find(|row| row.signal == Signal::TERM)?;
        let why = match (term.from_outside, term.disposition) {
            // This process itself takes none while it looks.
            _ if self.who.standing != Standing::Init || self.is_ourselves() => return None,
            (Some(Outcome::Dropped), _) => "is dropped by the kernel, for an init that has no handler",
            (Some(Outcome::Ignored), _) => "is ignored",
            (Some(Outcome::Queued), Some(disposition)) if disposition != Disposition::Waited => {
                "is blocked, and nobody takes it"
            }
            _ => return None,
        };
        let child = self.child_that_would_end().map(|child| format!(" It would end its child {}.", label(child)));
        let message = format!(
            "SIGTERM to {} {why}: a stop takes the whole grace period, then comes SIGKILL.{}",
            self.name(),
            child.unwrap_or_default()
        );
        // A shell has handlers of its own, and runs a trap only when its foreground child has ended: it stops by neither.
        let others = [Signal::INT, Signal::QUIT, Signal::HUP].into_iter().filter(|_| !self.target.is_shell());
        let other = others.into_iter().find(|signal| self.is_taken(*signal));
        let advice = match other {
            Some(signal) => format!(
                "put an init in front (pidone -- COMMAND), or try {signal}, which it takes (STOPSIGNAL {signal}, \
                 --stop-signal)"
            ),
            None if self.target.is_shell() => {
                "put an init in front (pidone -- COMMAND), or let the shell become the command: exec COMMAND, or the exec \
                 form of ENTRYPOINT and CMD, if that has a handler"
                    .into()
            }
            None => "put an init in front (pidone -- COMMAND, docker run --init), or give it a handler for SIGTERM".into(),
        };
        Some(Finding { code: "term-dropped", message, advice })
    }

    fn is_ourselves(&self) -> bool {
        self.target.process.pid == getpid() && procfs::is_ours()
    }

    fn is_taken(&self, signal: Signal) -> bool {
        let is_it = |row: &&Row| row.signal == signal;
        self.signals.iter().find(is_it).is_some_and(|row| {
            matches!(row.from_outside, Some(Outcome::Handler)) || row.disposition == Some(Disposition::Waited)
        })
    }

    /// The first child for whom SIGTERM is the end.
    fn child_that_would_end(&self) -> Option<&Seen> {
        self.machine.children(self.target).filter(|child| !child.process.is_dead).find(|child| {
            let Ok(status) = Status::read(&format!("/proc/{}", child.pid())) else { return false };
            let masks = masks(child.pid(), &status, &mut Gaps::default());
            let outcome = dispositions::outcome(Signal::TERM, &masks, Standing::Ordinary, Sender::Inside);
            outcome == Some(Outcome::Terminates)
        })
    }

    fn shell_wrapper(&self) -> Option<Finding> {
        let child = self.machine.children(self.target).find(|child| !child.process.is_dead);
        let is_command = self.target.is_shell_command();
        let is_script = self.target.is_shell() && self.target.command.len() > 1 && child.is_some();
        if !self.who.is_init || !(is_command || is_script) {
            return None;
        }
        let what = if is_command { "sh -c" } else { "a shell script" };
        let child = child.map(|child| format!(", not {}", label(child))).unwrap_or_default();
        let message = format!("{} is {what}: signals reach the shell{child}, and it adopts orphans", self.name());
        let advice = if is_command {
            "use the exec form, ENTRYPOINT [\"COMMAND\", \"ARG\"], or sh -c 'exec COMMAND'; an init in front does the rest"
        } else {
            "start the command by exec in the script's last line; an init in front does the rest"
        };
        Some(Finding { code: "shell-wrapper", message, advice: advice.into() })
    }

    fn zombies(&self) -> Option<Finding> {
        let first = self.zombies.first()?;
        let of_init = self.zombies.iter().filter(|zombie| zombie.fault == Fault::Init).count();
        let of_parents = self.zombies.len() - of_init;
        let many = |count: usize| if count == 1 { "zombie" } else { "zombies" };
        let mut parts = Vec::new();
        if of_init > 0 {
            let init = self.machine.init_of(self.target).map(label).unwrap_or_default();
            parts.push(format!("{of_init} {} that the init {init} does not reap", many(of_init)));
        }
        if of_parents > 0 {
            let parent = self.zombies.iter().find(|zombie| zombie.fault == Fault::Parent).unwrap_or(first);
            let whose = match parent.ppid {
                0 => "somebody outside".into(),
                pid => self.machine.get(pid).map_or(pid.to_string(), label),
            };
            let more =
                self.zombies.iter().any(|zombie| zombie.fault == Fault::Parent && zombie.ppid != parent.ppid);
            let others = if more { " and others" } else { "" };
            parts.push(format!(
                "{of_parents} {} that a live parent, {whose}{others}, does not wait for",
                many(of_parents)
            ));
        }
        let advice = match (of_init > 0, of_parents > 0) {
            (true, false) => "put an init in front that reaps: pidone -- COMMAND, docker run --init",
            (false, _) => {
                "no init can help while the parent lives: it has to wait(2), or set SIGCHLD to ignored, or end"
            }
            (true, true) => {
                "an init in front reaps the first (pidone -- COMMAND); the others' parents have to wait(2), or end"
            }
        };
        Some(Finding { code: "zombies", message: parts.join("; "), advice: advice.into() })
    }

    /// Two programs made to be inits, one the child of the other, in one PID namespace; of which the target is one, or which
    /// stand at the root of its namespace.
    fn double_init(&self) -> Option<Finding> {
        let machine = self.machine;
        let pair = |upper: &Seen, lower: &Seen| {
            upper.is_init_program()
                && !lower.process.is_dead
                && machine.is_init_here(lower)
                && machine.share_pid_namespace(upper, lower)
        };
        let parent = machine.parent(self.target);
        let (upper, lower) = if let Some(parent) = parent.filter(|parent| pair(parent, self.target)) {
            (parent, self.target)
        } else {
            let upper = if self.target.is_init_program() { self.target } else { machine.init_of(self.target)? };
            // The machine's own init starts others by design.
            let is_machines = super::who::has_no_outside(upper) && upper.is_init();
            (upper, machine.children(upper).find(|child| !is_machines && pair(upper, child))?)
        };
        let message =
            format!("{} is an init, and so is its child {}: one of them is enough", label(upper), label(lower));
        let advice = "leave out docker's --init (Compose: init: true), or the init in the image's ENTRYPOINT";
        Some(Finding { code: "double-init", message, advice: advice.into() })
    }

    fn not_init(&self) -> Option<Finding> {
        if self.who.is_init {
            return None;
        }
        let init = self.machine.init_of(self.target);
        let whose = init.map_or("one that /proc does not show".into(), label);
        let subreaper = self.who.above.iter().find(|above| above.role == Some(Role::Subreaper)).is_some();
        let orphans = if subreaper { "it, or to a subreaper" } else { "it" };
        let message = format!(
            "{} is not the init of its PID namespace, which is {whose}: orphans go to {orphans}, and a signal that has no \
             handler here acts",
            self.name()
        );
        let advice = match init {
            Some(init) => format!("to see the init: pidone inspect {}", init.pid()),
            None => "inspect it from inside its own namespace, or from one above".into(),
        };
        Some(Finding { code: "not-init", message, advice })
    }

    fn masked_proc(&self, gaps: &mut Gaps) -> Option<Finding> {
        const NAMED: usize = 3;
        // It has no mounts any more.
        if self.who.standing == Standing::Dead {
            return None;
        }
        let mountinfo = fs::read(format!("/proc/{}/mountinfo", self.who.pid));
        let masked = masks_below_proc(&mountinfo.map_err(|error| gaps.note("its mounts", &error)).ok()?);
        let named = masked.get(..NAMED).unwrap_or(&masked).join(", ");
        let more = match masked.len().saturating_sub(NAMED) {
            _ if masked.is_empty() => return None,
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "parts of /proc are masked in its mount namespace ({named}{more}), so that a user namespace made there can mount \
             no fresh one"
        );
        let advice =
            format!("where one is needed (pidone --map-root, nested containers): {UNMASK}; or --proc bind");
        Some(Finding { code: "masked-proc", message, advice })
    }
}

/// `4711 (sh)`.
fn label(seen: &Seen) -> String {
    format!("{} ({})", seen.pid(), seen.name())
}

/// The namespaces in sight, the target's own and those below it, whose init has ended but for the waiting: it has killed
/// everybody, and is not a zombie before each has been reaped (`zap_pid_ns_processes`).
fn stuck_teardowns(target: &Seen, machine: &Machine) -> Vec<Finding> {
    let own_init = machine.init_of(target).map(Seen::pid);
    let is_below = |seen: &Seen| {
        let own = |pid: i32| Some(pid) == own_init;
        own(seen.pid()) || machine.above(seen).iter().any(|above| own(above.pid()) || above.pid() == target.pid())
    };
    let dying =
        machine.all.iter().filter(|seen| seen.is_init() && seen.process.is_exiting && !seen.process.is_dead);
    dying.filter(|seen| is_below(seen)).map(|init| stuck_teardown(init, machine)).collect()
}

fn stuck_teardown(init: &Seen, machine: &Machine) -> Finding {
    let holder = members(init, machine).find(|seen| seen.pid() != init.pid());
    let place = init.namespace(Kind::Pid).map(|inode| format!(" {inode}")).unwrap_or_default();
    let sleeps = |pid| wchan(pid).map(|name| format!(" in {name}")).unwrap_or_default();
    let is_hidden = machine.all.iter().any(|seen| seen.namespace(Kind::Pid).is_none());
    let nobody =
        if is_hidden { "somebody whose namespaces may not be read" } else { "somebody whom /proc does not show" };
    let who = holder.map_or(nobody.into(), |holder| {
        format!("{}, state {}{}", label(holder), holder.process.state, sleeps(holder.pid()))
    });
    let message = format!(
        "the PID namespace{place} is half dead: its init {}{} waits for {who}",
        label(init),
        sleeps(init.pid())
    );
    let advice = match holder {
        Some(holder) if holder.process.state == 'Z' => {
            let parent = machine.parent(holder).map_or("its parent outside".into(), label);
            format!("{parent} has put it in and does not reap it: it has to wait(2), or end")
        }
        Some(holder) if holder.process.state == 'D' => {
            "what it sleeps for in the kernel has to answer (a disk, NFS, FUSE): until then not even SIGKILL ends it".into()
        }
        _ => "it has been killed and is on its way; if it stays, see what holds it: /proc/PID/stack, a tracer".into(),
    };
    Finding { code: "stuck-teardown", message, advice }
}
