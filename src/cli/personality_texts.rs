//! Runs in: outer or init, before anything else. What pidone prints under the names of other inits.

/// As Docker parses it: `tini version`, and a word.
pub(super) const TINI_VERSION: &str = concat!("tini version 0.19.0_pidone-", env!("CARGO_PKG_VERSION"), "\n");
pub(super) const CATATONIT_VERSION: &str =
    concat!("tini version 0.2.1_catatonit_pidone-", env!("CARGO_PKG_VERSION"), "\n");
/// To the letter: there are those who compare it.
pub(super) const DUMB_INIT_VERSION: &str = "dumb-init v1.2.5\n";
pub(super) const LICENSE: &str = include_str!("../../LICENSE-MIT");

pub(super) const TINI_HELP: &str = "\
This is pidone under the name of tini.

Usage: tini [OPTIONS] [--] COMMAND [ARG...]
       tini --version

  -s         become a child subreaper where it is not PID 1, and so reap orphans there too
  -p SIGNAL  when the parent dies, forward SIGNAL
  -g         forward signals to the command's process group
  -e CODE    exit with 0 where the command exits with CODE; repeatable
  -w         tell of each orphan reaped
  -v         say more; repeatable
  -l         the license
  -h         this text

Environment: TINI_SUBREAPER (as -s), TINI_KILL_PROCESS_GROUP (as -g), TINI_VERBOSITY (0 to 4, by default 1),
PIDONE_OPTIONS (options of pidone; see 'pidone --help')
";

pub(super) const DUMB_INIT_HELP: &str = "\
This is pidone under the name of dumb-init.

Usage: dumb-init [OPTIONS] [--] COMMAND [ARG...]

  -c, --single-child     no session of its own for the command, and signals for it alone
  -r, --rewrite FROM:TO  forward signal TO where FROM came, by number; TO 0 drops it; repeatable
  -v, --verbose          say on stderr what is done
  -V, --version          the version
  -h, --help             this text

Environment: DUMB_INIT_SETSID=0 (as -c), DUMB_INIT_DEBUG=1 (as -v), PIDONE_OPTIONS (options of pidone; see
'pidone --help')
";

pub(super) const CATATONIT_HELP: &str = "\
This is pidone under the name of catatonit.

Usage: catatonit [OPTIONS] [--] COMMAND [ARG...]
       catatonit -P

  -g             forward signals to the command's process group
  -P             no command: only reap, until SIGTERM or SIGINT
  -L             the license
  -V, --version  the version
  -h, --help     this text

Environment: CATATONIT_DEBUG (say on stderr what is done), PIDONE_OPTIONS (options of pidone; see 'pidone --help')
";
