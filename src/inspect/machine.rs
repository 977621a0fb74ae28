//! Runs in: any thread-free process. All processes that /proc shows, and in which namespaces each is: one look, on which
//! everything else is judged.

use super::reading::Status;
use crate::namespace::Kind;
use crate::procfs::{self, Process, printable};
use nix::unistd::Pid;
use std::fs;

/// A process, and where it is.
pub(super) struct Seen {
    pub(super) process: Process,
    /// Its pid at each level, outermost first; the innermost is that in its own PID namespace.
    pub(super) nspids: Vec<i32>,
    /// Inodes in the order of `Kind::ALL`. `None`: not to be read, or given up by a zombie.
    namespaces: [Option<u64>; 8],
    pub(super) command: Vec<Vec<u8>>,
}

impl Seen {
    /// Reads what there is to know; `None` if the process is gone.
    fn read(process: Process) -> Option<Self> {
        let directory = format!("/proc/{}", process.pid);
        let status = Status::read(&directory).ok()?;
        let namespaces = Kind::ALL.map(|kind| inode_of_link(&directory, kind.name()));
        let command = fs::read(format!("{directory}/cmdline")).unwrap_or_default();
        let mut command: Vec<Vec<u8>> = command.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        // Each argument ends in a NUL, so what follows the last one is none.
        command.pop();
        Some(Seen { nspids: status.nspids(process.pid.as_raw()), process, namespaces, command })
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid.as_raw()
    }

    pub(super) fn namespace(&self, kind: Kind) -> Option<u64> {
        Kind::ALL.iter().zip(self.namespaces).find_map(|(known, inode)| inode.filter(|_| *known == kind))
    }

    fn place(&mut self, kind: Kind) -> Option<&mut Option<u64>> {
        Kind::ALL.iter().zip(&mut self.namespaces).find_map(|(known, place)| (*known == kind).then_some(place))
    }

    /// Whether it is the init of its PID namespace: PID 1 there.
    pub(super) fn is_init(&self) -> bool {
        self.nspids.last() == Some(&1)
    }

    /// The name of its program: that of the command line, which a shell's `exec -a` may change but no kernel cuts; or else
    /// that of `comm`.
    pub(super) fn program(&self) -> &[u8] {
        let name = self.command.first().and_then(|first| first.rsplit(|byte| *byte == b'/').next());
        // A login shell is told by a dash.
        let name = name.map(|name| name.strip_prefix(b"-").unwrap_or(name));
        name.filter(|name| !name.is_empty()).unwrap_or(&self.process.name)
    }

    pub(super) fn is_shell(&self) -> bool {
        const SHELLS: [&[u8]; 7] = [b"sh", b"bash", b"dash", b"ash", b"ksh", b"zsh", b"fish"];
        let is_applet = self.program() == b"busybox" && self.command.get(1).is_some_and(|word| word == b"sh");
        is_applet || SHELLS.contains(&self.program())
    }

    /// Whether it is a shell with a command for an argument: `sh -c`, also `bash -ec`.
    pub(super) fn is_shell_command(&self) -> bool {
        let options = self.command.iter().skip(1).take_while(|word| word.starts_with(b"-") || *word == b"sh");
        self.is_shell() && options.into_iter().any(|word| !word.starts_with(b"--") && word.ends_with(b"c"))
    }

    /// Whether it is a program that is made to be an init.
    pub(super) fn is_init_program(&self) -> bool {
        const INITS: [&[u8]; 13] = [
            b"tini",
            b"tini-static",
            b"docker-init",
            b"podman-init",
            b"dumb-init",
            b"catatonit",
            b"pidone",
            b"pid1",
            b"my_init",
            b"s6-svscan",
            b"systemd",
            b"runit",
            b"init",
        ];
        // What else pidone does, such as this, is no init's work.
        const VERBS: [&[u8]; 5] = [b"enter", b"inspect", b"install-names", b"probe", b"release"];
        let is_verb = self.command.get(1).is_some_and(|word| VERBS.contains(&word.as_slice()));
        !is_verb && (INITS.contains(&self.program()) || INITS.contains(&self.process.name.as_slice()))
    }

    /// What a terminal can be shown of its name.
    pub(super) fn name(&self) -> String {
        printable(&self.process.name)
    }
}

/// From a link such as `pid:[4026531836]`.
pub(super) fn inode_of_link(directory: &str, name: &str) -> Option<u64> {
    let link = fs::read_link(format!("{directory}/ns/{name}")).ok()?;
    link.to_str()?.split_once('[')?.1.strip_suffix(']')?.parse().ok()
}

/// All that /proc shows.
pub(super) struct Machine {
    /// By their pids.
    pub(super) all: Vec<Seen>,
}

impl Machine {
    pub(super) fn look() -> Self {
        let mut all: Vec<Seen> = procfs::visible().into_iter().filter_map(Seen::read).collect();
        // A single pid is one in the PID namespace that /proc shows: ours, though the link may not be read.
        let own = inode_of_link("/proc/self", Kind::Pid.name()).filter(|_| procfs::is_ours());
        for seen in all.iter_mut().filter(|seen| seen.nspids.len() == 1) {
            if let Some(place) = seen.place(Kind::Pid) {
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

    /// Its parent, the parent of that, and so on.
    pub(super) fn above(&self, of: &Seen) -> Vec<&Seen> {
        let mut found = Vec::new();
        let mut next = self.parent(of);
        // A pid that passed to somebody else between two reads could make a ring.
        while let Some(seen) = next.filter(|_| found.len() < self.all.len()) {
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
    pub(super) fn init_of(&self, seen: &Seen) -> Option<&Seen> {
        let own = seen.namespace(Kind::Pid);
        let known =
            self.all.iter().find(|other| own.is_some() && other.is_init() && other.namespace(Kind::Pid) == own);
        let is_init = |other: &&Seen| other.is_init() && other.nspids.len() == seen.nspids.len();
        known.or_else(|| self.get(seen.pid()).into_iter().chain(self.above(seen)).find(is_init))
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

    /// How many processes are known to be in the namespace.
    pub(super) fn count(&self, kind: Kind, inode: u64) -> usize {
        self.all.iter().filter(|seen| seen.namespace(kind) == Some(inode)).count()
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
