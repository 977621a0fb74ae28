//! Runs in: outer, init. Log lines to stderr that say which half speaks; set up at no cost until one is written.

use crate::cli::RunRequest;
use env_logger::{Builder, Env, Logger, WriteStyle};
use log::{LevelFilter, Log, Metadata, Record};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

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

/// Says once per process which half it is.
pub(crate) fn this_is(half: Half) {
    HALF.store(half as u8, Ordering::Relaxed);
}

fn half_name() -> &'static str {
    NAMES.get(usize::from(HALF.load(Ordering::Relaxed))).unwrap_or(&"pidone")
}

/// Takes the level from `-v`, else from `RUST_LOG`, else warnings only.
///
/// env_logger is built when the first line is due: by default that is never, and init then has no heap to speak of.
pub(crate) fn set_up(request: &RunRequest) {
    let level = match request.verbosity {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    let by_environment = request.verbosity == 0 && std::env::var_os("RUST_LOG").is_some();
    let logger: &'static OnDemand = if by_environment { &BY_ENVIRONMENT } else { &BY_LEVEL };
    // An error means that a program using this crate as a library has a logger of its own: then that one it is.
    if log::set_logger(logger).is_ok() {
        log::set_max_level(if by_environment { logger.get().filter() } else { level });
    }
}

/// An env_logger that is built on first use.
struct OnDemand {
    logger: OnceLock<Logger>,
    build: fn(&mut Builder) -> Logger,
}

static BY_LEVEL: OnDemand =
    OnDemand { logger: OnceLock::new(), build: |builder| builder.filter_level(log::max_level()).build() };

static BY_ENVIRONMENT: OnDemand =
    OnDemand { logger: OnceLock::new(), build: |builder| builder.parse_env(Env::default()).build() };

impl OnDemand {
    fn get(&self) -> &Logger {
        self.logger.get_or_init(|| {
            let mut builder = Builder::new();
            builder.write_style(WriteStyle::Never).format(|out, record| {
                let level = record.level().as_str().to_ascii_lowercase();
                writeln!(out, "pidone[{}] {level}: {}", half_name(), record.args())
            });
            (self.build)(&mut builder)
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
