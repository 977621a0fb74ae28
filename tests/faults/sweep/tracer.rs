//! Traces pidone up to the workload's exec, counts its system calls, and makes one of them fail.

use super::sys::{self, At};
use nix::errno::Errno;
use nix::libc::{self, c_long};
use std::collections::BTreeMap;

/// Which call is to fail, and how.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The process, by the order in which they are made: 0 is the one that was started. `None`: all of them.
    pub process: Option<usize>,
    pub call: c_long,
    /// Which occurrence in that process, from 1 on. `None`: each of them.
    pub nth: Option<u32>,
    pub errno: Errno,
    /// Only calls with such arguments fail, and only they count.
    pub with: fn(&[u64; 6]) -> bool,
}

/// How often each process made each call.
pub type Census = BTreeMap<(usize, c_long), u32>;

#[derive(Default)]
struct Tracee {
    index: usize,
    /// It is in the call that is to fail.
    is_failing: bool,
}

/// The processes of one run.
pub struct Tracer {
    pub root: i32,
    fault: Option<Fault>,
    tracees: BTreeMap<i32, Tracee>,
    /// How many processes there have been.
    made: usize,
    pub census: Census,
    /// How often the fault happened.
    pub hits: u32,
    /// The wait status of the process that was started.
    pub ended: Option<i32>,
    /// It is in a group-stop.
    pub is_stopped: bool,
    /// The last process that has become another program.
    pub workload: Option<i32>,
}

impl Tracer {
    pub fn new(root: i32, fault: Option<Fault>) -> Self {
        Tracer {
            root,
            fault,
            tracees: BTreeMap::new(),
            made: 0,
            census: Census::new(),
            hits: 0,
            ended: None,
            is_stopped: false,
            workload: None,
        }
    }

    /// Takes note of all that has happened, and lets everybody run on.
    pub fn go_on(&mut self) {
        while let Some((pid, status)) = sys::wait() {
            if libc::WIFSTOPPED(status) {
                self.has_stopped(pid, status);
            } else {
                self.tracees.remove(&pid);
                if pid == self.root {
                    self.ended = Some(status);
                }
            }
        }
    }

    fn has_stopped(&mut self, pid: i32, status: i32) {
        if !self.tracees.contains_key(&pid) {
            self.tracees.insert(pid, Tracee { index: self.made, is_failing: false });
            self.made += 1;
        }
        match (libc::WSTOPSIG(status), status >> 16) {
            (sys::AT_CALL, _) => {
                self.at_call(pid);
                sys::resume(pid, 0);
            }
            // The first one is of the process that was started, and makes it pidone.
            (_, sys::EVENT_EXEC) if pid != self.root => {
                self.tracees.remove(&pid);
                self.workload = Some(pid);
                sys::detach(pid);
            }
            (libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU, sys::EVENT_STOP) => {
                self.is_stopped |= pid == self.root;
                sys::listen(pid);
            }
            (_, sys::EVENT_STOP) => {
                self.is_stopped &= pid != self.root;
                sys::resume(pid, 0);
            }
            (signal, 0) => sys::resume(pid, signal),
            _ => sys::resume(pid, 0),
        }
    }

    fn at_call(&mut self, pid: i32) {
        let Some(tracee) = self.tracees.get_mut(&pid) else { return };
        match sys::call_of(pid) {
            Some(At::Entry(call, arguments)) => {
                let fault = self.fault.as_ref().filter(|fault| fault.call == call);
                if fault.is_some_and(|fault| !(fault.with)(&arguments)) {
                    return;
                }
                let count = self.census.entry((tracee.index, call)).or_default();
                *count += 1;
                let is_hit = fault.is_some_and(|fault| {
                    fault.process.is_none_or(|index| index == tracee.index)
                        && fault.nth.is_none_or(|nth| nth == *count)
                });
                if is_hit {
                    tracee.is_failing = true;
                    self.hits += 1;
                    // A descriptor is gone whatever close(2) returns.
                    if call != libc::SYS_close {
                        sys::skip_call(pid);
                    }
                }
            }
            Some(At::Exit) if tracee.is_failing => {
                tracee.is_failing = false;
                let errno = self.fault.as_ref().map_or(0, |fault| fault.errno as i32);
                sys::fail_call(pid, errno);
            }
            _ => {}
        }
    }
}
