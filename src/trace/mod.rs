//! Runs in: outer, init. The trace (`--trace`): what happens, told as it happens, to whoever wants to read it.
//!
//! - [`event`]: what can be told.
//! - [`json`]: each event as a line of JSON.
//! - [`chrome`]: the same for a time line.
//! - [`witness`]: what /proc says of a process, as long as it is there.
//! - [`target`]: where it may go; [`sink`]: the writer that never waits.
//!
//! Both halves write to one open file, each event in one write(2), so that lines do not mix. Nothing is allocated after
//! the start. Where there is no trace, each of these functions is a look at one `Option`.

mod buffer;
mod chrome;
mod event;
mod json;
mod sink;
mod target;
mod witness;

use self::buffer::Buffer;
use self::event::{Event, Sender};
use self::sink::{Backlog, Sink};
use self::witness::Witness;
use crate::error::{Failure, Refusal, Stage};
use crate::exit::Outcome;
use crate::namespace::Kinds;
use crate::request::{Place, TraceFormat, TraceTo};
use crate::signal::Signal;
use crate::sys::{Clock, Recipient, SharedPage, SignalInfo, Usage, WaitStatus, now};
use nix::unistd::{Pid, getpid};
use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) use self::event::{Done, Role, Why};

/// The trace, if there is one.
pub(crate) struct Trace(Option<Box<Tracer>>);

struct Tracer {
    sink: Sink,
    format: TraceFormat,
    /// When pidone started, by `CLOCK_MONOTONIC`. Both halves count from here: init never enters the time namespace that
    /// it may make for its children.
    start: Duration,
    /// For chrome: whether the array has its opening bracket. Whichever half gets a line in first writes it.
    begun: Option<SharedPage>,
    state: RefCell<State>,
}

/// What changes from event to event.
struct State {
    speaker: Speaker,
    /// When the main child was about to be made.
    spawning: Duration,
    main: Option<Main>,
    /// Events that were dropped since the last one that was not.
    lost: u64,
    /// How many signals were told.
    signals: u64,
    line: Buffer,
    backlog: Backlog,
}

/// Which half speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Speaker {
    is_init: bool,
    /// The process that the user started: it opens the trace and closes it.
    is_first: bool,
    pid: Pid,
}

impl Speaker {
    fn name(self) -> &'static str {
        if self.is_init { "init" } else { "outer" }
    }
}

/// The main child of the half that speaks.
#[derive(Clone, Copy)]
struct Main {
    pid: Pid,
    role: Role,
    since: Duration,
}

/// What each event begins with.
struct Stamp {
    speaker: Speaker,
    /// Since the start.
    since: Duration,
    /// Since 1970.
    wall: Duration,
}

/// Longest event in bytes: a pipe takes as much in one piece (PIPE_BUF, pipe(7)).
const LONGEST: usize = 4096;

impl Trace {
    /// None at all.
    pub(crate) const OFF: Self = Trace(None);

    /// Opens it, if it is asked for, for the process that the user started.
    ///
    /// # Errors
    /// It cannot be opened, or is the command's own standard output.
    pub(crate) fn open(to: Option<&TraceTo>, format: Option<TraceFormat>, place: Place) -> Result<Self, Refusal> {
        let Some(to) = to else { return Ok(Trace(None)) };
        // Nobody reads a stderr that is closed, and so nobody misses anything.
        let Some(sink) = target::open(to)? else { return Ok(Trace(None)) };
        let speaker = Speaker { is_init: place == Place::InPlace, is_first: true, pid: getpid() };
        let state = State {
            speaker,
            spawning: Duration::ZERO,
            main: None,
            lost: 0,
            signals: 0,
            line: Buffer::new(LONGEST),
            backlog: Backlog::new(LONGEST),
        };
        let format = format.unwrap_or(TraceFormat::Json);
        let begun =
            Some(format).filter(|format| *format == TraceFormat::Chrome).map(|_| SharedPage::new()).transpose();
        let begun = begun.map_err(|errno| Failure::new(Stage::OpenTrace, "mmap", errno))?;
        let start = now(Clock::Monotonic);
        Ok(Trace(Some(Box::new(Tracer { sink, format, start, begun, state: RefCell::new(state) }))))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The descriptor that has to stay open.
    pub(crate) fn own_fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(|tracer| tracer.sink.own_fd())
    }

    /// From here on it is init that speaks, in a copy of what outer has.
    pub(crate) fn this_is_init(&self) {
        self.with(&mut |_, state| {
            state.speaker = Speaker { is_init: true, is_first: false, pid: getpid() };
            // What outer has not got rid of yet is outer's.
            (state.main, state.lost) = (None, 0);
            state.backlog.clear();
        });
    }

    /// pidone has begun.
    pub(crate) fn started(&self, command: &[OsString], place: &'static str, namespaces: Kinds) {
        self.tell(&Event::Start { command, place, namespaces });
    }

    /// The main child is about to be made: it lives from here on, however long it takes to load.
    pub(crate) fn spawning(&self) {
        self.with(&mut |_, state| state.spawning = now(Clock::Monotonic));
    }

    /// The main child is there.
    pub(crate) fn spawned(&self, pid: Pid, role: Role) {
        self.with(&mut |_, state| state.main = Some(Main { pid, role, since: state.spawning }));
        self.tell(&Event::Spawn { pid, role });
    }

