//! Runs in: the test harness. /proc/PID/stat, and who descends from whom.

use super::*;
use crate::fuzz::{Result, Unstructured, check, modestly, name, several, soup};
use std::collections::BTreeSet;

/// A line as the kernel writes it, proc_pid_stat(5), and what it says.
pub(crate) fn line(u: &mut Unstructured<'_>) -> Result<(Vec<u8>, Process)> {
    let state = *u.choose(b"RSDZTtXI")?;
    let (flags, threads, started): (u32, u16, u64) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
    let process = Process {
        pid: pid(u)?,
        parent: pid(u)?,
        is_dead: matches!(state, b'Z' | b'X') && threads <= 1,
        started,
        state: state.into(),
        group: pid(u)?,
        session: pid(u)?,
        is_exiting: flags & 4 != 0 && threads <= 1,
        name: name(u, 15, b"")?,
    };
    let Process { pid, parent, group, session, .. } = &process;
    let mut line = format!("{pid} (").into_bytes();
    line.extend_from_slice(&process.name);
    let rest = format!(
        ") {} {parent} {group} {session} 34816 -1 {flags} 1 2 3 4 5 6 7 8 20 0 {threads} 0 {started} 9\n",
        process.state
    );
    line.extend_from_slice(rest.as_bytes());
    Ok((line, process))
}

fn pid(u: &mut Unstructured<'_>) -> Result<Pid> {
    Ok(Pid::from_raw(u.int_in_range(0..=4_194_304)?))
}

#[test]
fn a_line_of_stat_is_what_the_kernel_meant_by_it() {
    check(|u| {
        let (line, process) = line(u)?;
        assert_eq!(parse(&line), Some(process), "{}", line.escape_ascii());
        Ok(())
    });
}

#[test]
fn whatever_stands_in_stat_is_taken_or_passed_over() {
    check(|u| {
        let (mut text, _) = line(u)?;
        match u.int_in_range(0..=2)? {
            0 => text = soup(u, &["(", ")", " ", "S", "Z", "-1", "1", "99999999999999999999", "\n", "\u{2003}"])?,
            1 => text.truncate(u.choose_index(text.len())?),
            _ => {
                let place = u.choose_index(text.len())?;
                text[place] = u.arbitrary()?;
            }
        }
        modestly(2 * text.len() + 64, || parse(&text));
        Ok(())
    });
}

#[test]
fn descendants_are_found_in_any_forest_and_rings_have_an_end() {
    check(|u| {
        let own = getpid().as_raw();
        let mut processes = several(u, 60, |u| {
            let (_, process) = line(u)?;
            let relative = |u: &mut Unstructured<'_>| Ok(Pid::from_raw(own + u.int_in_range(0..=40)?));
            Ok(Process { pid: relative(u)?, parent: relative(u)?, ..process })
        })?;
        // The process itself is nobody's child in what it sees of its own namespace.
        processes.retain(|process| process.pid != getpid());
        sort_by_number(&mut processes, |process| u64::from(process.parent.as_raw().unsigned_abs()));
        let spared = several(u, 2, |u| Ok(Pid::from_raw(own + u.int_in_range(1..=40)?)))?;

        let count = processes.len();
        let found = modestly(64 * count * (count + 1) + 256, || descendants(&processes, &spared));
        let found: BTreeSet<Pid> = found.iter().map(|process| process.pid).collect();

        let mut reached = BTreeSet::from([getpid()]);
        let mut alive = BTreeSet::new();
        while let Some(process) = processes.iter().find(|process| {
            reached.contains(&process.parent) && !spared.contains(&process.pid) && !reached.contains(&process.pid)
        }) {
            reached.insert(process.pid);
        }
        for process in &processes {
            if reached.contains(&process.parent) && !spared.contains(&process.pid) && !process.is_dead {
                alive.insert(process.pid);
            }
        }
        assert!(found.is_subset(&alive), "{found:?} {alive:?}");
        let pids: BTreeSet<Pid> = processes.iter().map(|process| process.pid).collect();
        if pids.len() == count {
            assert_eq!(found, alive, "where each has its own pid, all are found");
        }
        Ok(())
    });
}
