//! Runs in: outer or init, before anything else. The texts of `-h`, `--help` and `--version`, made from the table.

use super::inspect;
use super::options::{self, Doc, Group};
use super::personality_texts::{
    CATATONIT_HELP, CATATONIT_VERSION, DUMB_INIT_HELP, DUMB_INIT_VERSION, LICENSE, TINI_HELP, TINI_VERSION,
};
use crate::packed::packed;
use crate::request::{Output, Text};

/// Widest line, in columns.
const WIDTH: usize = 100;
/// Column at which summaries begin; a longer usage takes a line of its own.
const COLUMN: usize = 30;

impl Doc<'_> {
    /// `-g, --group` or `--proc fresh|bind|none`.
    pub(super) fn usage(&self) -> String {
        let mut usage = String::new();
        if let Some(short) = self.short {
            usage.extend(['-', short, ',', ' ']);
        }
        let space = if self.value.is_empty() || self.value.starts_with("[=") { "" } else { " " };
        usage + "--" + self.long + space + self.value
    }
}

/// Lines that are made of pieces, and are no wider than `WIDTH`.
struct Lines<'a> {
    text: &'a mut String,
    /// The column at which they begin.
    indent: usize,
    /// What stands between pieces.
    gap: &'static str,
    /// Where the present one ends; 0 before its first piece.
    column: usize,
}

impl Lines<'_> {
    fn push(&mut self, piece: &str) {
        if self.column > 0 && self.column + self.gap.len() + piece.len() > WIDTH {
            self.end();
        }
        if self.column == 0 {
            push_spaces(self.text, self.indent);
            self.column = self.indent;
        } else {
            self.text.push_str(self.gap);
            self.column += self.gap.len();
        }
        self.text.push_str(piece);
        self.column += piece.len();
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }
}

fn push_spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

/// A line or two for the option and its summary, and below it what else there is to know.
pub(super) fn push_option(text: &mut String, option: &Doc<'_>) {
    let usage = option.usage();
    let indent = if option.short.is_some() { 2 } else { 6 };
    push_spaces(text, indent);
    text.push_str(&usage);
    match COLUMN.checked_sub(indent + usage.len()) {
        Some(gap @ 1..) => push_spaces(text, gap),
        _ => {
            text.push('\n');
            push_spaces(text, COLUMN);
        }
    }
    text.push_str(option.summary);
    text.push('\n');
    if !option.more.is_empty() {
        let mut lines = Lines { text, indent: COLUMN, gap: " ", column: 0 };
        option.more.split(' ').for_each(|word| lines.push(word));
        lines.end();
    }
}

/// The heading of the option's group, if it is the first of it.
fn push_heading(text: &mut String, group: &mut Option<Group>, option: &Doc<'_>) {
    if *group != Some(option.group) {
        text.push_str(option.group.heading());
        text.push_str(":\n");
        *group = Some(option.group);
    }
}

pub(super) const USAGE: &str = "\
pidone gives any command a correct PID 1: it reaps zombies, forwards every signal once, mirrors the
exit.

Usage: pidone [OPTIONS] [--] COMMAND [ARG...]
";

/// What `-h` prints: one screen.
fn short() -> String {
    let mut text = String::from(packed!(USAGE));
    let mut group = None;
    let mut column = 0;
    for (_, option) in options::all("") {
        if group != Some(option.group) {
            text.push('\n');
            column = 0;
        }
        push_heading(&mut text, &mut group, &option);
        let mut lines = Lines { text: &mut text, indent: 2, gap: "  ", column };
        lines.push(&option.usage());
        column = lines.column;
    }
    packed!(SHORT_END).push_to(&mut text);
    text
}

const SHORT_END: &str = "

Exit status: the command's own, 128+N if signal N killed it; 125 pidone failed, 126 command not
runnable, 127 not found. 'pidone --help' tells more and shows examples.
";

/// What `--help` prints: options in groups, exit statuses, environment, examples.
fn long() -> String {
    let mut text = String::from(packed!(USAGE));
    packed!(PLACES).push_to(&mut text);
    let mut group = None;
    let docs = options::docs();
    for (_, option) in options::all(&docs) {
        if group != Some(option.group) {
            text.push('\n');
        }
        push_heading(&mut text, &mut group, &option);
        push_option(&mut text, &option);
    }
    packed!(EXIT_STATUS).push_to(&mut text);
    packed!(ENVIRONMENT).push_to(&mut text);
    packed!(EXAMPLES).push_to(&mut text);
    text
}

/// What `--version` prints.
const VERSION: &str = concat!("pidone ", env!("CARGO_PKG_VERSION"), "\n");

/// Where a text goes, and what it says.
pub(crate) fn words_of(text: Text) -> (Output, String) {
    let output = match text {
        Text::DumbInitHelp | Text::DumbInitVersion | Text::CatatonitHelp => Output::Stderr,
        _ => Output::Stdout,
    };
    let packed = match text {
        Text::ShortHelp => return (output, short()),
        Text::LongHelp => return (output, long()),
        Text::InspectHelp => return (output, inspect::help()),
        Text::Version => packed!(VERSION),
        Text::License => packed!(LICENSE),
        Text::TiniHelp => packed!(TINI_HELP),
        Text::TiniVersion => packed!(TINI_VERSION),
        Text::DumbInitHelp => packed!(DUMB_INIT_HELP),
        Text::DumbInitVersion => packed!(DUMB_INIT_VERSION),
        Text::CatatonitHelp => packed!(CATATONIT_HELP),
        Text::CatatonitVersion => packed!(CATATONIT_VERSION),
    };
    (output, packed.into())
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
