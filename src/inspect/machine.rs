//! Runs in: any thread-free process. All processes that /proc shows, and in which namespaces each is: one look, on which
//! everything else is judged.

use super::reading::Status;
use crate::files;
use crate::namespace::Kind;
use crate::procfs::{self, Process};
use nix::unistd::Pid;
use std::fmt::{self, Display};

/// A process, and where it is.
pub(super) struct Seen {
    pub(super) process: Process,
    /// Seconds since it started.
    pub(super) age: u64,
    /// Its pid at each level, outermost first; the innermost is that in its own PID namespace.
    pub(super) nspids: Vec<u32>,
    /// Inodes, each at the place that its kind's number says. `None`: not to be read, or given up by a zombie.
    namespaces: [Option<u64>; Kind::ALL.len()],
    /// As in its file: a NUL ends each word.
    command: Vec<u8>,
}

/// `4711 (sh)`.
impl Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.process.fmt(f)
    }
}

impl Seen {
    /// Reads what there is to know; `None` if the process is gone.
    #[inline(never)]
    fn read(pid: i32, uptime: u64) -> Option<Self> {
        /// `USER_HZ`, the same on both architectures that pidone knows.
        const TICKS_PER_SECOND: u64 = 100;
        let process = procfs::process(Pid::from_raw(pid))?;
        let mut seen = Seen {
            age: uptime.saturating_sub(process.started / TICKS_PER_SECOND),
            nspids: Status::read(&pid).ok()?.nspids(pid),
            namespaces: Default::default(),
            command: files::read(format_args!("/proc/{pid}/cmdline")).unwrap_or_default(),
            process,
        };
        for kind in &Kind::ALL {
            if let Some(place) = seen.place(*kind) {
                *place = inode_of_link(&pid, kind.name());
            }
        }
        Some(seen)
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid.as_raw()
    }

    pub(super) fn namespace(&self, kind: Kind) -> Option<u64> {
        self.namespaces.get(kind as usize).copied().flatten()
    }

    fn place(&mut self, kind: Kind) -> Option<&mut Option<u64>> {
        self.namespaces.get_mut(kind as usize)
    }

    /// The words of its command line. What follows the last NUL is none.
    #[inline(never)]
    pub(super) fn words(&self) -> Vec<&[u8]> {
        let mut words = Vec::new();
        let mut rest = self.command.as_slice();
        while let Some(length) = rest.iter().position(|byte| *byte == 0) {
            words.extend(rest.get(..length));
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        words
    }

    /// One of them; the first has number 0.
    #[inline(never)]
    fn word(&self, number: usize) -> &[u8] {
        self.words().get(number).copied().unwrap_or_default()
    }

    /// On its way out, and not yet a zombie.
    pub(super) fn is_dying(&self) -> bool {
        self.process.is_exiting && !self.process.is_dead
    }

    /// Whether it is the init of its PID namespace: PID 1 there.
    #[inline(never)]
    pub(super) fn is_init(&self) -> bool {
        self.nspids.last() == Some(&1)
    }

    /// The name of its program: that of the command line, which a shell's `exec -a` may change but no kernel cuts; or else
    /// that of `comm`.
    pub(super) fn program(&self) -> &[u8] {
        let name = self.word(0).rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // A login shell is told by a dash.
        let name = name.strip_prefix(b"-").unwrap_or(name);
        if name.is_empty() { &self.process.name } else { name }
    }

    #[inline(never)]
    pub(super) fn is_shell(&self) -> bool {
        let program = self.program();
        is_among(program, "sh bash dash ash ksh zsh fish") || program == b"busybox" && self.word(1) == b"sh"
    }

    /// Whether it is a shell with a command for an argument: `sh -c`, also `bash -ec`.
    pub(super) fn is_shell_command(&self) -> bool {
        let words = self.words();
        let mut options = words.iter().skip(1).take_while(|word| word.starts_with(b"-") || **word == b"sh");
        self.is_shell() && options.any(|word| !word.starts_with(b"--") && word.ends_with(b"c"))
    }

    /// Whether it is a program that is made to be an init.
    pub(super) fn is_init_program(&self) -> bool {
        const INITS: &str = "tini tini-static docker-init podman-init dumb-init catatonit pidone pid1 my_init s6-svscan \
                             systemd runit init";
        // What else pidone does, such as this, is no init's work.
        const VERBS: &str = "enter inspect install-names probe release";
        !is_among(self.word(1), VERBS) && (is_among(self.program(), INITS) || is_among(&self.process.name, INITS))
    }
}

/// Whether it is one of these names, with blanks between them.
fn is_among(name: &[u8], names: &str) -> bool {
    names.split(' ').any(|known| known.as_bytes() == name)
}

/// From a link such as `pid:[4026531836]`.
pub(super) fn inode_of_link(who: &dyn Display, name: &str) -> Option<u64> {
    let link = procfs::link(format_args!("/proc/{who}/ns/{name}")).ok()?;
    link.split_once('[')?.1.strip_suffix(']')?.parse().ok()
}

/// All that /proc shows.
pub(super) struct Machine {
    /// By their pids.
    pub(super) all: Vec<Seen>,
}

impl Machine {
    #[inline(never)]
    pub(super) fn look() -> Self {
        // By the same clock as what processes say of their start.
        let uptime = files::read(format_args!("/proc/uptime")).unwrap_or_default();
        let seconds = uptime.split(|byte| *byte == b'.').next().and_then(|seconds| str::from_utf8(seconds).ok());
        let uptime = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
        let mut all = Vec::new();
        for pid in &procfs::visible() {
            if let Some(seen) = Seen::read(*pid, uptime) {
                all.push(seen);
            }
        }
        // A single pid is one in the PID namespace that /proc shows: ours, though the link may not be read.
        let own = inode_of_link(&"self", Kind::Pid.name()).filter(|_| procfs::is_ours());
        for seen in &mut all {
            if seen.nspids.len() == 1
                && let Some(place) = seen.place(Kind::Pid)
            {
                *place = place.or(own);
            }
        }
        Machine { all }
    }

