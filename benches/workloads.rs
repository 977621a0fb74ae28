//! Runs in: workload. The commands that this very program plays when its first argument is `play:ROLE`. Each says `.` on stdout
//! when it is ready, does its work once for each byte on stdin, answers, and ends at the end of its stdin.

use crate::sys;
use nix::libc::SIGUSR1;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use std::io::{self, Read, Write};

/// Plays the role that the command line names, if any.
pub fn play_if_asked() {
    let mut words = std::env::args().skip(1);
    let Some(role) = words.next() else { return };
    let Some(role) = role.strip_prefix("play:") else { return };
    // Whatever becomes of the benchmark, its workloads do not outlive the init above them.
    let _ = set_pdeathsig(Signal::SIGKILL);
    let count = words.next().and_then(|count| count.parse().ok()).unwrap_or(0);
    let played = match role {
        "hold" => hold(),
        "orphans" => on_each_byte(|| orphans(count)),
        "zombies" => on_each_byte(|| zombies(count)),
        "signals" => signals(),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    if let Err(error) = &played {
        eprintln!("{role}: {error}");
    }
    sys::exit(i32::from(played.is_err()));
}

fn say(bytes: &[u8]) -> io::Result<()> {
    io::stdout().write_all(bytes)?;
    io::stdout().flush()
}

/// Answers each byte with the eight of a number.
fn on_each_byte(mut work: impl FnMut() -> io::Result<u64>) -> io::Result<()> {
    say(b".")?;
    while io::stdin().read(&mut [0])? != 0 {
        say(&work()?.to_ne_bytes())?;
    }
    Ok(())
}

/// Stays until the end of its stdin.
fn hold() -> io::Result<()> {
    on_each_byte(|| Ok(0))
}

/// Leaves `count` orphans that have ended, one after the other, each when the last one is reaped: init wakes up for each.
fn orphans(count: usize) -> io::Result<u64> {
    for _ in 0..count {
        let orphan = sys::make_orphan()?;
        // A zombie is still there for kill(2).
        while sys::kill(orphan, 0).is_ok() {
            sys::give_way();
        }
    }
    Ok(0)
}

/// Leaves `count` zombies at once: a child that has not reaped its own ends, and the kernel gives all of them to init. Answers
/// with the nanoseconds until the last is reaped; init takes them in the order in which they were made.
fn zombies(count: usize) -> io::Result<u64> {
    let (mut made, mut makers_report) = io::pipe()?;
    let (makers_leave, leave) = io::pipe()?;
    let (is_child, maker) = sys::fork()?;
    if is_child {
        drop(leave);
        sys::exit(i32::from(neglect(count, &mut makers_report, makers_leave).is_err()));
    }
    drop((makers_report, makers_leave));
    let mut pids = vec![0; count * size_of::<i32>()];
    made.read_exact(&mut pids)?;
    let pids: Vec<i32> = pids.as_chunks().0.iter().map(|pid| i32::from_ne_bytes(*pid)).collect();
    let begin = sys::now();
    drop(leave);
    sys::wait_for(maker)?;
    // From the last to the first: mostly it is one look, and then all are gone.
    for pid in pids.iter().rev() {
        while sys::kill(*pid, 0).is_ok() {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
    }
    Ok(sys::now() - begin)
}

/// Makes children that end, says who they were, and does not reap them.
fn neglect(count: usize, report: &mut io::PipeWriter, mut leave: io::PipeReader) -> io::Result<()> {
    let pids = (0..count).map(|_| sys::make_zombie()).collect::<io::Result<Vec<i32>>>()?;
    report.write_all(&pids.into_iter().flat_map(i32::to_ne_bytes).collect::<Vec<u8>>())?;
    leave.read(&mut [0]).map(drop)
}

/// Says when each SIGUSR1 arrived; until killed.
fn signals() -> io::Result<()> {
    sys::block(SIGUSR1);
    say(b".")?;
    loop {
        sys::wait_for_signal(SIGUSR1);
        let arrived = sys::now();
        say(&arrived.to_ne_bytes())?;
    }
}
