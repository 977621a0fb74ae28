//! Runs in: outer or init, before anything else. The texts of `-h`, `--help` and `--version`, made from one table.

use std::fmt::Write as _;

/// One option: how it is spelled, and what it does.
pub(crate) struct OptionDoc {
    /// The heading it stands under in the long text.
    group: &'static str,
    short: Option<char>,
    long: &'static str,
    /// The words it takes as its value, or the form of it; none if it takes no value.
    pub(crate) values: &'static [&'static str],
    /// One line, for `-h`; the long text has `more` below it.
    summary: &'static str,
    more: &'static [&'static str],
}

const PLACE: &str = "Where the command runs";
const NAMESPACES: &str = "New namespaces (not with --in-place)";
const SIGNALS: &str = "Signals and exit";
const GENERAL: &str = "General";

/// Every option, in the order in which help shows them.
pub(crate) const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        group: PLACE,
        short: None,
        long: "in-place",
        values: &[],
        summary: "no new namespaces: be init here (default as PID 1)",
        more: &["Where pidone is not PID 1 it becomes a child subreaper. Needs no", "privilege."],
    },
    OptionDoc {
        group: PLACE,
        short: None,
        long: "isolate",
        values: &[],
        summary: "be PID 1 of new PID and mount namespaces (default elsewhere)",
        more: &["Needs CAP_SYS_ADMIN, or --map-root, or --map-current."],
    },
    OptionDoc {
        group: PLACE,
        short: None,
        long: "as-pid1",
        values: &[],
        summary: "like --isolate, but the command itself is PID 1",
        more: &[
            "For programs that must be PID 1. It then has to reap, and signals",
            "that it has no handler for are dropped.",
        ],
    },
    OptionDoc {
        group: NAMESPACES,
        short: None,
        long: "map-root",
        values: &[],
        summary: "also a new user namespace, in which you are root",
        more: &["Makes the new namespaces possible without privilege."],
    },
    OptionDoc {
        group: NAMESPACES,
        short: None,
        long: "map-current",
        values: &[],
        summary: "also a new user namespace, in which you keep your ids",
        more: &[],
    },
    OptionDoc {
        group: NAMESPACES,
        short: None,
        long: "proc",
        values: &["fresh", "bind", "none"],
        summary: "what to mount at /proc (default fresh)",
        more: &[
            "fresh: a new one, which shows the new PID namespace only",
            "bind:  the caller's, for where a masked /proc forbids a fresh one",
            "none:  nothing",
        ],
    },
    OptionDoc {
        group: NAMESPACES,
        short: None,
        long: "propagation",
        values: &["private", "slave", "shared", "unchanged"],
        summary: "how mounts travel in and out (default private)",
        more: &["private: not at all; slave: only in; shared: both;", "unchanged: as each mount was"],
    },
    OptionDoc {
        group: NAMESPACES,
        short: None,
        long: "no-die-with-parent",
        values: &[],
        summary: "let the inside live on when pidone outside is killed",
        more: &[],
    },
    OptionDoc {
        group: SIGNALS,
        short: Some('g'),
        long: "group",
        values: &[],
        summary: "forward signals to the command's whole process group",
        more: &["By default only the command itself gets them."],
    },
    OptionDoc {
        group: SIGNALS,
        short: None,
        long: "rewrite",
        values: &["FROM:TO"],
        summary: "forward TO where FROM came; TO 0 drops it",
        more: &["Repeatable. Names with or without SIG, numbers, RTMIN+3, RTMAX-1."],
    },
    OptionDoc {
        group: SIGNALS,
        short: None,
        long: "ignore",
        values: &["SIG"],
        summary: "do not forward SIG; the same as --rewrite SIG:0",
        more: &[],
    },
    OptionDoc {
        group: SIGNALS,
        short: None,
        long: "map-exit",
        values: &["FROM:TO"],
        summary: "exit with TO where the command's status is FROM",
        more: &["Repeatable. 143:0 makes a death by SIGTERM a success."],
    },
    OptionDoc {
        group: GENERAL,
        short: Some('v'),
        long: "verbose",
        values: &[],
        summary: "say on stderr what is done; -vv and -vvv say more",
        more: &["RUST_LOG (error, warn, info, debug, trace) does the same."],
    },
    OptionDoc {
        group: GENERAL,
        short: Some('h'),
        long: "help",
        values: &[],
        summary: "-h: this summary; --help: all there is to know",
        more: &[],
    },
    OptionDoc {
        group: GENERAL,
        short: None,
        long: "version",
        values: &[],
        summary: "print the version",
        more: &[],
    },
];

