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
//! - [`output`]: what the commands print, which nobody but a pattern reads.
//! - [`pattern`]: what it is made of.
//! - [`orphans`]: what is put into a namespace for its PID 1 to reap.
//! - [`verdict`]: from what happened to what it means; pure.
//! - [`report`]: the table, and the JSON.

mod orphans;
mod output;
mod pattern;
mod report;
mod trial;
mod verdict;

use self::pattern::Pattern;
use self::trial::Trial;
use self::verdict::{Finding, Verdict};
use crate::error::{Failure, Stage, UsageError, Voice};
use crate::exit::PIDONE_FAILED;
use crate::forward;
use crate::plan::LaunchPlan;
use crate::request::{Place, ProbeOptions, Ready, RunRequest, StopRules};
use crate::signal::{Rewrites, Signal};
use crate::sys::{self, SignalSet, SignalState};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

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
struct Rules {
    settle: Duration,
    ready: Option<ReadySign>,
    ready_timeout: Duration,
    wait: Duration,
    signals: SignalState,
}

/// What shows that a command is ready.
enum ReadySign {
    /// A file, as the command sees it.
    File(std::path::PathBuf),
    /// A line that it prints.
    Line(Pattern),
}

/// Those of `docker stop`, of a terminal, and what servers take for "reload" and the like.
const DEFAULT_SIGNALS: [i32; 6] = [15, 2, 1, 3, 10, 12];

/// How long a signal has at least to show its effect.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// So many run at a time: more would keep each other from getting ready.
const MOST_AT_ONCE: usize = 16;

/// Carries out all trials and prints what came of them. Returns the exit status: 0 where the command is safe as PID 1, 1 where it
/// needs an init, 125 where that could not be told.
#[inline(never)]
pub(crate) fn run(mut request: Box<RunRequest>, signals: SignalState) -> u8 {
    let options = std::mem::take(&mut request.probe);
    let set_up = rules(&options, signals).and_then(|rules| Ok((rules, requests(*request, signals)?)));
    let (rules, [bare, isolated]) = match set_up {
        Ok(set_up) => set_up,
        Err(error) => {
            error.print(Voice::Pidone);
            return PIDONE_FAILED;
        }
    };
    let tried = options.signals.unwrap_or_else(|| DEFAULT_SIGNALS.into_iter().filter_map(Signal::new).collect());
    let questions = tried.iter().map(|signal| Question::Signal(*signal)).chain([Question::Orphans]);
    let purposes: Vec<_> = questions
        .flat_map(|question| [Place::Bare, Place::Isolated].map(|place| Purpose { question, place }))
        .collect();
    let findings = match carry_out(&purposes, &rules, [&bare, &isolated]) {
        Ok(findings) => findings,
        Err(End::Failed(failure)) => {
            failure.print(Voice::Pidone, None);
            return PIDONE_FAILED;
        }
        Err(End::Refused(complaint)) => {
            // Ignoring the error: with stderr closed there is nowhere left to say so.
            let _ = std::io::stderr().write_all(&complaint);
            return PIDONE_FAILED;
        }
        Err(End::Interrupted(signal)) => {
            sys::die_by(signal);
            return PIDONE_FAILED;
        }
    };
    let verdict = Verdict::new(bare.command, &tried, findings);
    report::print(&verdict, options.json, signals).unwrap_or_else(|| verdict.status())
}

fn rules(options: &ProbeOptions, signals: SignalState) -> Result<Rules, UsageError> {
    let ready = match &options.ready {
        None => None,
        Some(Ready::File(path)) => Some(ReadySign::File(path.into())),
        Some(Ready::Output(expression)) => {
            Some(ReadySign::Line(Pattern::new(expression.as_bytes()).map_err(|error| {
                let message = format!("--ready-regex: {}: {error}", expression.display());
                UsageError::with_hint(message, "it is an extended regular expression: see regex(7)")
            })?))
        }
    };
    let wait = options.wait.unwrap_or(Duration::from_secs(1));
    if wait < LEAST_WAIT {
        let hint = format!("give it {} or more", forward::text(LEAST_WAIT));
        return Err(UsageError::with_hint("--wait is too short for anything to be seen", hint));
    }
    Ok(Rules {
        settle: options.settle.unwrap_or(Duration::from_millis(500)),
        ready,
        ready_timeout: options.ready_timeout.unwrap_or(Duration::from_secs(30)),
        wait,
        signals,
    })
}