    /// A signal came; to whom it was sent, if it was.
    pub(crate) fn signal(&self, info: &SignalInfo, done: Done, recipient: Option<Recipient>) {
        if self.is_on() {
            let recipient = recipient.map(Recipient::number);
            let sender = info.sender().filter(|_| !info.is_parents_death());
            let sender = sender.map(|(pid, uid)| Sender { pid, uid, comm: Witness::of(pid).name });
            self.tell(&Event::Signal { info, sender: sender.as_ref(), done, recipient });
        }
    }

    /// What can be known of a zombie, before it is reaped.
    pub(crate) fn look_at(&self, zombie: Pid) -> Option<Witness> {
        if !self.is_on() {
            return None;
        }
        Some(Witness::of(if self.goes_in() { zombie } else { Witness::NOBODY }))
    }

    /// Whether there is a point in finding out what to tell. Asked of the file only while it is full: then most of the work that
    /// an event takes is for nothing.
    fn goes_in(&self) -> bool {
        let mut goes_in = true;
        self.with(&mut |tracer, state| goes_in = state.lost == 0 || tracer.sink.has_room());
        goes_in
    }

    /// A child was reaped.
    pub(crate) fn reaped(&self, pid: Pid, status: WaitStatus, usage: Usage, witness: Option<Witness>) {
        let Some(witness) = &witness else { return };
        let mut main = None;
        self.with(&mut |_, state| main = state.main.filter(|main| main.pid == pid));
        // Of the main child it is known to the microsecond, and not by a clock that ticks a hundred times a second.
        let (role, lifetime) = match main {
            Some(main) => (main.role, Some(now(Clock::Monotonic).saturating_sub(main.since))),
            None => {
                let since = |started| now(Clock::BootTime).saturating_sub(started);
                (Role::Orphan, witness.started.map(since))
            }
        };
        self.tell(&Event::Reap { pid, name: &witness.name, role, status, usage: &usage, lifetime });
    }

    /// A stop of the main child was seen.
    pub(crate) fn stopped(&self, pid: Pid, signal: Signal) {
        self.tell(&Event::Stop { pid, signal });
    }

    /// pidone has continued the main child.
    pub(crate) fn continued(&self, pid: Pid) {
        self.tell(&Event::Continue { pid });
    }

    /// The time that was given to `signal` is up.
    pub(crate) fn timed_out(&self, signal: Signal, timeout: Duration) {
        self.tell(&Event::StopTimeout { signal, timeout });
    }

    /// pidone sends `signal` of its own accord, to `whom`, whose names these are.
    pub(crate) fn killed(&self, signal: Signal, whom: Recipient, why: Why, names: &dyn fmt::Display) {
        self.tell(&Event::Kill { signal, recipient: whom.number(), why, names });
    }

    /// All is over, and this is the exit status.
    pub(crate) fn ended(&self, end: Result<Outcome, &Failure>, status: u8) {
        self.tell(&Event::Exit { end, status });
    }

    /// The last chance to tell of what was dropped.
    pub(crate) fn finish(&self) {
        self.with(&mut |tracer, state| {
            if state.lost > 0 {
                tracer.tell(state, None);
            }
        });
    }

    fn tell(&self, event: &Event<'_>) {
        self.with(&mut |tracer, state| tracer.tell(state, Some(event)));
    }

    /// Nobody borrows it twice: none of what is called here comes back.
    fn with(&self, act: &mut dyn FnMut(&Tracer, &mut State)) {
        if let Some(tracer) = &self.0
            && let Ok(mut state) = tracer.state.try_borrow_mut()
        {
            act(tracer, &mut state);
        }
    }
}

impl Tracer {
    fn tell(&self, state: &mut State, event: Option<&Event<'_>>) {
        state.signals = state.signals.saturating_add(matches!(event, Some(Event::Signal { .. })).into());
        let begins = self.begun.as_ref().is_some_and(|page| !page.flag().swap(true, Ordering::Relaxed));
        self.say(state, event, begins);
        // It has room: what has no bound of its own is given one.
        if !state.line.is_cut() && self.sink.write(&mut state.backlog, state.line.bytes()) {
            state.lost = 0;
            return;
        }
        state.lost = state.lost.saturating_add(event.is_some().into());
        if begins && let Some(page) = &self.begun {
            page.flag().store(false, Ordering::Relaxed);
        }
    }

    /// The event, and before it what has to stand there, for one write.
    fn say(&self, state: &mut State, event: Option<&Event<'_>>, mut begins: bool) {
        let (speaker, line) = (state.speaker, &mut state.line);
        let since = now(Clock::Monotonic).saturating_sub(self.start);
        let stamp = Stamp { speaker, since, wall: now(Clock::Wall) };
        line.clear();
        let lost = Event::Lost { lines: state.lost };
        for event in [Some(&lost).filter(|_| state.lost > 0), event].into_iter().flatten() {
            match self.format {
                TraceFormat::Json => json::line(line, &stamp, event),
                TraceFormat::Chrome => {
                    chrome::event(line, &stamp, event, state.signals, std::mem::take(&mut begins));
                }
            }
        }
    }
}