impl OptionDoc {
    /// `-g` and `--group`, or only the long one.
    #[cfg(test)]
    pub(crate) fn spellings(&self) -> Vec<String> {
        let long = format!("--{}", self.long);
        self.short.map(|short| format!("-{short}")).into_iter().chain([long]).collect()
    }

    /// `  -g, --group` or `      --proc fresh|bind|none`.
    fn usage(&self) -> String {
        let short = self.short.map_or("    ".into(), |short| format!("-{short}, "));
        let value = if self.values.is_empty() { String::new() } else { format!(" {}", self.values.join("|")) };
        format!("  {short}--{}{value}", self.long)
    }
}

/// Column at which summaries begin; a longer usage takes a line of its own.
const COLUMN: usize = 30;

fn push_option(text: &mut String, option: &OptionDoc) {
    let usage = option.usage();
    // Writing to a String cannot fail.
    let _ = if usage.len() < COLUMN {
        writeln!(text, "{usage:COLUMN$}{}", option.summary)
    } else {
        writeln!(text, "{usage}\n{:COLUMN$}{}", "", option.summary)
    };
}

const USAGE: &str = "\
pidone gives any command a correct PID 1: it reaps zombies, forwards every signal once, mirrors the
exit.

Usage: pidone [OPTIONS] [--] COMMAND [ARG...]
";

/// What `-h` prints: one screen.
pub(crate) fn short() -> String {
    let mut text = format!("{USAGE}\n");
    for option in OPTIONS {
        push_option(&mut text, option);
    }
    text + "\nExit status: the command's own, 128+N if signal N killed it; 125 pidone failed, 126 command not\n\
        runnable, 127 not found. 'pidone --help' tells more and shows examples.\n"
}

/// What `--help` prints: options in groups, exit statuses, environment, examples.
pub(crate) fn long() -> String {
    let mut text = format!("{USAGE}{PLACES}");
    let mut group = "";
    for option in OPTIONS {
        if option.group != group {
            group = option.group;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n{group}:");
        }
        push_option(&mut text, option);
        for line in option.more {
            let _ = writeln!(text, "{:COLUMN$}{line}", "");
        }
    }
    text + EXIT_STATUS + ENVIRONMENT + EXAMPLES
}

/// What `--version` prints.
pub(crate) fn version() -> String {
    format!("pidone {}\n", env!("CARGO_PKG_VERSION"))
}

const PLACES: &str = "       pidone run [OPTIONS] [--] COMMAND [ARG...]

As PID 1, as in a container, pidone supervises COMMAND in place. Anywhere else it first makes a new
PID namespace with a fresh /proc and becomes PID 1 there. Options end at the first other word.
";

const EXIT_STATUS: &str = "
Exit status:
  0-255  the command's own
  125    pidone itself failed, wrong usage included
  126    the command was found but cannot be run
  127    the command was not found
  128+N  signal N killed the command. Outside the new namespaces pidone dies by signal N itself,
         which a shell shows as 128+N too.
";

const ENVIRONMENT: &str = "
Environment:
  PIDONE_OPTIONS  options read before those of the command line, split as a shell splits words
  RUST_LOG        what to log on stderr, such as info or debug
  LISTEN_PID, LISTEN_PIDFDID  made to name the command where they named pidone (sd_listen_fds(3))
";

const EXAMPLES: &str = "
Examples:
  ENTRYPOINT [\"/pidone\", \"--\"]             in a Dockerfile: whatever CMD says gets a correct PID 1
  pidone -- ps -ef                          as root: only pidone and ps are there to be seen
  pidone --map-root -- sh                   the same as an ordinary user, who is root inside
  pidone --in-place -v -- ./server          no namespaces: adopt and reap orphans, log each signal
  pidone --as-pid1 -- sh -c 'kill -TERM $$; echo PID $$ is still here'
                                            what PID 1 does with a signal it has no handler for
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_help_fits_one_screen() {
        assert!(short().lines().count() <= 24, "{}", short());
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        for line in short().lines().chain(long().lines()) {
            assert!(line.len() <= 100, "{line}");
        }
    }

    #[test]
    fn the_exit_table_names_the_statuses_of_the_code() {
        for status in [crate::exit::PIDONE_FAILED, crate::exit::NOT_RUNNABLE, crate::exit::NOT_FOUND] {
            assert!(long().contains(&format!("\n  {status}    ")), "{status}");
        }
    }
}
