//! Runs in: outer. Its loop: forwards signals to the child, reaps, and shows the shell when the workload stops.

use super::teardown::Teardown;
use crate::errno::reason;
use crate::forward::{Forwarder, Rules};
use crate::handshake::{Listener, Report};
use crate::inherited::let_go;
use crate::job::{Job, Next};
use crate::logging::{debug, warn};
use crate::parent::Parent;
use crate::reap::{self, MainChild};
use crate::request::Place;
use crate::signal::{Signal, WATCH};
use crate::sys::{self, Recipient};
use crate::terminal::Terminal;
use crate::trace::{Done, Trace};
use nix::unistd::Pid;
use std::os::fd::AsFd;

/// The child of outer, and how to reach what runs in it.
pub(super) struct Inside<'a> {
    pub(super) child: Pid,
    pub(super) place: Place,
    pub(super) listener: &'a Listener,
    /// What init said last: why the workload does not run, or how it ended.
    pub(super) last_word: Option<Report>,
    pub(super) trace: &'a Trace,
}

impl Inside<'_> {
    /// Forwards signals to the child and reaps until it has ended. Returns how it ended.
    pub(super) fn until_the_end(&mut self, mut job: Job, rules: &Rules, parent: Option<Parent>) -> MainChild {
        let (child, place, trace) = (self.child, self.place, self.trace);
        if let Err(errno) = self.listener.watch() {
            warn!("cannot watch the report pipe: {}; Ctrl-Z will not be seen", reason(errno));
        }
        let_go(&[Some(self.listener.as_fd()), job.own_fd(), trace.own_fd()]);
        // What was said before the watch began has raised nothing.
        self.listen(&mut job);
        let role = if place == Place::Bare { "the workload" } else { "init" };
        debug!("{role} is pid {child}");
        // What is for the workload's group alone is init's business, unless there is none; so are rewriting and stopping.
        let inner_hop;
        let rules = if place == Place::Bare {
            rules
        } else {
            inner_hop = rules.of_inner_hop();
            &inner_hop
        };
        let recipient = if rules.group { Recipient::Group(child) } else { Recipient::Process(child) };
        let mut forwarder = Forwarder::new(recipient, None, role, rules, parent, trace);
        let mut teardown = Teardown::of(child);
        loop {
            let Some(info) = forwarder.next_before(teardown.due()) else {
                teardown.explain();
                continue;
            };
            match info.signal() {
                Some(Signal::CHLD) => match reap::drain(child, trace, |_| ()) {
                    MainChild::Stopped(signal) if place == Place::Bare => self.stopped(signal, &mut job),
                    MainChild::Running | MainChild::Stopped(_) => {}
                    ended => {
                        // Its last word counts; a stop before that, of which nothing is left, does not.
                        self.hear();
                        job.end();
                        return ended;
                    }
                },
                // Init stays on for others, which are still this job: they stop, until the shell continues it.
                Some(Signal::TSTP) if info.is_from_kernel() && self.workload_is_gone() => {
                    forwarder.forward(info);
                    job.stop(Signal::TSTP);
                    // Ignoring the error: it is gone, which the next SIGCHLD tells.
                    let _ = sys::send(Recipient::Process(child), Signal::CONT);
                }
                Some(Signal::CONT) if job.resume() => {
                    trace.signal(&info, Done::Continued, None);
                    self.resume_in_foreground();
                }
                Some(WATCH | Signal::IO) if info.is_from_kernel() => {
                    self.listen(&mut job);
                    if place == Place::Isolated && self.listener.is_at_end() {
                        teardown.has_begun();
                    }
                }
                _ => forwarder.forward(info),
            }
        }
    }

    /// Hears what init has to say, and acts upon it.
    fn listen(&mut self, job: &mut Job) {
        if let Some(signal) = self.hear() {
            self.stopped(signal, job);
        }
        if self.workload_is_gone() {
            // Init may stay on for other processes, and Ctrl-C must reach somebody.
            job.end();
        }
    }

    /// Init has said how it ended, or is ending, too.
    fn workload_is_gone(&self) -> bool {
        self.last_word.is_some() || (self.place == Place::Isolated && self.listener.is_at_end())
    }

    /// Hears what init has to say. Returns the signal that stopped the workload, if one did.
    fn hear(&mut self) -> Option<Signal> {
        /// More than a pipe holds of the shortest reports: what was there when we began is read.
        const READS: u32 = 1 << 14;
        let (mut stopped, mut left) = (None, READS);
        while let Some(report) = self.listener.next_if_there(&mut left) {
            match report {
                Report::Stopped(signal) => stopped = Some(signal),
                // No last words: they were there when outer looked for them and could not read.
                Report::Apart | Report::Furnished => {}
                last_word => self.last_word = Some(last_word),
            }
        }
        stopped
    }

    /// The workload was stopped: so is this job, until the shell continues it.
    fn stopped(&self, signal: Signal, job: &mut Job) {
        self.trace.stopped(self.child, signal);
        match job.stop(signal) {
            Next::InForeground => self.resume_in_foreground(),
            Next::InBackground => {
                let whole_job = match self.place {
                    Place::Bare => Recipient::Group(self.child),
                    // Init passes it on to the whole process group of a workload that is stopped.
                    Place::Isolated | Place::InPlace => Recipient::Process(self.child),
                };
                // Ignoring the error: it is gone, which the next SIGCHLD tells.
                let _ = sys::send(whole_job, Signal::CONT);
                self.trace.continued(self.child);
            }
            Next::StaysStopped => {}
        }
    }

    /// Continues the workload as the foreground group. Only in its own PID namespace can that be named, so init does it;
    /// a bare workload is known out here.
    fn resume_in_foreground(&self) {
        self.trace.continued(self.child);
        if self.place != Place::Bare {
            // Ignoring the error: as in `stopped`.
            let _ = sys::queue_resume(self.child);
            return;
        }
        if let Some(terminal) = Terminal::controlling() {
            terminal.hand_to(self.child);
        }
        let _ = sys::send(Recipient::Group(self.child), Signal::CONT);
    }
}
