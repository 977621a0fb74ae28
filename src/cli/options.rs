//! Runs in: outer or init, before anything else. The table of all options, which the parser and the help texts share.
//!
//! Past 300 lines for the table.

use crate::packed::packed;

/// The list of a command line's options: a table, and an enum of them in the same order.
macro_rules! options {
    ($($name:ident => $doc:expr,)*) => {
        /// Every option, by its long name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name { $($name,)* }

        impl Name {
            pub(super) const ALL: &[Name] = &[$(Name::$name,)*];
        }

        /// Every option, in the order in which help shows them.
        pub(crate) const OPTIONS: &[OptionDoc] = &[$($doc,)*];
    };
}
pub(super) use options;

/// One option: how it is spelled, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doc<'a> {
    pub(crate) group: Group,
    pub(crate) short: Option<char>,
    /// Without the dashes.
    pub(crate) long: &'static str,
    /// The form of its value; empty if it takes none, and in brackets if it need not have one.
    pub(crate) value: &'static str,
    /// One line.
    pub(crate) summary: &'a str,
    /// What else there is to know; may be empty.
    pub(crate) more: &'a str,
}

/// As it stands in a table.
pub(crate) type OptionDoc = Doc<'static>;

/// The headings that options stand under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Place,
    Namespaces,
    Files,
    Signals,
    Stopping,
    Identity,
    Enter,
    Probe,
    General,
}

impl Group {
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Group::Place => "Where the command runs",
            Group::Namespaces => "New namespaces",
            Group::Files => "What the command finds in the file system",
            Group::Signals => "Signals and exit status",
            Group::Stopping => "Stopping",
            Group::Identity => "Who the command is, and with what",
            Group::Enter => "For 'pidone enter'",
            Group::Probe => "For 'pidone probe'",
            Group::General => "General",
        }
    }
}

impl<'a> Doc<'a> {
    pub(super) const fn flag(group: Group, long: &'static str, summary: &'a str, more: &'a str) -> Self {
        Doc { group, short: None, long, value: "", summary, more }
    }

    pub(super) const fn value(
        group: Group,
        long: &'static str,
        value: &'static str,
        summary: &'a str,
        more: &'a str,
    ) -> Self {
        Doc { group, short: None, long, value, summary, more }
    }

    const fn texts(&self) -> [&'a str; 4] {
        [self.long, self.value, self.summary, self.more]
    }

    pub(super) const fn or(self, short: char) -> Self {
        Doc { short: Some(short), ..self }
    }

    /// `-g` and `--group`, or only the long one.
    #[cfg(test)]
    pub(crate) fn spellings(&self) -> Vec<String> {
        let long = format!("--{}", self.long);
        self.short.map(|short| format!("-{short}")).into_iter().chain([long]).collect()
    }
}

// How the table stands in the program: a reference to each text would weigh as much as what it refers to.

/// Names and forms of values, one after the other.
const NAMES: &str = text(&joined::<{ length(0, "") }>(0, ""));

/// Summaries and what else there is to know, each on a line.
const DOCS: &str = text(&joined::<{ length(2, "\n") }>(2, "\n"));

struct Entry {
    group: Group,
    /// 0 for none.
    short: u8,
    /// Of name and value.
    lengths: [u8; 2],
}

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "done by the compiler, which checks it"
)]
static ENTRIES: [Entry; OPTIONS.len()] = {
    let mut entries = [const { Entry { group: Group::Place, short: 0, lengths: [0; 2] } }; OPTIONS.len()];
    let mut option = 0;
    while option < OPTIONS.len() {
        let Doc { group, short, long, value, .. } = OPTIONS[option];
        assert!(long.len() + value.len() <= u8::MAX as usize);
        let short = if let Some(short) = short { short as u8 } else { 0 };
        entries[option] = Entry { group, short, lengths: [long.len() as u8, value.len() as u8] };
        option += 1;
    }
    entries
};

