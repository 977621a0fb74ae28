//! Runs in: outer, init. Log lines to stderr that say which half speaks; set up at no cost until one is written.
//!
//! A line that stderr has no room for is dropped, and counted: init must not wait for whoever does not read its log.

use crate::environment::inherited_value;
use crate::sys::stdio;
use env_logger::{Builder, Logger, Target, WriteStyle};
use log::{Level, LevelFilter, Log, Metadata, Record};
use nix::libc::STDERR_FILENO;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Logs a message at a level, if anybody is to read it: only then is it made. The macros of `log` do the same, but with all that
/// they pass on they are three times as large at each place.
macro_rules! tell {
    ($level:expr, $($message:tt)+) => {
        if $level <= ::log::max_level() {
            $crate::logging::tell_now($level, module_path!(), format_args!($($message)+));
        }
    };
}
pub(crate) use tell;

macro_rules! log_error {
    ($($message:tt)+) => { $crate::logging::tell!(::log::Level::Error, $($message)+) };
}
pub(crate) use log_error as error;

macro_rules! log_warn {
    ($($message:tt)+) => { $crate::logging::tell!(::log::Level::Warn, $($message)+) };
}
pub(crate) use log_warn as warn;

macro_rules! log_info {
    ($($message:tt)+) => { $crate::logging::tell!(::log::Level::Info, $($message)+) };
}
pub(crate) use log_info as info;

macro_rules! log_debug {
    ($($message:tt)+) => { $crate::logging::tell!(::log::Level::Debug, $($message)+) };
}
pub(crate) use log_debug as debug;

/// What [`tell`] comes to.
#[inline(never)]
pub(crate) fn tell_now(level: Level, module: &'static str, message: fmt::Arguments<'_>) {
    log::logger()
        .log(&Record::builder().level(level).target(module).module_path_static(Some(module)).args(message).build());
}

/// Which half of pidone this process is.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Half {
    Outer = 0,
    Init = 1,
}

/// The name of each `Half`, by its number.
const NAMES: [&str; 2] = ["outer", "init"];

static HALF: AtomicU8 = AtomicU8::new(Half::Outer as u8);

/// Says which half this process is.
pub(crate) fn this_is(half: Half) {
    HALF.store(half as u8, Ordering::Relaxed);
}

fn half_name() -> &'static str {
    NAMES.get(usize::from(HALF.load(Ordering::Relaxed))).unwrap_or(&"pidone")
}

/// Logs at `level`; if that is not given, as `RUST_LOG` says, else warnings only.
///
/// env_logger is built when the first line is due: by default that is never, and init then has no heap to speak of.
pub(crate) fn set_up(half: Half, level: Option<LevelFilter>) {
    this_is(half);
    let directives = inherited_value(DIRECTIVES).filter(|_| level.is_none());
    let by_environment = directives.is_some_and(is_understood);
    BY_ENVIRONMENT.store(by_environment, Ordering::Relaxed);
    // An error means that a program using this crate as a library has a logger of its own: then that one it is.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(level.unwrap_or(LevelFilter::Warn));
        if by_environment {
            log::set_max_level(LOGGER.get().filter());
        }
    }
    if let Some(directives) = directives.filter(|_| !by_environment) {
        warn!("{DIRECTIVES} is not understood, and ignored: {}", directives.display());
    }
}

/// The variable that env_logger reads.
const DIRECTIVES: &str = "RUST_LOG";

/// Asked first, because env_logger itself complains with a macro that panics where stderr cannot be written to; and the
/// variable is often meant for the workload.
fn is_understood(directives: &OsStr) -> bool {
    directives.to_str().is_some_and(|directives| env_filter::Builder::new().try_parse(directives).is_ok())
}

/// An env_logger that is built on first use.
struct OnDemand(OnceLock<Logger>);

static LOGGER: OnDemand = OnDemand(OnceLock::new());

/// Whether it goes by `RUST_LOG`, and not by the level that is set.
static BY_ENVIRONMENT: AtomicBool = AtomicBool::new(false);

impl OnDemand {
    fn get(&self) -> &Logger {
        self.0.get_or_init(|| {
            let mut builder = Builder::new();
            builder
                .target(Target::Pipe(Box::new(Stderr { dropped: 0 })))
                .write_style(WriteStyle::Never)
                .filter_level(log::max_level())
                .format(|out, record| {
                    let level = record.level().as_str().to_ascii_lowercase();
                    writeln!(out, "pidone[{}] {level}: {}", half_name(), record.args())
                });
            if BY_ENVIRONMENT.load(Ordering::Relaxed) {
                builder.parse_filters(inherited_value(DIRECTIVES).and_then(OsStr::to_str).unwrap_or_default());
            }
            builder.build()
        })
    }
}

impl Log for OnDemand {
    fn enabled(&self, metadata: &Metadata) -> bool {
        self.get().enabled(metadata)
    }

    fn log(&self, record: &Record) {
        self.get().log(record);
    }

    fn flush(&self) {}
}

/// Stderr, as far as it takes a line without a wait.
struct Stderr {
    /// Lines that it had no room for since the last one it took.
    dropped: usize,
}

impl Stderr {
    /// Whether a write would neither block nor fail for want of a reader. A pipe with room has room for a page
    /// (pipe(7)), and no line of ours is longer.
    fn has_room() -> bool {
        let mut fds = [PollFd::new(stdio(STDERR_FILENO), PollFlags::POLLOUT)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1))
            && fds.iter().all(|fd| fd.revents() == Some(PollFlags::POLLOUT))
    }
}

impl Write for Stderr {
    /// Takes a whole line, which is what env_logger hands over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !Self::has_room() {
            self.dropped = self.dropped.saturating_add(1);
            return Ok(line.len());
        }
        let dropped = std::mem::take(&mut self.dropped);
        let text = if dropped == 0 {
            line.to_vec()
        } else {
            let note =
                format!("pidone[{}] warn: {dropped} lines could not be written here before this\n", half_name());
            [note.as_bytes(), line].concat()
        };
        // Ignoring the error: there is nowhere to tell it.
        let _ = write(stdio(STDERR_FILENO), &text);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
