//! Runs in: outer, init. Takes signals from the kernel's queue and passes each on, once, to the half or workload below.
//!
//! Past 300 lines because all that may become of a signal is decided here.

use crate::errno::reason;
use crate::logging::{info, warn};
use crate::others::Others;
use crate::parent::{News, Parent};
use crate::procfs;
use crate::request::{Grouping, StopRules};
use crate::signal::{Rewrites, Signal};
use crate::stop::{Arrival, Due, Stop, text};
use crate::sys::{self, Moment, Recipient, SignalInfo, SignalSet};
use crate::trace::{Done, Trace, Why};
use log::{Level, log_enabled};
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
    /// Where the workload gets what the terminal sends.
    pub(crate) grouping: Grouping,
    /// What signals become on the last hop, to the workload.
    pub(crate) rewrites: Rewrites,
    /// What follows on a stop signal, on the last hop.
    pub(crate) stop: StopRules,
    /// Pidone stops itself when it has passed on one of the terminal's stops.
    pub(crate) stops_itself: bool,
}

impl Rules {
    /// For a hop that is not the last one: there signals pass as they are.
    pub(crate) fn of_inner_hop(&self) -> Self {
        Rules { group: false, rewrites: Rewrites::none(), stop: StopRules::NONE, ..*self }
    }
}

/// Passes signals on.
pub(crate) struct Forwarder<'a> {
    target: Target<'a>,
    /// What to call the target in a log.
    role: &'static str,
    rules: &'a Rules,
    stop: Stop,
    /// For the half that the user started: what to make of its parent's death.
    parent: Option<Parent>,
    parent_has_died: bool,
    /// Real-time signals that the recipient has no room for yet, in the order in which they came.
    held: VecDeque<SignalInfo>,
    /// The signals that it takes; all others stay pending.
    taken: SignalSet,
    pub(crate) trace: &'a Trace,
}

/// Whom signals are for.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// The child; and the others too for a stop signal, if that is asked for (`--stop-all`).
    Child(Recipient, Option<&'a Others<'a>>),
    /// Whoever is left when the child is gone.
    Others(&'a Others<'a>),
    /// Nobody: there never was a child.
    Nobody,
}

impl<'a> Forwarder<'a> {
    /// To a child, and on `--stop-all` to `others`.
    #[inline(never)]
    pub(crate) fn new(
        recipient: Recipient,
        others: Option<&'a Others<'a>>,
        role: &'static str,
        rules: &'a Rules,
        parent: Option<Parent>,
        trace: &'a Trace,
    ) -> Self {
        let target = Target::Child(recipient, others.filter(|_| rules.stop.all));
        Forwarder {
            target,
            role,
            rules,
            stop: Stop::new(rules.stop),
            parent,
            parent_has_died: false,
            held: VecDeque::new(),
            taken: SignalSet::ALL,
            trace,
        }
    }

    /// Leaves all but these where they are.
    pub(crate) fn taking(self, taken: SignalSet) -> Self {
        Forwarder { taken, ..self }
    }

    /// To nobody: for a pause, which only wants to hear of signals.
    pub(crate) fn to_nobody(rules: &'a Rules, parent: Option<Parent>, trace: &'a Trace) -> Self {
        let mut forwarder = Self::new(Recipient::Everyone, None, "nobody", rules, parent, trace);
        forwarder.turn_to_nobody();
        forwarder
    }

    /// The child is gone: from now on signals are for those that are left.
    pub(crate) fn turn_to(&mut self, others: &'a Others<'a>) {
        (self.target, self.role) = (Target::Others(others), "all that are left");
        self.held.clear();
    }

    /// The child is gone, and its pid may pass to anybody: nothing is for it any more, nor due.
    pub(crate) fn turn_to_nobody(&mut self) {
        (self.target, self.role) = (Target::Nobody, "nobody");
        self.held.clear();
        self.stop = Stop::new(StopRules::NONE);
    }

    /// The clock of a stop that was begun no longer counts.
    pub(crate) fn call_off_stop(&mut self) {
        self.stop.call_off();
    }

    /// The child is gone: SIGTERM to what is left of its process group, if that is whom signals are for.
    pub(crate) fn say_goodbye(&self) {
        if let (Target::Child(group @ Recipient::Group(_), _), Some(signal)) =
            (self.target, self.rewritten(Signal::TERM))
        {
            // An error: nobody is left (ESRCH).
            if sys::send(group, signal).is_ok() {
                self.trace.killed(signal, group, Why::OnExit, &"");
            }
        }
    }

