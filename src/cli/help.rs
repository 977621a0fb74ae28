//! Runs in: outer or init, before anything else. The texts of `-h`, `--help` and `--version`, made from the table.

use super::options::{OPTIONS, OptionDoc};
use std::fmt::Write as _;

/// Widest line, in columns.
const WIDTH: usize = 100;
/// Column at which summaries begin; a longer usage takes a line of its own.
const COLUMN: usize = 30;

impl OptionDoc {
    /// `-g, --group` or `--proc fresh|bind|none`.
    pub(super) fn usage(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short}, "));
        let space = if self.value.is_empty() || self.value.starts_with("[=") { "" } else { " " };
        format!("{short}--{}{space}{}", self.long, self.value)
    }
}

/// Appends `pieces` with `gap` between them, in lines that begin at column `indent` and are no wider than `WIDTH`.
fn push_wrapped<'a>(text: &mut String, indent: usize, gap: &str, pieces: impl Iterator<Item = &'a str>) {
    let mut column = 0;
    for piece in pieces {
        if column > 0 && column + gap.len() + piece.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        let space = if column == 0 { indent } else { 0 };
        let gap = if column == 0 { "" } else { gap };
        // Writing to a String cannot fail.
        let _ = write!(text, "{:space$}{gap}{piece}", "");
        column += space + gap.len() + piece.len();
    }
    text.push('\n');
}

/// A line or two for the option and its summary, and below it what else there is to know.
pub(super) fn push_option(text: &mut String, option: &OptionDoc) {
    let short_or_gap = if option.short.is_some() { "  " } else { "      " };
    let usage = format!("{short_or_gap}{}", option.usage());
    // Writing to a String cannot fail.
    let _ = if usage.len() < COLUMN {
        writeln!(text, "{usage:COLUMN$}{}", option.summary)
    } else {
        writeln!(text, "{usage}\n{:COLUMN$}{}", "", option.summary)
    };
    if !option.more.is_empty() {
        push_wrapped(text, COLUMN, " ", option.more.split(' '));
    }
}

/// The options by their groups, with a heading above each.
fn push_groups(text: &mut String, gap: &str, mut push: impl FnMut(&mut String, &[&OptionDoc])) {
    let mut rest = OPTIONS;
    while let Some(first) = rest.first() {
        let group: Vec<_> = rest.iter().take_while(|option| option.group == first.group).collect();
        let _ = writeln!(text, "{gap}{}:", first.group.heading());
        push(text, &group);
        rest = rest.get(group.len()..).unwrap_or_default();
    }
}

pub(super) const USAGE: &str = "\
pidone gives any command a correct PID 1: it reaps zombies, forwards every signal once, mirrors the
exit.

Usage: pidone [OPTIONS] [--] COMMAND [ARG...]
";

/// What `-h` prints: one screen.
pub(crate) fn short() -> String {
    let mut text = USAGE.to_owned() + "\n";
    push_groups(&mut text, "", |text, group| {
        let usages: Vec<_> = group.iter().map(|option| option.usage()).collect();
        push_wrapped(text, 2, "  ", usages.iter().map(String::as_str));
    });
    text + "\nExit status: the command's own, 128+N if signal N killed it; 125 pidone failed, 126 command not\n\
        runnable, 127 not found. 'pidone --help' tells more and shows examples.\n"
}

/// What `--help` prints: options in groups, exit statuses, environment, examples.
pub(crate) fn long() -> String {
    let mut text = format!("{USAGE}{PLACES}");
    push_groups(&mut text, "\n", |text, group| group.iter().for_each(|option| push_option(text, option)));
    text + EXIT_STATUS + ENVIRONMENT + EXAMPLES
}

/// What `--version` prints.
pub(crate) fn version() -> String {
    format!("pidone {}\n", env!("CARGO_PKG_VERSION"))
}

pub(super) const PLACES: &str = "       pidone run [OPTIONS] [--] COMMAND [ARG...]
       pidone enter PID|DIR [OPTIONS] [--] [COMMAND [ARG...]]
       pidone probe [OPTIONS] [--] COMMAND [ARG...]
       pidone release DIR
       pidone inspect [PID] [--json] [--tree] [--watch [SECONDS]]
       pidone install-names DIR

As PID 1, as in a container, pidone supervises COMMAND in place. Anywhere else it first makes a new
PID namespace with a fresh /proc and becomes PID 1 there. Options end at the first other word.

enter runs COMMAND, or the login shell, in the namespaces of a process, or in those that --persist
has kept in DIR; release drops these.

probe runs COMMAND again and again in throw-away namespaces, as PID 1 and under pidone, to see what
signals and orphans do to it. It exits with 0 if COMMAND is safe as PID 1, with 1 if it needs an
init, and with 125 if that could not be told.

inspect shows what a process is as an init: namespaces, signals, zombies, and what is wrong;
'pidone inspect --help' tells more.

install-names makes links to pidone in DIR: tini, tini-static, docker-init, dumb-init, catatonit.
Called by one of these names pidone takes the command line and the environment of that program.
";

pub(super) const EXIT_STATUS: &str = "
Exit status:
  0-255  the command's own
  125    pidone itself failed, wrong usage included
  126    the command was found but cannot be run
  127    the command was not found
  128+N  signal N killed the command. Outside the new namespaces pidone dies by signal N itself,
         which a shell shows as 128+N too.
";

pub(super) const ENVIRONMENT: &str = "
Environment:
  PIDONE_OPTIONS  options read before those of the command line, split as a shell splits words
  RUST_LOG        what to log on stderr, such as info or debug
  LISTEN_PID, LISTEN_PIDFDID  made to name the command where they named pidone (sd_listen_fds(3))
";

pub(super) const EXAMPLES: &str = "
Examples:
  ENTRYPOINT [\"/pidone\", \"--\"]             in a Dockerfile: whatever CMD says gets a correct PID 1
  pidone --uid www --stop-timeout 8s -- ./server
                                            as www; killed if it outlives SIGTERM by 8 s
  pidone -- ps -ef                          as root: only pidone and ps are there to be seen
  pidone --map-root -- sh                   the same as an ordinary user, who is root inside
  pidone enter 4711 -- ps -ef               what process 4711 sees, with its root and cwd
  pidone probe -- ./server                  does it need an init in a container?
  pidone --in-place -v -- ./server          no namespaces: adopt and reap orphans, log each signal
  pidone --as-pid1 -- sh -c 'kill -TERM $$; echo PID $$ is still here'
                                            what PID 1 does with a signal it has no handler for
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::Group;

    #[test]
    fn the_short_help_fits_one_screen() {
        assert!(short().lines().count() <= 40, "{}", short());
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        for line in short().lines().chain(long().lines()) {
            assert!(line.len() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn groups_stand_together() {
        let headings = long().matches("New namespaces").count();
        assert_eq!(headings, 1);
        for group in [
            Group::Place,
            Group::Namespaces,
            Group::Files,
            Group::Signals,
            Group::Stopping,
            Group::Identity,
            Group::General,
        ] {
            assert_eq!(long().matches(&format!("\n{}:\n", group.heading())).count(), 1);
        }
    }

    #[test]
    fn the_exit_table_names_the_statuses_of_the_code() {
        let codes = crate::exit::Codes::PIDONE;
        for status in [codes.failed, codes.not_runnable, codes.not_found] {
            assert!(long().contains(&format!("\n  {status}    ")), "{status}");
        }
    }
}
