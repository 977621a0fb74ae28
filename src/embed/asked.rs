//! Runs in: a program that uses this crate as a library. What its calls have asked for so far.

use super::{LaunchError, OnExit};
use crate::cli;
use crate::error::UsageError;
use crate::request::RunRequest;
use std::ffi::OsStr;
use std::time::Duration;

/// The longest time that can be asked for, a century: with any other a clock could overflow.
const LONGEST: Duration = Duration::from_secs(36525 * 86400);

/// A request that is being made, and the first thing that was wrong with it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) request: RunRequest,
    error: Option<LaunchError>,
}

impl Asked {
    pub(super) fn nothing() -> Self {
        Asked { request: RunRequest::new(), error: None }
    }

    pub(super) fn stop_timeout(&mut self, timeout: Duration) {
        self.request.stop.timeout = Some(timeout.min(LONGEST));
    }

    pub(super) fn on_exit(&mut self, what: OnExit) {
        self.request.on_exit = Some(what.into());
    }

    pub(super) fn options<S: AsRef<OsStr>>(&mut self, options: impl IntoIterator<Item = S>) {
        let words = options.into_iter().map(|word| word.as_ref().to_owned());
        if let Err(error) = cli::add_options(&mut self.request, words) {
            self.note(error);
        }
    }

    /// Something is wrong.
    pub(super) fn note(&mut self, error: UsageError) {
        self.error.get_or_insert_with(|| error.into());
    }

    /// The request as it stands.
    ///
    /// # Errors
    /// The first thing that was wrong.
    pub(super) fn checked(&self) -> Result<&RunRequest, LaunchError> {
        self.error.clone().map_or(Ok(&self.request), Err)
    }
}
