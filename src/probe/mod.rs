//! Runs in: the process the user started, which is nobody's init. `pidone probe`: what signals do to a command, tried out.
//!
//! For each signal the command runs twice in throw-away namespaces: as PID 1 itself, and under pidone. It gets time to settle,
//! then the signal, then time to show what that did. Twice more PID 1 there gets orphans, to see whether it reaps.
//!
//! ```text
//! probe ─┬─ outer ═══ the command            a trial, bare
//!        ├─ outer ═══ init ─── the command   a trial under an init
//!        …                                   each outer dies with probe, and with outer all inside
//! ```
//!
//! - [`trial`]: one run, from its start to what came of it.
//! - [`known`]: a process in it.
//! - [`output`]: what the commands print, which nobody but a pattern reads.
//! - [`pattern`]: what it is made of.
//! - [`orphans`]: what is put into a namespace for its PID 1 to reap.
//! - [`verdict`]: from what happened to what it means; pure.
//! - [`report`]: the table, and the JSON.

mod known;
mod orphans;
mod output;
mod pattern;
mod report;
mod trial;
mod verdict;

use self::pattern::Pattern;
use self::trial::Trial;
use self::verdict::Verdict;
use crate::error::{Failure, Stage, UsageError, Voice};
use crate::exit::PIDONE_FAILED;
use crate::packed::packed;
use crate::plan::LaunchPlan;
use crate::request::{NamespaceRequest, Place, ProbeOptions, Ready, RunRequest, StopRules};
use crate::signal::{Rewrites, Signal};
use crate::stop;
use crate::sys::{self, Clock, SignalSet, SignalState};
use crate::text;
use nix::errno::Errno;
use nix::libc::STDERR_FILENO;
use nix::poll::{PollTimeout, poll};
use nix::sys::prctl;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// What a trial is made for, and where: bare or isolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Purpose {
    question: Question,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// What this signal does to the command.
    Signal(Signal),
    /// Whether PID 1 reaps.
    Orphans,
}

/// How the trials are carried out.
struct Rules<'a> {
    options: &'a ProbeOptions,
    /// A line that shows that a command is ready.
    ready_line: Option<Pattern>,
    ready_timeout: Duration,
    wait: Duration,
    signals: &'a SignalState,
}

/// Those of `docker stop`, of a terminal, and what servers take for "reload" and the like.
const DEFAULT_SIGNALS: [Signal; 6] =
    [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// How long a signal has at least to show its effect.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// So many run at a time: more would keep each other from getting ready.
const MOST_AT_ONCE: usize = 16;

/// Carries out all trials and prints what came of them. Returns the exit status: 0 where the command is safe as PID 1, 1 where it
/// needs an init, 125 where that could not be told.
#[inline(never)]
pub(crate) fn run(mut request: Box<RunRequest>, signals: SignalState) -> u8 {
    match try_out(&mut request, &signals) {
        Ok(status) => return status,
        Err(End::Misused(error)) => error.print(Voice::Pidone),
        Err(End::Failed(failure)) => failure.print(Voice::Pidone, None),
        // Ignoring the error: with stderr closed there is nowhere left to say so.
        Err(End::Refused(complaint)) => drop(text::write_all(sys::stdio(STDERR_FILENO), &complaint)),
        Err(End::Interrupted(signal)) => sys::die_by(signal),
    }
    PIDONE_FAILED
}

/// Why there is no verdict.
enum End {
    Misused(UsageError),
    Failed(Failure),
    /// The command does not even start, for this reason: lines for stderr.
    Refused(Vec<u8>),
    /// By this signal, sent to probe itself.
    Interrupted(Signal),
}

fn try_out(request: &mut RunRequest, signals: &SignalState) -> Result<u8, End> {
    let options = std::mem::take(&mut request.probe);
    let rules = rules(&options, signals).map_err(End::Misused)?;
    let mut subject = Subject::new(request, signals).map_err(End::Misused)?;
    let tried = options.signals.as_deref().unwrap_or(&DEFAULT_SIGNALS);
    // At the end there is nobody left to give memory back for.
    let mut trials = ManuallyDrop::new(Vec::new());
    carry_out(tried, &rules, &mut subject, &mut trials)?;
    let verdict = Verdict::new(&subject.request.command, tried, trials.iter().filter_map(Trial::finding));
    Ok(report::print(&verdict, options.json, signals))
}

fn rules<'a>(options: &'a ProbeOptions, signals: &'a SignalState) -> Result<Rules<'a>, UsageError> {
    let ready_line = match &options.ready {
        Some(Ready::Output(expression)) => Some(Pattern::new(expression.as_bytes()).map_err(|error| {
            let message = format!("--ready-regex: {}: {error}", expression.display());
            UsageError::with_hint(message, "it is an extended regular expression: see regex(7)")
        })?),
        _ => None,
    };
    let wait = options.wait.unwrap_or(Duration::from_secs(1));
    if wait < LEAST_WAIT {
        let hint = format!("give it {} or more", stop::text(LEAST_WAIT));
        return Err(UsageError::with_hint("--wait is too short for anything to be seen", hint));
    }
    let ready_timeout = options.ready_timeout.unwrap_or(Duration::from_secs(30));
    Ok(Rules { options, ready_line, ready_timeout, wait, signals })
}

/// What is tried: a request that changes with the place.
struct Subject<'a> {
    request: &'a mut RunRequest,
    /// What only an init can do.
    group: bool,
    rewrites: Rewrites,
}

