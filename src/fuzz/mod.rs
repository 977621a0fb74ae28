//! Runs in: the test harness. Properties of all that reads bytes of others, on random input: none panics, hangs, or takes more
//! memory than its input accounts for; and what is printed, or laid out from a model, is read back as what it was.
//!
//! Parsers are private, so each has its properties in a file here that is a module of its own (`mod properties`). Here is what
//! they share.
//!
//! Each property runs for 100 ms, or for as long as `ARBTEST_BUDGET_MS` says. A failure names a seed: `ARBTEST_SEED=0x…`
//! repeats it, and `PIDONE_MINIMIZE=1` with that looks for a smaller one. Overflows are caught only without `--release`.

mod names;

use crate::sys::counting;
pub(crate) use arbtest::arbitrary::{Result, Unstructured};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Checks a property again and again, on more and more random bytes.
pub(crate) fn check(property: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    let (_ended, watched) = channel::<()>();
    let name = std::thread::current().name().unwrap_or("a property").to_owned();
    std::thread::spawn(move || {
        if watched.recv_timeout(budget() * 2 + Duration::from_secs(300)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    let test = arbtest::arbtest(property).size_max(8192);
    if std::env::var_os("PIDONE_MINIMIZE").is_some() { test.minimize().run() } else { test.run() }
}

fn budget() -> Duration {
    let asked = std::env::var("ARBTEST_BUDGET_MS").ok().and_then(|budget| budget.parse().ok());
    Duration::from_millis(asked.unwrap_or(100))
}

/// What `work` returns, if it is modest: in the memory that it holds at once, and in time.
#[track_caller]
pub(crate) fn modestly<T>(most: usize, work: impl FnOnce() -> T) -> T {
    const LONGEST: Duration = Duration::from_secs(10);
    let start = time_on_cpu();
    let (result, peak) = counting::peak_of(work);
    assert!(peak <= most, "{peak} bytes were held at once, and {most} are allowed");
    let taken = time_on_cpu().saturating_sub(start);
    assert!(taken < LONGEST, "it took {taken:?}");
    result
}

/// Of this thread: a machine may be busy with something else. proc_pid_schedstat(5)
fn time_on_cpu() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedstat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Any bytes, most of them from these words, one after the other; a few of them, or many.
pub(crate) fn soup(u: &mut Unstructured<'_>, words: &[&str]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let most = *u.choose(&[3, 6, 12, usize::MAX])?;
    for _ in 0..most {
        if u.is_empty() {
            break;
        }
        if u.ratio(1, 12)? {
            text.push(u.arbitrary()?);
        } else {
            text.extend_from_slice(u.choose(words)?.as_bytes());
        }
    }
    Ok(text)
}

/// A name of up to `most` bytes without any of these.
pub(crate) fn name(u: &mut Unstructured<'_>, most: usize, without: &[u8]) -> Result<Vec<u8>> {
    let length = u.int_in_range(0..=most)?;
    let mut name: Vec<u8> = (0..length).map(|_| u.arbitrary()).collect::<Result<_>>()?;
    name.retain(|byte| *byte != 0 && !without.contains(byte));
    Ok(name)
}

/// A few of what `make` makes.
pub(crate) fn several<'a, T>(
    u: &mut Unstructured<'a>,
    most: usize,
    mut make: impl FnMut(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = u.int_in_range(0..=most)?;
    (0..count).map(|_| make(u)).collect()
}
