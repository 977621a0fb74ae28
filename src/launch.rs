//! Runs in: outer, or init in place. A launch as a whole: from a request to how the command ended, or why it did not run.

use crate::diagnose::{self, Advice, Circumstances};
use crate::error::{Refusal, Voice};
use crate::exit::{Codes, Outcome};
use crate::init;
use crate::logging::{self, Half};
use crate::outer;
use crate::plan::LaunchPlan;
use crate::request::{Place, RunRequest};
use crate::sys::SignalState;
use crate::trace::Trace;
use std::mem::ManuallyDrop;

/// Runs a command to its end, wherever that is to be.
///
/// # Errors
/// Why it did not run.
pub(crate) fn carry_out(
    request: &RunRequest,
    codes: Codes,
    signals: SignalState,
) -> Result<(Outcome, Place), Refused> {
    let plan = LaunchPlan::new(request, signals).map_err(|error| Refused { refusal: error.into(), hint: None })?;
    // At the end there is nobody left to give memory back for.
    let mut plan = ManuallyDrop::new(plan);
    let place = plan.place;
    let half = if place == Place::InPlace { Half::Init } else { Half::Outer };
    logging::set_up(half, request.level);
    let trace = match Trace::open(request.trace.as_ref(), request.trace_format, place) {
        Ok(trace) => trace,
        Err(refusal) => return Err(Refused::explain(refusal, &Circumstances::of(&plan))),
    };
    trace.started(&request.command, place.name(), plan.namespaces.kinds);
    let ended = match place {
        Place::InPlace => init::in_place(&mut plan, &trace),
        Place::Isolated | Place::Bare => outer::run(&mut plan, &trace),
    };
    match ended {
        Ok(outcome) => {
            let outcome = outcome.mapped(&request.exit_map);
            trace.ended(Ok(outcome), outcome.status());
            Ok((outcome, place))
        }
        Err(failure) => {
            trace.ended(Err(&failure), codes.status_of(&failure));
            Err(Refused::explain(failure.into(), &Circumstances::of(&plan)))
        }
    }
}

/// Why a command does not run, and what to do about it.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// Of a failure; a usage error has its own.
    pub(crate) hint: Option<Advice>,
}

impl Refused {
    pub(crate) fn explain(refusal: Refusal, circumstances: &Circumstances) -> Self {
        let hint = match &refusal {
            Refusal::Usage(_) => None,
            Refusal::Failure(failure) => diagnose::hint(failure, circumstances),
        };
        Refused { refusal, hint }
    }

    /// Tells the user, and returns the status that tells the caller.
    pub(crate) fn print(&self, voice: Voice, codes: Codes) -> u8 {
        match &self.refusal {
            Refusal::Usage(error) => {
                error.print(voice);
                codes.failed
            }
            Refusal::Failure(failure) => {
                failure.print(voice, self.hint.as_deref());
                codes.status_of(failure)
            }
        }
    }
}
