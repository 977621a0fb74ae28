//! Runs in: any thread-free process. What is read of /proc: names for logs, and who descends from whom.

use crate::files;
use crate::order::sort_by_number;
use crate::sys::numbers_in;
use nix::unistd::{Pid, getpid};
use std::fmt::{self, Write as _};

/// Where a link of /proc leads.
///
/// # Errors
/// ENOENT and ESRCH: gone. EACCES, EPERM: not for us.
#[inline(never)]
pub(crate) fn link(path: fmt::Arguments<'_>) -> nix::Result<String> {
    Ok(files::link(path)?.to_string_lossy().into_owned())
}

/// The name of a process as `ps` shows it, or `?` where it cannot be known.
pub(crate) struct Comm(Option<Vec<u8>>);

/// Reads `/proc/PID/comm`, which is there for a zombie too, until it is reaped.
pub(crate) fn comm(pid: Pid) -> Comm {
    Comm(if is_ours() { files::read(format_args!("/proc/{pid}/comm")).ok() } else { None })
}

impl fmt::Display for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_deref().unwrap_or(b"?");
        Printable(name.strip_suffix(b"\n").unwrap_or(name)).fmt(f)
    }
}

/// Whether /proc shows our own PID namespace. With `--proc none` or `bind` it shows the caller's, where the same number is
/// somebody else: then, and only then, `/proc/self` does not lead to our own pid.
pub(crate) fn is_ours() -> bool {
    link(format_args!("/proc/self")).is_ok_and(|own| own == getpid().to_string())
}

/// A process chooses its own name: no byte of it is to drive the terminal.
pub(crate) struct Printable<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in String::from_utf8_lossy(self.0).chars() {
            // Not by str::escape_debug, whose tables of all that is invisible weigh more than the rest of this file.
            match character {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                _ if character.is_control() => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// A process, as proc_pid_stat(5) describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    /// All of it: not its first thread alone, which then shows as a zombie too, while others run.
    pub(crate) is_dead: bool,
    /// When it started, in clock ticks since boot: with the pid, who it is.
    pub(crate) started: u64,
    /// The letter of its state: `S`, `R`, `Z`.
    pub(crate) state: char,
    /// Its process group; 0 where that is of another PID namespace.
    pub(crate) group: Pid,
    /// Its session; 0 where that is of another PID namespace.
    pub(crate) session: Pid,
    /// On its way out, all of it: it has given up its memory, and may still have to wait for others.
    pub(crate) is_exiting: bool,
    /// Its first sixteen bytes at most, whatever they are.
    pub(crate) name: Vec<u8>,
}

/// `7 (sleep)`.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pid, Printable(&self.name))
    }
}

/// All processes of our PID namespace, sorted by their parents; none where /proc does not show it.
pub(crate) fn processes() -> Vec<Process> {
    let mut processes = Vec::new();
    if is_ours() {
        for pid in &visible() {
            if let Some(process) = process(Pid::from_raw(*pid)) {
                processes.push(process);
            }
        }
    }
    sort_by_number(&mut processes, |process| u64::from(process.parent.as_raw().unsigned_abs()));
    processes
}

/// All processes that /proc shows, whichever PID namespace that is of; by their pids, which is the order in which the kernel
/// goes through them.
pub(crate) fn visible() -> Vec<i32> {
    numbers_in(format_args!("/proc")).unwrap_or_default()
}

/// When the process that has this pid now started.
pub(crate) fn started(pid: Pid) -> Option<u64> {
    process(pid).map(|process| process.started)
}

/// The process, or thread, that has this number now. Who is gone stays gone; but what was not to be had for want of memory may
/// be now, and nobody is to be overlooked.
pub(crate) fn process(pid: Pid) -> Option<Process> {
    for _ in 0..2 {
        if let Ok(stat) = files::read(format_args!("/proc/{pid}/stat")) {
            return parse(&stat);
        }
    }
    None
}

