//! Runs in: outer or init, from the first line on. The program: from arguments to an exit status.

use crate::cli::{self, Personality};
use crate::diagnose::Circumstances;
use crate::enter;
use crate::environment::inherited_value;
use crate::error::{Failure, Stage, UsageError, Voice};
use crate::exit::Codes;
use crate::inspect;
use crate::install;
use crate::keep;
use crate::launch::{self, Refused};
use crate::logging::{self, Half};
use crate::namespace::Kinds;
use crate::outer;
use crate::packed::packed;
use crate::plan;
use crate::probe;
use crate::request::{InspectRequest, Place, Request, RunRequest, Target};
use crate::sys::{self, Args, SignalState};
use crate::text;
use crate::trace::Trace;

/// The program: takes its arguments, does what they ask for, and ends the process. Not by exit(3): there are no handlers to
/// call, nothing is left in a buffer, and what it would touch are pages that are shared with init until then.
///
/// The process must have a single thread, and Rust's runtime must not have been started (`#![no_main]`).
pub fn run(args: Args) -> ! {
    sys::exit_now(status_of(args).into())
}

fn status_of(args: Args) -> u8 {
    // First of all: until now a signal for a PID 1 without handlers was dropped by the kernel.
    let signals = match sys::block_all_signals() {
        Ok(signals) => signals,
        Err(errno) => return text::fail(&Failure::new(Stage::BlockSignals, "1 to 64", errno)),
    };
    if sys::has_gained_rights() {
        UsageError::with_hint(
            packed!(
                "this file gives rights that its caller has not got, and pidone would pass them on to any command"
            ),
            "chmod ug-s FILE; setcap -r FILE",
        )
        .print(Voice::Pidone);
        return Codes::PIDONE.failed;
    }
    let personality = Personality::of(args.get(0));
    let words: Vec<_> = args.rest().collect();
    match personality.parse(&words, &|name| inherited_value(name).map(ToOwned::to_owned)) {
        Ok(Request::Show(text)) => {
            let (output, words) = cli::words_of(text);
            text::print(output, &words, signals)
        }
        Ok(Request::InstallNames(directory)) => install::names(&directory),
        Ok(Request::Release(directory)) => keep::release(&directory),
        Ok(Request::Enter(target, request)) => enter(&target, &request, signals),
        Ok(Request::Inspect(request)) => inspect(&request, signals),
        Ok(Request::Probe(request)) => probe::run(request, signals),
        // Leaked: at the end there is nobody left to give memory back for.
        Ok(Request::Run(request)) => launch(Box::leak(request), personality, signals),
        Err(error) => {
            error.print(personality.voice());
            personality.codes().failed
        }
    }
}

fn launch(request: &RunRequest, personality: Personality, signals: SignalState) -> u8 {
    match launch::carry_out(request, personality.codes(), signals) {
        Ok((outcome, Place::InPlace)) => outcome.status(),
        Ok((outcome, Place::Isolated | Place::Bare)) => outer::end_like(outcome),
        Err(refused) => refused.print(personality.voice(), personality.codes()),
    }
}

#[inline(never)]
fn enter(target: &Target, request: &RunRequest, signals: SignalState) -> u8 {
    logging::set_up(Half::Outer, request.level);
    let path = inherited_value("PATH");
    let circumstances = Circumstances { kinds: Kinds::NONE, path, other_root: true };
    let refused = |refusal| Refused::explain(refusal, &circumstances).print(Voice::Pidone, Codes::PIDONE);
    let plan = match plan::for_entering(request) {
        Ok(plan) => plan,
        Err(error) => return refused(error.into()),
    };
    let trace = match Trace::open(request.trace.as_ref(), request.trace_format, Place::Isolated) {
        Ok(trace) => trace,
        Err(refusal) => return refused(refusal),
    };
    match enter::run(target, &plan, request, signals, &trace) {
        Ok(outcome) => {
            let outcome = outcome.mapped(&request.exit_map);
            trace.ended(Ok(outcome), outcome.status());
            outer::end_like(outcome)
        }
        Err(failure) => {
            trace.ended(Err(&failure), Codes::PIDONE.status_of(&failure));
            refused(failure.into())
        }
    }
}

#[inline(never)]
fn inspect(request: &InspectRequest, signals: SignalState) -> u8 {
    match inspect::run(request, signals) {
        Ok(()) => 0,
        Err(failure) => {
            let circumstances = Circumstances { kinds: Kinds::NONE, path: None, other_root: false };
            Refused::explain(failure.into(), &circumstances).print(Voice::Pidone, Codes::PIDONE)
        }
    }
}
