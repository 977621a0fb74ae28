//! Nothing breaks it: crowds, storms, and the death of anybody at any time. Its parts:
//!
//! - [`orphans`]: more than there are pids, one after the other
//! - [`zombies`]: as many as there are pids, all at once
//! - [`signals`]: from many senders, while children die
//! - [`fork_bomb`]: which the stop has to get the better of
//! - [`namespaces`]: many at a time, ended at random
//! - [`kill`]: outer, init or workload killed or stopped at each step of start and exit
//!
//! A storm is short, unless `PIDONE_STORM=full`. They come one after the other, and each ends with a [`census`]. The support
//! of the other tests (`tests/main.rs`) serves here, too, and so do its environment variables.

mod census;
mod fork_bomb;
mod kill;
mod namespaces;
mod orphans;
mod signals;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what only the other tests need")]
mod support;
mod sys;
mod zombies;

/// How large a storm is to be.
pub fn size(short: usize, full: usize) -> usize {
    if is_full() { full } else { short }
}

/// Whether storms have their full size.
pub fn is_full() -> bool {
    std::env::var_os("PIDONE_STORM").is_some_and(|size| size == "full")
}

/// Says what a storm of full size has come to, though the test harness keeps the output of tests that pass to itself.
pub fn report(what: &str) {
    use std::io::Write;
    if !is_full() {
        return;
    }
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    let _ = writeln!(std::io::stderr(), "{test}: {what}");
}