/// Pid, name in parentheses (which may hold any byte, those too), state, parent, group, session; and fields 9, 20 and 22.
fn parse(stat: &[u8]) -> Option<Process> {
    /// `PF_EXITING` of the flags in field 9.
    const EXITING: u64 = 4;
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = str::from_utf8(stat.get(..open)?).ok()?.trim_end().parse().ok()?;
    let mut rest = str::from_utf8(stat.get(close..)?.get(1..)?).ok()?.split_ascii_whitespace();
    let state = rest.next()?.chars().next()?;
    let mut id = || Some(Pid::from_raw(rest.next()?.parse().ok()?));
    let (parent, group, session) = (id()?, id()?, id()?);
    let flags: u64 = rest.nth(2)?.parse().ok()?;
    let threads: u32 = rest.nth(10)?.parse().ok()?;
    Some(Process {
        is_dead: matches!(state, 'Z' | 'X') && threads <= 1,
        state,
        parent,
        group,
        session,
        is_exiting: flags & EXITING != 0 && threads <= 1,
        started: rest.nth(1)?.parse().ok()?,
        pid: Pid::from_raw(pid),
        name: stat.get(open..close)?.get(1..)?.to_vec(),
    })
}

/// Those among `processes`, which are sorted, whose parent this is.
pub(crate) fn of_parent(processes: &[Process], parent: Pid) -> &[Process] {
    let start = processes.partition_point(|process| process.parent < parent);
    let rest = processes.get(start..).unwrap_or_default();
    let count = rest.iter().take_while(|process| process.parent == parent).count();
    rest.get(..count).unwrap_or_default()
}

/// Our own children that still run.
pub(crate) fn children(processes: &[Process]) -> Vec<Pid> {
    let mut running = Vec::new();
    for process in of_parent(processes, getpid()) {
        if !process.is_dead {
            running.push(process.pid);
        }
    }
    running
}

/// Our own descendants that still run, parents first, without the `spared` ones and what descends from them.
pub(crate) fn descendants<'a>(processes: &'a [Process], spared: &[Pid]) -> Vec<&'a Process> {
    let mut found: Vec<&Process> = Vec::new();
    let mut parent = getpid();
    // Each has one parent, so nobody comes up twice, unless a pid passed to somebody else between two reads and made a ring
    // of them: so no more are looked at than there are.
    for next in 0..=processes.len() {
        for child in of_parent(processes, parent) {
            if !spared.contains(&child.pid) {
                found.push(child);
            }
        }
        let Some(process) = found.get(next) else { break };
        parent = process.pid;
    }
    found.retain(|process| !process.is_dead);
    found
}

#[cfg(test)]
#[path = "fuzz/procfs.rs"]
pub(crate) mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    /// From the fifth field to the one after the start time.
    const FIELDS: &str = " 42 42 0 -1 4194304 0 0 0 0 1 2 0 0 20 0 1 0 1234 99";

    #[test]
    fn a_name_may_hold_anything() {
        let process = parse(format!("42 (a) Z (b\n) S 7{FIELDS}").as_bytes()).unwrap();
        assert_eq!((process.pid.as_raw(), process.parent.as_raw(), process.is_dead), (42, 7, false));
        assert_eq!(process.to_string(), "42 (a) Z (b\\n)");
        assert_eq!(process.started, 1234);
        assert_eq!((process.group.as_raw(), process.session.as_raw(), process.is_exiting), (42, 42, false));
        assert!(parse(format!("1 (x) Z 0{FIELDS}").as_bytes()).unwrap().is_dead);
        let with_threads = FIELDS.replace("20 0 1 0 1234", "20 0 2 0 1234");
        assert!(!parse(format!("1 (x) Z 0{with_threads}").as_bytes()).unwrap().is_dead, "only its first thread is");
        for garbage in [&b""[..], b"1", b"1 (x", b"x (y) S 1", b"1 (x) S", b"1 (x) S 1", b")1 ("] {
            assert_eq!(parse(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_the_spared_are_left_out() {
        let own = getpid().as_raw();
        let process = |pid, parent, state| parse(format!("{pid} (x) {state} {parent}{FIELDS}").as_bytes()).unwrap();
        let (a, b, c) = (own + 1, own + 2, own + 3);
        let mut all = vec![
            process(a, own, 'S'),
            process(b, own, 'S'),
            process(c, a, 'Z'),
            process(c + 1, c, 'S'),
            process(c + 2, b, 'R'),
        ];
        all.sort_by_key(|process| process.parent);
        let pids = |spared: &[Pid]| -> Vec<i32> {
            let mut pids: Vec<_> = descendants(&all, spared).iter().map(|process| process.pid.as_raw()).collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(&[]), [a, b, c + 1, c + 2]);
        assert_eq!(pids(&[Pid::from_raw(b)]), [a, c + 1]);
        assert_eq!(children(&all).len(), 2);
    }
}