    pub(super) fn get(&self, pid: i32) -> Option<&Seen> {
        let index = self.all.binary_search_by_key(&pid, Seen::pid).ok()?;
        self.all.get(index)
    }

    pub(super) fn parent(&self, of: &Seen) -> Option<&Seen> {
        self.get(of.process.parent.as_raw())
    }

    /// The process, its parent, the parent of that, and so on.
    pub(super) fn line<'a>(&'a self, of: &'a Seen) -> Vec<&'a Seen> {
        let mut found = Vec::new();
        let mut next = Some(of);
        // A pid that passed to somebody else between two reads could make a ring.
        while let Some(seen) = next.filter(|_| found.len() <= self.all.len()) {
            found.push(seen);
            next = self.parent(seen);
        }
        found
    }

    pub(super) fn children(&self, of: &Seen) -> impl Iterator<Item = &Seen> {
        let parent = of.process.pid;
        self.all.iter().filter(move |seen| seen.process.parent == parent)
    }

    /// The init of its PID namespace: by the inodes where they can be read, or else the nearest one above it at its level.
    pub(super) fn init_of<'a>(&'a self, seen: &'a Seen) -> Option<&'a Seen> {
        let own = seen.namespace(Kind::Pid);
        let is_known = |other: &&Seen| own.is_some() && other.is_init() && other.namespace(Kind::Pid) == own;
        let is_init = |other: &&Seen| other.is_init() && other.nspids.len() == seen.nspids.len();
        self.all.iter().find(is_known).or_else(|| self.line(seen).into_iter().find(is_init))
    }

    /// Whether both are in one PID namespace, as far as can be seen.
    pub(super) fn share_pid_namespace(&self, one: &Seen, other: &Seen) -> bool {
        match (one.namespace(Kind::Pid), other.namespace(Kind::Pid)) {
            (Some(one), Some(other)) => one == other,
            _ => {
                let inits = (self.init_of(one), self.init_of(other));
                matches!(inits, (Some(one), Some(other)) if one.pid() == other.pid())
            }
        }
    }

    /// Whether it is a program that is made to be an init, and not the half of one that stays outside of the namespaces that
    /// it has made.
    pub(super) fn is_init_here(&self, seen: &Seen) -> bool {
        seen.is_init_program() && self.children(seen).all(|child| child.nspids.len() == seen.nspids.len())
    }

    /// Those that are known to be in the namespace.
    pub(super) fn in_namespace(&self, kind: Kind, inode: u64) -> impl Iterator<Item = &Seen> {
        self.all.iter().filter(move |seen| seen.namespace(kind) == Some(inode))
    }

    /// Whether its present parent cannot have made it: a process has the group of whoever made it, until it is given one of
    /// its own. So one that is neither its own leader nor in its parent's group was an orphan, and has been adopted; but for
    /// shells, which put the commands of a pipeline into the group of the first (setpgid(2)).
    pub(super) fn is_adopted(&self, seen: &Seen) -> bool {
        let (group, session) = (seen.process.group, seen.process.session);
        let Some(parent) = self.parent(seen) else { return false };
        let is_inherited = group != Pid::from_raw(0) && group != seen.process.pid;
        let is_pipeline = parent.is_shell() && parent.process.session == session;
        is_inherited && group != parent.process.group && !is_pipeline
    }

    /// Whether orphans come to it, as far as one that did shows it. No file of /proc says so (PR_SET_CHILD_SUBREAPER(2const)).
    pub(super) fn has_adopted(&self, seen: &Seen) -> bool {
        self.children(seen).any(|child| self.is_adopted(child))
    }
}