/// What is asked for, once as PID 1 itself and once under an init; both checked, so that whatever is wrong with them is said once.
fn requests(request: RunRequest, signals: SignalState) -> Result<[RunRequest; 2], UsageError> {
    let asked = [
        (request.place.is_some(), "--in-place, --isolate and --as-pid1"),
        (request.pause, "--pause"),
        (request.namespaces.persist.is_some(), "--persist"),
        (request.no_die_with_parent, "--no-die-with-parent"),
        (request.parent_death.is_some(), "--pdeathsig"),
        (!request.exit_map.is_empty(), "--map-exit"),
        // What pidone itself does to the command would pass for what the signal did.
        (request.stop != StopRules::NONE, "--stop-timeout, --stop-delay and --stop-all"),
        (request.on_exit.is_some(), "--on-exit"),
        (request.trace.is_some(), "--trace"),
    ];
    if let Some((_, option)) = asked.iter().find(|(asked, _)| *asked) {
        let message =
            format!("probe runs the command as PID 1 and under an init, and leaves nothing; not with {option}");
        return Err(UsageError::with_hint(message, "leave it out (it may stand in PIDONE_OPTIONS)"));
    }
    // When probe is killed, outer kills PID 1, and so everybody there. A tie of PID 1's own would go with a change of its ids.
    let isolated = RunRequest { place: Some(Place::Isolated), parent_death: Some(Signal::KILL), ..request };
    // What only an init can do is left out where there is none.
    let bare =
        RunRequest { place: Some(Place::Bare), group: false, rewrites: Rewrites::none(), ..isolated.clone() };
    for request in [&bare, &isolated] {
        LaunchPlan::new(request, signals)?;
    }
    Ok([bare, isolated])
}

/// Why there are no findings.
enum End {
    Failed(Failure),
    /// The command does not even start, for this reason: lines for stderr.
    Refused(Vec<u8>),
    /// By this signal, sent to probe itself.
    Interrupted(Signal),
}

/// Starts the trials, so many at a time, and sees each through. Whatever happens, no trial is left when this returns.
fn carry_out(purposes: &[Purpose], rules: &Rules, requests: [&RunRequest; 2]) -> Result<Vec<Finding>, End> {
    // What a killed outer leaves comes here, and is reaped. Ignoring the error: then it goes to the next init.
    let _ = prctl::set_child_subreaper(true);
    let mut trials: Vec<Trial> = Vec::new();
    let ended = see_through(purposes, rules, requests, &mut trials);
    trials.iter_mut().for_each(Trial::end);
    while let sys::Reaped::Child(..) | sys::Reaped::Stopped(..) = sys::reap(None) {}
    ended.map(|()| trials.iter_mut().map(Trial::take_finding).collect())
}

fn see_through(
    purposes: &[Purpose],
    rules: &Rules,
    [bare, isolated]: [&RunRequest; 2],
    trials: &mut Vec<Trial>,
) -> Result<(), End> {
    loop {
        while trials.len() < purposes.len() && trials.iter().filter(|trial| trial.runs()).count() < MOST_AT_ONCE {
            let Some(purpose) = purposes.get(trials.len()) else { break };
            let request = if purpose.place == Place::Bare { bare } else { isolated };
            trials.push(Trial::start(*purpose, request, rules.signals).map_err(End::Failed)?);
        }
        let now = Instant::now();
        trials.iter_mut().try_for_each(|trial| trial.step(now, rules)).map_err(End::Refused)?;
        if trials.len() == purposes.len() && !trials.iter().any(Trial::runs) {
            return Ok(());
        }
        if let Some(signal) = wait(trials) {
            return Err(End::Interrupted(signal));
        }
    }
}

/// Waits until there is something to do for a trial; returns a signal by which probe itself is to end.
fn wait(trials: &[Trial]) -> Option<Signal> {
    /// Some things have to be looked for: that a file is there, that a process has ended (SIGCHLD is taken with the others below).
    const LOOK_AGAIN: u8 = 10;
    let mut fds: Vec<_> = trials.iter().flat_map(Trial::fds).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
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