const fn text(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// Two texts of each option, from the given one on.
#[allow(clippy::indexing_slicing, reason = "done by the compiler, which checks it")]
const fn joined<const LENGTH: usize>(from: usize, end: &str) -> [u8; LENGTH] {
    let mut joined = [0; LENGTH];
    let mut rest: &mut [u8] = &mut joined;
    let mut text = 0;
    while text < 2 * OPTIONS.len() {
        let parts = [OPTIONS[text / 2].texts()[from + text % 2], end];
        let mut part = 0;
        while part < parts.len() {
            let (place, others) = rest.split_at_mut(parts[part].len());
            place.copy_from_slice(parts[part].as_bytes());
            rest = others;
            part += 1;
        }
        text += 1;
    }
    joined
}

#[allow(clippy::indexing_slicing, reason = "done by the compiler, which checks it")]
const fn length(from: usize, end: &str) -> usize {
    let (mut text, mut length) = (0, 0);
    while text < 2 * OPTIONS.len() {
        length += OPTIONS[text / 2].texts()[from + text % 2].len() + end.len();
        text += 1;
    }
    length
}

/// What `all` takes for the texts that people read; without it they are empty.
pub(super) fn docs() -> String {
    packed!(DOCS).into()
}

/// The options in their order.
pub(super) fn all(docs: &str) -> impl Iterator<Item = (Name, Doc<'_>)> {
    let (mut names, mut docs) = (NAMES, docs.split('\n'));
    Name::ALL.iter().zip(&ENTRIES).map(move |(name, entry)| {
        let [long, value] = entry.lengths.map(|length| {
            let (text, others) = names.split_at_checked(length.into()).unwrap_or_default();
            names = others;
            text
        });
        let [summary, more] = [(); 2].map(|()| docs.next().unwrap_or_default());
        let short = Some(entry.short).filter(|short| *short != 0).map(char::from);
        (*name, Doc { group: entry.group, short, long, value, summary, more })
    })
}

/// The first one that it is.
#[inline(never)]
pub(super) fn find<'a>(docs: &'a str, is_it: &dyn Fn(Name, &Doc<'_>) -> bool) -> Option<(Name, Doc<'a>)> {
    all(docs).find(|(name, option)| is_it(*name, option))
}

/// How to write one, for who did not.
pub(super) fn form(name: Name) -> String {
    let docs = docs();
    find(&docs, &|known, _| known == name).map(|(_, option)| option.form()).unwrap_or_default()
}

options! {
    InPlace => OptionDoc::flag(Group::Place, "in-place", "no new namespaces: be init here (default as PID 1)",
        "Where pidone is not PID 1 it becomes a child subreaper. Needs no privilege."),
    Isolate => OptionDoc::flag(Group::Place, "isolate", "be PID 1 of new PID and mount namespaces (default elsewhere)",
        "Needs CAP_SYS_ADMIN, or --map-root, or --map-current."),
    AsPid1 => OptionDoc::flag(Group::Place, "as-pid1", "like --isolate, but the command itself is PID 1",
        "For programs that must be PID 1. It then has to reap, and signals that it has no handler for are dropped."),
    Pause => OptionDoc::flag(Group::Place, "pause", "no command: only reap, until SIGTERM or SIGINT",
        "Then exit with 0. For the container that holds a pod's PID namespace."),

    Uts => OptionDoc::flag(Group::Namespaces, "uts", "also a new UTS namespace, for a host name of its own", ""),
    Ipc => OptionDoc::flag(Group::Namespaces, "ipc", "also a new IPC namespace: System V IPC, POSIX message queues", ""),
    Net => OptionDoc::flag(Group::Namespaces, "net", "also a new network namespace, in which only lo is, and up", ""),
    User => OptionDoc::flag(Group::Namespaces, "user", "also a new user namespace",
        "You keep your ids in it, unless a --map option says otherwise. Makes the other namespaces possible without \
         privilege."),
    Cgroup => OptionDoc::flag(Group::Namespaces, "cgroup", "also a new cgroup namespace, whose root is the present cgroup", ""),
    Time => OptionDoc::flag(Group::Namespaces, "time", "also a new time namespace", ""),
    All => OptionDoc::flag(Group::Namespaces, "all", "new namespaces of all eight kinds", ""),
    Hostname => OptionDoc::value(Group::Namespaces, "hostname", "NAME", "the host name in a new UTS namespace", "Of 64 bytes at most. Implies --uts."),
    Domainname => OptionDoc::value(Group::Namespaces, "domainname", "NAME", "the NIS domain name in a new UTS namespace",
        "Of 64 bytes at most. Implies --uts."),
    Monotonic => OptionDoc::value(Group::Namespaces, "monotonic", "SECONDS", "set CLOCK_MONOTONIC ahead by SECONDS",
        "In a new time namespace, which it implies. At most 292 years; negative is behind; fractions, to the nanosecond, \
         are allowed."),
    Boottime => OptionDoc::value(Group::Namespaces, "boottime", "SECONDS", "set CLOCK_BOOTTIME, and so the uptime, ahead by SECONDS",
        "In a new time namespace, which it implies. At most 292 years; negative is behind; fractions, to the nanosecond, \
         are allowed."),
    MapRoot => OptionDoc::flag(Group::Namespaces, "map-root", "be root in a new user namespace",
        "This and the following imply --user."),
    MapCurrent => OptionDoc::flag(Group::Namespaces, "map-current", "keep your ids in a new user namespace", ""),
    MapUsers => OptionDoc::value(Group::Namespaces, "map-users", "IN:OUT:COUNT", "map COUNT users, from OUT, to those from IN",
        "Repeatable. An ordinary user can map what /etc/subuid gives it, by newuidmap(1)."),
    MapGroups => OptionDoc::value(Group::Namespaces, "map-groups", "IN:OUT:COUNT", "map COUNT groups, from OUT, to those from IN",
        "Repeatable. An ordinary user can map what /etc/subgid gives it, by newgidmap(1)."),
    MapAuto => OptionDoc::flag(Group::Namespaces, "map-auto", "map all that /etc/subuid and /etc/subgid give you",
        "From id 1 on, with you as root; or as you, with --map-current."),
    Proc => OptionDoc::value(Group::Namespaces, "proc", "fresh|bind|none", "what to mount at /proc (default fresh)",
        "fresh: a new one, which shows the new PID namespace only; bind: the caller's, for where a masked /proc forbids \
         a fresh one; none: nothing."),
    Propagation => OptionDoc::value(Group::Namespaces, "propagation", "private|slave|shared|unchanged",
        "how mounts travel in and out (default private)",
        "private: not at all; slave: only in; shared: both; unchanged: as each mount was."),
    Persist => OptionDoc::value(Group::Namespaces, "persist", "DIR", "keep the new namespaces as files in DIR when all inside has ended",
        "For 'pidone enter DIR', until 'pidone release DIR'."),
    NoDieWithParent => OptionDoc::flag(Group::Namespaces, "no-die-with-parent", "let the inside live on when pidone outside is killed", ""),

    Rootfs => OptionDoc::value(Group::Files, "rootfs", "DIR", "make DIR the root directory, and nothing else reachable",
        "The command starts in its /, and gets a /proc there (--proc). Users and groups are those of its /etc."),
    Bind => OptionDoc::value(Group::Files, "bind", "SRC:DST", "have the caller's SRC, and what is mounted in it, at DST",
        "This and all below are done in the order given. DST is absolute, made where missing, and cannot lead out of the \
         root. The last colon divides."),
    RoBind => OptionDoc::value(Group::Files, "ro-bind", "SRC:DST", "the same, read-only, with what is mounted in it", ""),
    Tmpfs => OptionDoc::value(Group::Files, "tmpfs", "DST[:SIZE]", "an empty file system in memory at DST",
        "SIZE is bytes, with k, m or g, or a percentage of memory."),
    Dev => OptionDoc::value(Group::Files, "dev", "DST", "a minimal /dev at DST",
        "With null, zero, full, random, urandom, tty, ptmx, pts, shm, and links to /proc/self/fd."),
    ProcAt => OptionDoc::value(Group::Files, "proc-at", "DST", "a fresh procfs at DST", ""),
    Mask => OptionDoc::value(Group::Files, "mask", "PATH", "put an empty directory, or the null device, over PATH", ""),
    ReadOnly => OptionDoc::flag(Group::Files, "read-only", "make the root file system read-only, but not what is mounted in it", ""),

    Group => OptionDoc::flag(Group::Signals, "group", "forward signals to the command's whole process group",
        "By default only the command itself gets them.").or('g'),
    NewSession => OptionDoc::flag(Group::Signals, "new-session", "give the command a session of its own",
        "With the terminal as its controlling one, if it can be had; if not, keys of the terminal reach it through \
         pidone, and Ctrl-Z as SIGSTOP."),
    Rewrite => OptionDoc::value(Group::Signals, "rewrite", "FROM:TO", "forward TO where FROM came; TO 0 drops it",
        "Repeatable. Names with or without SIG, numbers, RTMIN+3, RTMAX-1."),
    Ignore => OptionDoc::value(Group::Signals, "ignore", "SIG", "do not forward SIG; the same as --rewrite SIG:0",
        "A key of the terminal reaches the command directly, and so is not ignored."),
    Pdeathsig => OptionDoc::value(Group::Signals, "pdeathsig", "SIG", "forward SIG when the process that started pidone dies",
        "That process, and not just the thread that made pidone. KILL kills the command."),
    MapExit => OptionDoc::value(Group::Signals, "map-exit", "FROM:TO", "exit with TO where the command's status is FROM",
        "Repeatable. 143:0 makes a death by SIGTERM a success."),

    StopTimeout => OptionDoc::value(Group::Stopping, "stop-timeout", "DUR", "SIGKILL to a command that still runs DUR after a stop signal",
        "A stop signal is a SIGTERM, SIGINT, SIGQUIT or SIGHUP that is forwarded, as itself or rewritten. \
         DUR is 10s, 500ms, 2m, 1h, or seconds; 0 kills at once."),
    StopDelay => OptionDoc::value(Group::Stopping, "stop-delay", "DUR", "hold a stop signal back for DUR; a second one ends the wait",
        "For a load balancer that needs a moment to look elsewhere."),
    StopAll => OptionDoc::flag(Group::Stopping, "stop-all", "send a stop signal to every process, not to the command alone",
        "In place and not PID 1: to all descendants."),
    OnExit => OptionDoc::value(Group::Stopping, "on-exit", "kill|term|wait", "what becomes of the others when the command is gone",
        "kill (default): SIGKILL at once; term: SIGTERM, and SIGKILL after --stop-timeout (default 10s); wait: they may \
         end by themselves, and signals to pidone go to all of them."),

    Uid => OptionDoc::value(Group::Identity, "uid", "USER[:GROUP]", "run as USER, by name or number",
        "Names are those of /etc/passwd and /etc/group. A USER that stands there brings group, supplementary groups and \
         HOME along, unless these are given; any other keeps group and HOME, and has no supplementary groups."),
    Gid => OptionDoc::value(Group::Identity, "gid", "GROUP", "run with this group, by name or number", ""),
    Groups => OptionDoc::value(Group::Identity, "groups", "LIST|none|init", "supplementary groups: these, none, or USER's",
        "LIST has commas between names or numbers."),
    NoNewPrivs => OptionDoc::flag(Group::Identity, "no-new-privs", "no exec grants privileges any more (set-user-ID, capabilities)", ""),
    DropCaps => OptionDoc::value(Group::Identity, "drop-caps", "LIST|all", "take these capabilities away, from all five sets",
        "Such as net_raw,sys_admin. Repeatable; wins over --keep-caps, but for all. Takes CAP_SETPCAP."),
    KeepCaps => OptionDoc::value(Group::Identity, "keep-caps", "LIST", "have these capabilities in all five sets, and no others",
        "Repeatable. Such as pidone itself has; they stay also with --uid of an ordinary user."),
    Umask => OptionDoc::value(Group::Identity, "umask", "MODE", "file mode creation mask, octal", ""),
    Workdir => OptionDoc::value(Group::Identity, "workdir", "DIR", "start in DIR, with the rights of USER", ""),
    Env => OptionDoc::value(Group::Identity, "env", "NAME=VALUE", "set this variable",
        "Repeatable; this and the next two act in the order given. PATH also decides where the command is looked for."),
    UnsetEnv => OptionDoc::value(Group::Identity, "unset-env", "NAME", "take this variable away", ""),
    ClearEnv => OptionDoc::flag(Group::Identity, "clear-env", "take all variables away", ""),
    Argv0 => OptionDoc::value(Group::Identity, "argv0", "NAME", "what the command finds as its own name", ""),
    Nice => OptionDoc::value(Group::Identity, "nice", "N", "scheduling priority, from -20 (first) to 19", ""),
    Rlimit => OptionDoc::value(Group::Identity, "rlimit", "NAME=SOFT[:HARD]", "limit a resource, such as nofile=1024:4096",
        "Repeatable. Names as in prlimit(1); a number or unlimited. SOFT alone sets both; SOFT: and :HARD one of them."),
    OomScoreAdj => OptionDoc::value(Group::Identity, "oom-score-adj", "N", "who goes first when memory runs out: -1000 to 1000 (first)", ""),

    Ns => OptionDoc::value(Group::Enter, "ns", "FILE", "enter the namespace of this file, in place of a TARGET", "Repeatable."),
    Only => OptionDoc::value(Group::Enter, "only", "LIST", "enter these kinds alone, such as pid,mnt",
        "By default all in which TARGET differs: user pid mnt uts ipc net cgroup time."),

    Signals => OptionDoc::value(Group::Probe, "signals", "LIST|all", "try these, such as TERM,INT (default TERM INT HUP QUIT USR1 USR2)",
        "all is every one that is forwarded."),
    Settle => OptionDoc::value(Group::Probe, "settle", "DUR", "how long the command gets to settle first (default 500ms)", ""),
    ReadyFile => OptionDoc::value(Group::Probe, "ready-file", "PATH", "it has settled when this file is there",
        "An absolute path, as the command sees it."),
    ReadyRegex => OptionDoc::value(Group::Probe, "ready-regex", "RE", "it has settled when a line of its output matches this",
        "An extended regular expression, regex(7)."),
    ReadyTimeout => OptionDoc::value(Group::Probe, "ready-timeout", "DUR", "give up when it is not ready by then (default 30s)", ""),
    Wait => OptionDoc::value(Group::Probe, "wait", "DUR", "how long a signal has to show its effect (default 1s)", ""),
    Json => OptionDoc::flag(Group::Probe, "json", "print JSON instead of a table", ""),

    Verbose => OptionDoc::flag(Group::General, "verbose", "say on stderr what is done; -vv and -vvv say more",
        "RUST_LOG (error, warn, info, debug, trace) does the same.").or('v'),
    Trace => OptionDoc::value(Group::General, "trace", "[=FILE|fd:N]", "write each event as a line of JSON, by default to stderr",
        "FILE is made or emptied; fd:N is an open descriptor, which the command does not get. pidone waits for no reader: \
         lines that do not go in are counted."),
    TraceFormat => OptionDoc::value(Group::General, "trace-format", "json|chrome", "how to write the trace (default json)",
        "chrome: one JSON array, which Perfetto (ui.perfetto.dev) shows on a time line."),
    Help => OptionDoc::flag(Group::General, "help", "-h: their names; --help: all there is to know", "").or('h'),
    Version => OptionDoc::flag(Group::General, "version", "print the version", ""),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let docs = docs();
        let unpacked: Vec<_> = all(&docs).collect();
        let expected: Vec<_> = Name::ALL.iter().copied().zip(OPTIONS.iter().copied()).collect();
        assert_eq!(unpacked, expected);
    }
}