impl<'a> Subject<'a> {
    /// Both places are checked, so that whatever is wrong with one is said once.
    fn new(request: &'a mut RunRequest, signals: &SignalState) -> Result<Self, UsageError> {
        refuse_what_is_no_matter_of_probes(request)?;
        // When probe is killed, outer kills PID 1, and so everybody there. A tie of PID 1's own would go with its ids.
        request.parent_death = Some(Signal::KILL);
        let (group, rewrites) = (request.group, request.rewrites);
        let mut subject = Subject { request, group, rewrites };
        for place in [Place::Bare, Place::Isolated] {
            // Made once more by who carries it out.
            std::mem::forget(LaunchPlan::new(subject.at(place), *signals)?);
        }
        Ok(subject)
    }

    /// What is asked for in this place.
    fn at(&mut self, place: Place) -> &RunRequest {
        let has_init = place == Place::Isolated;
        self.request.place = Some(place);
        // What only an init can do is left out where there is none.
        self.request.group = self.group && has_init;
        self.request.rewrites = if has_init { self.rewrites } else { Rewrites::none() };
        self.request
    }
}

fn refuse_what_is_no_matter_of_probes(request: &RunRequest) -> Result<(), UsageError> {
    let option = match request {
        RunRequest { place: Some(_), .. } => "--in-place, --isolate and --as-pid1",
        RunRequest { pause: true, .. } => "--pause",
        RunRequest { namespaces: NamespaceRequest { persist: Some(_), .. }, .. } => "--persist",
        RunRequest { no_die_with_parent: true, .. } => "--no-die-with-parent",
        RunRequest { parent_death: Some(_), .. } => "--pdeathsig",
        _ if !request.exit_map.is_empty() => "--map-exit",
        // What pidone itself does to the command would pass for what the signal did.
        _ if request.stop != StopRules::NONE => "--stop-timeout, --stop-delay and --stop-all",
        RunRequest { on_exit: Some(_), .. } => "--on-exit",
        RunRequest { trace: Some(_), .. } => "--trace",
        _ => return Ok(()),
    };
    let message =
        format!("probe runs the command as PID 1 and under an init, and leaves nothing; not with {option}");
    Err(UsageError::with_hint(message, packed!("leave it out (it may stand in PIDONE_OPTIONS)")))
}

/// Starts the trials, so many at a time, and sees each through. Whatever happens, none of them runs when this returns.
fn carry_out(
    tried: &[Signal],
    rules: &Rules<'_>,
    subject: &mut Subject<'_>,
    trials: &mut Vec<Trial>,
) -> Result<(), End> {
    // What a killed outer leaves comes here, and is reaped. Ignoring the error: then it goes to the next init.
    let _ = prctl::set_child_subreaper(true);
    let ended = see_through(tried, rules, subject, trials);
    trials.iter_mut().for_each(Trial::end);
    while let sys::Reaped::Child(..) | sys::Reaped::Stopped(..) = sys::reap(None) {}
    ended
}

fn see_through(
    tried: &[Signal],
    rules: &Rules<'_>,
    subject: &mut Subject<'_>,
    trials: &mut Vec<Trial>,
) -> Result<(), End> {
    // Each signal in both places, and at last the orphans.
    let all = (tried.len() + 1) * 2;
    loop {
        while trials.len() < all && trials.iter().filter(|trial| trial.runs()).count() < MOST_AT_ONCE {
            let purpose = Purpose {
                question: tried.get(trials.len() / 2).map_or(Question::Orphans, |signal| Question::Signal(*signal)),
                place: if trials.len().is_multiple_of(2) { Place::Bare } else { Place::Isolated },
            };
            trials.push(Trial::start(purpose, subject.at(purpose.place), rules.signals).map_err(End::Failed)?);
        }
        let now = sys::now(Clock::Monotonic);
        for trial in trials.iter_mut() {
            trial.step(now, rules).map_err(End::Refused)?;
        }
        if trials.len() == all && !trials.iter().any(Trial::runs) {
            return Ok(());
        }
        if let Some(signal) = wait(trials) {
            return Err(End::Interrupted(signal));
        }
    }
}

/// Waits until there is something to do for a trial; returns a signal by which probe itself is to end.
fn wait(trials: &[Trial]) -> Option<Signal> {
    /// Some things have to be looked for: that a file is there, that a process has ended (SIGCHLD is taken with others below).
    const LOOK_AGAIN: u8 = 10;
    let mut fds = Vec::new();
    for trial in trials {
        trial.push_fds(&mut fds);
    }
    // Ignoring errors: there will be another look.
    let _ = poll(&mut fds, PollTimeout::from(LOOK_AGAIN));
    while let Some(info) = sys::wait_signal(SignalSet::ALL, Some(Duration::ZERO)) {
        match info.signal() {
            Some(signal) if signal.is_stop() => return Some(signal),
            _ => {}
        }
    }
    None
}

fn failure(object: &str, errno: Errno) -> Failure {
    Failure::new(Stage::StartTrial, object, errno)
}
