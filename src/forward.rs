//! Runs in: outer, init. Takes signals from the kernel's queue and passes each on, once, to the half or workload below.

use crate::error::reason;
use crate::procfs;
use crate::signal::{Rewrites, Signal};
use crate::sys::{self, Recipient, SignalInfo, SignalSet};
use log::{Level, info, log_enabled, warn};
use nix::errno::Errno;
use nix::unistd::getpid;
use std::collections::VecDeque;
use std::time::Duration;

/// How long to wait before sending again to somebody whose queue is full. The kernel does not tell when it has room.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// What bears on forwarding, from the plan.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// To the workload's process group, not to the workload alone.
    pub(crate) group: bool,
    /// The workload is in our own process group, and has already got what the terminal sends to that.
    pub(crate) shares_group: bool,
    /// What signals become on the last hop, to the workload.
    pub(crate) rewrites: Rewrites,
}

/// Passes signals on to one recipient.
pub(crate) struct Forwarder {
    recipient: Recipient,
    /// What to call the recipient in a log.
    role: &'static str,
    rules: Rules,
    /// Real-time signals that the recipient has no room for yet, in the order in which they came.
    held: VecDeque<SignalInfo>,
}

impl Forwarder {
    pub(crate) fn new(recipient: Recipient, role: &'static str, rules: Rules) -> Self {
        Forwarder { recipient, role, rules, held: VecDeque::new() }
    }

    /// Waits for the next signal that needs attention.
    ///
    /// While signals are held back, standard ones still pass: they need no room in a queue. Real-time ones queue up
    /// behind the held ones, in memory and not in the kernel: the limit that stands in the way counts all signals
    /// pending for a *user* (RLIMIT_SIGPENDING, setrlimit(2)), so those left in our own kernel queue could be the very
    /// ones that fill it, for ever. For the same reason there is no bound on them but memory (128 bytes each).
    pub(crate) fn next(&mut self) -> SignalInfo {
        loop {
            self.send_held();
            let timeout = if self.held.is_empty() { None } else { Some(RETRY_AFTER) };
            match sys::wait_signal(SignalSet::ALL, timeout) {
                // What the kernel says of the report pipe is not for the recipient, whatever its number.
                Some(info) if self.held.is_empty() || !info.is_real_time() || info.is_from_kernel() => return info,
                Some(info) => self.held.push_back(info),
                None => {}
            }
        }
    }

    /// Sends what was held back, as far as there is room now.
    fn send_held(&mut self) {
        while let Some(info) = self.held.pop_front() {
            if !self.try_forward(&info) {
                self.held.push_front(info);
                return;
            }
        }
    }

    /// Passes `info` on, at once or, if the recipient has no room for it, later.
    pub(crate) fn forward(&mut self, info: SignalInfo) {
        if !self.try_forward(&info) {
            self.held.push_back(info);
        }
    }

    /// False if it has to be tried again. Any other failure is a warning and never more (B13).
    fn try_forward(&self, info: &SignalInfo) -> bool {
        let Some(came) = info.signal().filter(|signal| !self.is_our_own(info, *signal)) else { return true };
        let Some(signal) = self.rules.rewrites.apply(came) else {
            info!("dropped {came}, as asked");
            return true;
        };
        match self.deliver(info, signal) {
            Ok(()) => self.log(info, signal),
            Err(Errno::EAGAIN) => return false,
            Err(errno) => warn!("cannot forward {signal} to {}: {}", self.role, reason(errno)),
        }
        true
    }

    /// A signal with a value goes on with it; a plain one is sent plainly. Sending cannot hit a stranger: the recipient
    /// stays a zombie, and keeps its pid, until we reap it (B26).
    fn deliver(&self, info: &SignalInfo, signal: Signal) -> nix::Result<()> {
        if !info.is_queued() {
            return sys::send(self.recipient, signal);
        }
        match (sys::queue(self.recipient, signal, info), self.recipient) {
            // No kernel before 6.9 can give a whole group a value. Better the signal without it than none.
            (Err(Errno::EINVAL | Errno::ENOSYS), Recipient::Group(_)) => sys::send(self.recipient, signal),
            (sent, _) => sent,
        }
    }

    fn log(&self, info: &SignalInfo, signal: Signal) {
        if !log_enabled!(Level::Info) {
            return;
        }
        let role = self.role;
        match info.sender() {
            None => info!("forwarded {signal} from the kernel to {role}"),
            Some((pid, uid)) if pid.as_raw() == 0 => {
                info!("forwarded {signal} from outside the namespace (uid {uid}) to {role}");
            }
            Some((pid, uid)) => {
                info!("forwarded {signal} from pid {pid} ({}, uid {uid}) to {role}", procfs::comm(pid));
            }
        }
    }

    /// SIGPIPE and SIGXFSZ that our own log lines cause, which the kernel sends in the writer's own name; and what the
    /// terminal sends to a whole process group: SIGTTIN and SIGTTOU, because one member, which the workload is not, has
    /// touched it; and the rest where the workload is a member itself (B18).
    fn is_our_own(&self, info: &SignalInfo, signal: Signal) -> bool {
        match signal {
            Signal::PIPE | Signal::XFSZ => info.sender().is_some_and(|(pid, _)| pid == getpid()),
            Signal::TTIN | Signal::TTOU => info.is_from_kernel(),
            Signal::INT | Signal::QUIT | Signal::TSTP | Signal::HUP | Signal::WINCH => {
                self.rules.shares_group && info.is_from_kernel()
            }
            _ => false,
        }
    }
}
