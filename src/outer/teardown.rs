//! Runs in: outer. An init that does not come to its end: it has killed everybody in its namespace, and waits in the kernel until
//! each has been reaped (`zap_pid_ns_processes`). Who was put in from outside can be reaped there alone; who sleeps in the kernel
//! first has to wake up.

use crate::files;
use crate::logging::warn;
use crate::procfs::{self, Process};
use crate::sys::Moment;
use nix::unistd::Pid;
use std::time::Duration;

/// How long an init may take to end, after it has closed its files, until something is said about it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches an init's end.
pub(super) struct Teardown {
    init: Pid,
    /// When to say who holds it; no more, once that is said.
    due: Option<Moment>,
}

impl Teardown {
    pub(super) fn of(init: Pid) -> Self {
        Teardown { init, due: None }
    }

    /// Init has closed its end of the report pipe, and so is at its end.
    pub(super) fn has_begun(&mut self) {
        self.due = Some(Moment::after(PATIENCE));
    }

    /// Until when to wait for it without a word.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// It has taken too long: says what it waits for.
    pub(super) fn explain(&mut self) {
        self.due = None;
        let init = self.init;
        let place = |pid: Pid| files::link(format_args!("/proc/{pid}/ns/pid")).ok();
        let own = place(init);
        let is_member = |process: &Process| process.pid != init && own.is_some() && place(process.pid) == own;
        let all = procfs::processes();
        match all.iter().find(|process| is_member(process)) {
            None => warn!("init ({init}) is ending, and waits for somebody whom /proc does not show"),
            Some(holder) => {
                let parent = all.iter().find(|process| process.pid == holder.parent);
                let parent = parent.map_or_else(|| "its parent".into(), ToString::to_string);
                let advice = match holder.state {
                    'Z' => format!("{parent} has put it in, and has to reap it or end"),
                    _ => format!("it has been killed, and is in {}", wchan(holder.pid)),
                };
                warn!("init ({init}) is ending, and waits for {holder}, state {}: {advice}", holder.state);
            }
        }
    }
}

/// The function of the kernel that it sleeps in.
fn wchan(pid: Pid) -> String {
    let name = files::text(format_args!("/proc/{pid}/wchan")).unwrap_or_default();
    if name.is_empty() || name == "0" { "user mode".into() } else { name }
}