    /// What `signal` has become by the rules.
    pub(crate) fn rewritten(&self, signal: Signal) -> Option<Signal> {
        self.rules.rewrites.apply(signal)
    }

    /// Waits for the next signal that needs attention.
    pub(crate) fn next(&mut self) -> SignalInfo {
        loop {
            if let Some(info) = self.next_before(None) {
                return info;
            }
        }
    }

    /// Waits for the next signal that needs attention, or until `deadline` is past. Does what is due meanwhile.
    ///
    /// While signals are held back, standard ones still pass: they need no room in a queue. Real-time ones queue up
    /// behind the held ones, in memory and not in the kernel: the limit that stands in the way counts all signals
    /// pending for a *user* (RLIMIT_SIGPENDING, setrlimit(2)), so those left in our own kernel queue could be the very
    /// ones that fill it, for ever. For the same reason there is no bound on them but memory (128 bytes each).
    pub(crate) fn next_before(&mut self, deadline: Option<Moment>) -> Option<SignalInfo> {
        loop {
            if let Some(signal) = self.parent.as_mut().and_then(Parent::take_early_death) {
                return Some(self.parent_died(signal));
            }
            self.send_held();
            self.do_what_is_due();
            let Some(info) = sys::wait_signal(self.taken, self.timeout(deadline)) else {
                if deadline.is_some_and(Moment::is_past) {
                    return None;
                }
                continue;
            };
            match self.parent.as_ref().map_or(News::None, |parent| parent.news(&info)) {
                News::Died(signal) => return Some(self.parent_died(signal)),
                News::LivesOn => continue,
                News::None => {}
            }
            if info.signal() == Some(Signal::CHLD) && !info.is_from_kernel() {
                self.trace.signal(&info, Done::Looked, None);
            }
            // What the kernel says of the report pipe is not for the recipient, whatever its number.
            if self.held.is_empty() || !info.is_real_time() || info.is_from_kernel() {
                return Some(info);
            }
            self.hold(info);
        }
    }

    /// What is to be forwarded on the parent's death, as if somebody outside had sent it.
    fn parent_died(&mut self, signal: Signal) -> SignalInfo {
        info!("the process that started pidone has died: {signal} for the workload");
        self.parent_has_died = true;
        SignalInfo::of_parents_death(signal)
    }

    /// Whether the last signal was one for the parent's death.
    pub(crate) fn parent_has_died(&self) -> bool {
        self.parent_has_died
    }

    /// Whether a signal asks to end, when it comes or as what it becomes.
    fn is_stop(&self, came: Signal) -> bool {
        came.is_stop() || self.rewritten(came).is_some_and(Signal::is_stop)
    }

    /// How long to wait for a signal; for ever if nothing else is going to happen.
    fn timeout(&self, deadline: Option<Moment>) -> Option<Duration> {
        let next = self.stop.next().into_iter().chain(deadline).min();
        let until_next = next.map(Moment::left);
        let retry = if self.held.is_empty() { None } else { Some(RETRY_AFTER) };
        until_next.into_iter().chain(retry).min()
    }

    /// Sends what was held back, as far as there is room now.
    fn send_held(&mut self) {
        while let Some(info) = self.held.pop_front() {
            if !self.try_pass(&info) {
                self.held.push_front(info);
                return;
            }
        }
    }

    fn do_what_is_due(&mut self) {
        while let Some(due) = self.stop.due() {
            match due {
                Due::Forward(info) => self.pass(info),
                Due::Kill(unheeded) => self.kill(unheeded),
            }
        }
    }

    /// Passes `info` on: at once; later, if it is a stop signal that has to wait; or not at all.
    pub(crate) fn forward(&mut self, info: SignalInfo) {
        let Some(came) = info.signal() else { return };
        if self.is_our_own(&info, came) {
            // The other two are about our own writing.
            if !matches!(came, Signal::PIPE | Signal::XFSZ) {
                self.trace.signal(&info, Done::Terminal, None);
            }
            self.stop_too(came);
            return;
        }
        if self.rewritten(came).is_none() {
            info!("dropped {came}, as asked");
            self.trace.signal(&info, Done::Dropped, None);
            self.stop_too(came);
            return;
        }
        if !self.is_stop(came) {
            self.pass(info);
            return;
        }
        match self.stop.arrive(info) {
            Arrival::Pass => self.pass(info),
            Arrival::Wait => {
                info!("{came} waits for {}", text(self.rules.stop.delay.unwrap_or_default()));
                self.trace.signal(&info, Done::Delayed, None);
            }
            Arrival::PassAfter(first) => {
                self.pass(first);
                if first.signal() == Some(came) {
                    self.trace.signal(&info, Done::Merged, None);
                } else {
                    self.pass(info);
                }
            }
        }
    }

