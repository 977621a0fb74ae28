//! Runs in: outer, init. Takes signals from the kernel's queue and passes each on, once, to the half or workload below.

use crate::procfs;
use crate::signal::Signal;
use crate::sys::{self, Recipient, SignalInfo, SignalSet};
use log::{Level, info, log_enabled, warn};
use nix::errno::Errno;
use nix::unistd::getpid;
use std::time::Duration;

/// How long to wait before sending again to somebody whose queue is full. The kernel does not tell when it has room.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// Passes signals on to one recipient.
pub(crate) struct Forwarder {
    recipient: Recipient,
    /// What to call the recipient in a log.
    role: &'static str,
    /// A real-time signal that the recipient has no room for yet.
    held: Option<SignalInfo>,
}

impl Forwarder {
    pub(crate) fn new(recipient: Recipient, role: &'static str) -> Self {
        Forwarder { recipient, role, held: None }
    }

    /// Waits for the next signal.
    ///
    /// While one is held back, only standard signals are taken: they need no room in the recipient's queue. Real-time
    /// signals stay in our own queue, where they keep count and order, until the held one is through.
    pub(crate) fn next(&mut self) -> SignalInfo {
        loop {
            let (set, timeout) = match self.held {
                None => (SignalSet::ALL, None),
                Some(_) => (SignalSet::STANDARD, Some(RETRY_AFTER)),
            };
            match (sys::wait_signal(set, timeout), self.held.take()) {
                (Some(signal), held) => {
                    self.held = held;
                    return signal;
                }
                (None, Some(held)) => self.forward(held),
                (None, None) => {}
            }
        }
    }

    /// Passes `info` on. A failure is a warning and never more (B13).
    pub(crate) fn forward(&mut self, info: SignalInfo) {
        let Some(signal) = info.signal() else { return };
        if is_our_own(&info, signal) {
            return;
        }
        match self.deliver(&info, signal) {
            Ok(()) => self.log(&info, signal),
            Err(Errno::EAGAIN) => self.held = Some(info),
            Err(errno) => {
                warn!("cannot forward {signal} to {}: {} ({errno:?})", self.role, errno.desc());
            }
        }
    }

    /// A signal with a value goes on with it; a plain one is sent plainly. Sending cannot hit a stranger: the recipient
    /// stays a zombie, and keeps its pid, until we reap it (B26).
    fn deliver(&self, info: &SignalInfo, signal: Signal) -> nix::Result<()> {
        if !info.is_queued() {
            return sys::send(self.recipient, signal);
        }
        match (sys::queue(self.recipient, info), self.recipient) {
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
}

/// SIGPIPE and SIGXFSZ that our own log lines cause: the kernel sends them in the writer's own name.
fn is_our_own(info: &SignalInfo, signal: Signal) -> bool {
    matches!(signal, Signal::PIPE | Signal::XFSZ) && info.sender().is_some_and(|(pid, _)| pid == getpid())
}