    /// Passes `info` on, at once or, if the recipient has no room for it, as soon as it has.
    fn pass(&mut self, info: SignalInfo) {
        if !self.try_pass(&info) {
            self.hold(info);
        }
        let Some(came) = info.signal() else { return };
        if self.is_stop(came) {
            self.stop.begin(came);
        }
        self.stop_too(came);
    }

    fn hold(&mut self, info: SignalInfo) {
        self.trace.signal(&info, Done::Held, None);
        self.held.push_back(info);
    }

    /// False if it has to be tried again. Any other failure is a warning and never more (B13).
    fn try_pass(&self, info: &SignalInfo) -> bool {
        let Some(came) = info.signal() else { return true };
        let Some(signal) = self.rewritten(came) else { return true };
        let to_all = |others: &Others<'_>| others.signal(signal).then_some((Ok(()), Recipient::Everyone));
        let sent = match self.target {
            // Nobody is found where /proc cannot be read.
            Target::Child(recipient, others) => others
                .filter(|_| self.is_stop(came))
                .and_then(to_all)
                .or_else(|| Some((deliver(recipient, info, signal), recipient))),
            Target::Others(others) => to_all(others),
            Target::Nobody => None,
        };
        let Some((sent, recipient)) = sent else {
            self.trace.signal(info, Done::Nobody, None);
            return true;
        };
        let done = match sent {
            Ok(()) => {
                self.log(info, signal);
                Done::Forwarded(signal)
            }
            Err(Errno::EAGAIN) => return false,
            Err(errno) => {
                warn!("cannot forward {signal} to {}: {}", self.role, reason(errno));
                Done::Failed(signal, errno)
            }
        };
        self.trace.signal(info, done, Some(recipient));
        true
    }

    /// The time that was given to `unheeded` is up.
    fn kill(&self, unheeded: Signal) {
        let timeout = self.rules.stop.timeout.unwrap_or_default();
        if !matches!(self.target, Target::Nobody) {
            self.trace.timed_out(unheeded, timeout);
        }
        match self.target {
            Target::Child(recipient, _) => {
                let name = procfs::comm(recipient.pid());
                self.trace.killed(Signal::KILL, recipient, Why::StopTimeout, &format_args!("{recipient} ({name})"));
                // Ignoring the error: it is gone, which the next SIGCHLD tells; or beyond our rights, as it was before.
                let _ = sys::send(recipient, Signal::KILL);
                warn!("the workload still ran {} after {unheeded}: killed {recipient} ({name})", text(timeout));
            }
            Target::Others(others) => {
                let names = others.names();
                self.trace.killed(Signal::KILL, Recipient::Everyone, Why::StopTimeout, &names);
                others.signal(Signal::KILL);
                warn!("some still ran {} after {unheeded}: killed {names}", text(timeout));
            }
            Target::Nobody => {}
        }
    }

    /// Stops pidone itself after one of the terminal's stops, where that is the custom; a PID 1 cannot be stopped.
    fn stop_too(&self, came: Signal) {
        if self.rules.stops_itself && came.is_terminal_stop() {
            // Ignoring the error: one may always signal oneself.
            let _ = sys::send(Recipient::Process(getpid()), Signal::STOP);
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
                self.rules.grouping == Grouping::Shared && info.is_from_kernel()
            }
            _ => false,
        }
    }
}

/// A signal with a value goes on with it; a plain one is sent plainly. Sending cannot hit a stranger: the recipient stays a
/// zombie, and keeps its pid, until we reap it (B26).
fn deliver(recipient: Recipient, info: &SignalInfo, signal: Signal) -> nix::Result<()> {
    if !info.is_queued() {
        return sys::send(recipient, signal);
    }
    match (sys::queue(recipient, signal, info), recipient) {
        // No kernel before 6.9 can give a whole group a value. Better the signal without it than none.
        (Err(Errno::EINVAL | Errno::ENOSYS), Recipient::Group(_)) => sys::send(recipient, signal),
        (sent, _) => sent,
    }
}
