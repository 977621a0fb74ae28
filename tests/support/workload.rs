//! The workloads that this very program plays when its first argument is `play:ROLE`. They run before `main`, in a
//! process that Rust's runtime has not touched, and never come back from there.

use super::{crowds, programs, sys};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::Resource;
use std::io::{Read, Write};

/// Runs the role that the command line names, if any.
pub extern "C" fn play_if_asked() {
    let Ok(line) = std::fs::read("/proc/self/cmdline") else { return };
    let mut words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let role = words.nth(1).unwrap_or_default();
    let Some(role) = role.strip_prefix("play:") else { return };
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    die_with_parent();
    match role {
        "signals" => signals(),
        "reluctant" => reluctant(),
        "mass-death" => mass_death(),
        "orphans" => orphans(),
        "storm" => storm(),
        "describe" => describe(),
        "hold" => hold(),
        "answer" => answer(&numbers),
        "arranged" => arranged(),
        "root" => root(),
        "threads" => threads(),
        "signalfd" => signalfd(),
        "waiting-thread" => waiting_thread(),
        "steps" => steps(true),
        "steps-alone" => steps(false),
        _ if crowds::play(role, &numbers) => {}
        _ if programs::play(role, &words) => {}
        _ => say(&format!("no such role: {role}")),
    }
    sys::exit(0)
}

/// Whatever becomes of the test, its workload does not outlive the init above it.
fn die_with_parent() {
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
}

pub fn say(line: &str) {
    // One write for each line, so that lines of several processes do not mix.
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
    let _ = std::io::stdout().flush();
}

pub fn ready() {
    say(&format!("ready {}", std::process::id()));
}

/// Says every signal it gets, until SIGKILL.
fn signals() {
    let _ = sys::block(u64::MAX);
    ready();
    loop {
        say(&sys::describe_signal(&sys::wait_signal()));
    }
}

/// Has room for only four queued signals and takes none before a SIGUSR1 is there.
fn reluctant() {
    let _ = sys::block(u64::MAX);
    // What fills the queue is counted for each user (RLIMIT_SIGPENDING, getrlimit(2)), over all processes, and so those of other
    // tests, too, which may keep theirs for long; but in each user namespace by itself. Where none can be had it is shared.
    if unshare(CloneFlags::CLONE_NEWUSER).is_ok() {
        // A change of credentials has undone it.
        die_with_parent();
    }
    let _ = sys::limit(Resource::RLIMIT_SIGPENDING, 4, 4);
    ready();
    const USR1: u64 = 1 << 9;
    super::eventually("SIGUSR1 pending", || {
        (super::procfs::signal_mask("self", "ShdPnd")? & USR1 != 0).then_some(())
    });
    loop {
        say(&sys::describe_signal(&sys::wait_signal()));
    }
}

/// Forty children that die in the same instant as their parent, which exits with 7.
fn mass_death() {
    let (mut reader, writer) = std::io::pipe().expect("make a pipe");
    for _ in 0..40 {
        if sys::fork() == 0 {
            drop(writer);
            let _ = reader.read(&mut [0]);
            sys::exit(0);
        }
    }
    drop(writer);
    sys::exit(7)
}

/// Makes 300 orphans, every other one of which dies only when all are there, and stays.
fn orphans() {
    let (mut reader, writer) = std::io::pipe().expect("make a pipe");
    for number in 0..300 {
        if sys::fork() == 0 {
            if sys::fork() == 0 {
                drop(writer);
                if number % 2 == 0 {
                    let _ = reader.read(&mut [0]);
                }
                sys::exit(0);
            }
            sys::exit(0);
        }
        sys::wait_any();
    }
    drop(writer);
    ready();
    hold();
}

/// Makes ten thousand orphans, which end at once, and ends itself when its stdin does.
fn storm() {
    for _ in 0..10_000 {
        if sys::fork() == 0 {
            if sys::fork() == 0 {
                sys::exit(0);
            }
            sys::exit(0);
        }
        sys::wait_any();
    }
    say("done");
    let _ = std::io::stdin().read(&mut [0]);
}

/// Stays until a signal ends it.
fn hold() {
    say("holding");
    stay()
}

fn stay() -> ! {
    loop {
        sys::pause();
    }
}

/// Ignores SIGTERM unless it is among the signals, answers to them and to SIGUSR1, and stays.
fn answer(signals: &[usize]) {
    sys::ignore(15).expect("ignore a signal");
    for signal in signals.iter().chain(&[10]) {
        sys::answer_to(i32::try_from(*signal).expect("a signal"));
    }
    say("up");
    stay()
}

/// Has something arranged for signals of every kind: ignores HUP, TSTP and PIPE, answers to USR1, TERM, CONT and RTMAX, has
/// blocked INT, USR2, RTMIN and PIPE as well. The others are as they were.
fn arranged() {
    const BLOCKED: [i32; 4] = [2, 12, 13, 34];
    for signal in [1, 13, 20] {
        sys::ignore(signal).expect("ignore a signal");
    }
    for signal in [10, 15, 18, 64] {
        sys::answer_to(signal);
    }
    // Afterwards: with the first handler musl unblocks what it keeps for itself, 34 among it.
    sys::block(BLOCKED.iter().map(|signal| 1 << (signal - 1)).sum()).expect("block signals");
    say("up");
    stay()
}

/// Ends its first thread, while another one stays.
fn threads() {
    std::thread::spawn(|| {
        super::eventually("the first thread is gone", || (super::procfs::state("self") == Some('Z')).then_some(()));
        say("threads");
        stay()
    });
    sys::end_thread();
}

/// Blocks SIGTERM and SIGHUP, has a signalfd for SIGTERM and SIGINT, and stays.
fn signalfd() {
    let (term, hup, int) = (1 << 14, 1 << 0, 1 << 1);
    let _ = sys::block(term | hup);
    let _fd = sys::signalfd(term | int);
    ready();
    hold();
}

/// Blocks everything; another thread takes it all, the first one only stays.
fn waiting_thread() {
    let _ = sys::block(u64::MAX);
    std::thread::spawn(|| {
        loop {
            say(&sys::describe_signal(&sys::wait_signal()));
        }
    });
    ready();
    hold();
}

/// For the sweep of faults: an orphan that ends, one that stays if wanted, a SIGUSR1, a stop, and at SIGTERM the end.
/// Each step is said.
fn steps(leaves_one: bool) {
    const USR1: i32 = 10;
    const ALRM: i32 = 14;
    const TERM: i32 = 15;
    const STOP: i32 = 19;
    // What an init forgets is to be found; but not to stay for ever, should nobody look.
    let _ = nix::sys::prctl::set_pdeathsig(None);
    sys::alarm(120);
    let _ = sys::block(!(1 << (ALRM - 1)));
    if sys::fork() == 0 {
        if sys::fork() == 0 {
            sys::exit(0);
        }
        if leaves_one && sys::fork() == 0 {
            sys::alarm(120);
            while !matches!(sys::wait_signal().si_signo, TERM | ALRM) {}
        }
        sys::exit(0);
    }
    sys::wait_any();
    ready();
    loop {
        match sys::wait_signal().si_signo {
            USR1 => {
                say("stopping");
                sys::kill(std::process::id().cast_signed(), STOP);
                say("continued");
            }
            TERM => sys::exit(7),
            ALRM => sys::exit(1),
            _ => {}
        }
    }
}

/// Becomes root for good, in a set-user-ID copy of this program, and stays.
fn root() {
    nix::unistd::setresuid(0.into(), 0.into(), 0.into()).expect("become root");
    say(&format!("root {}", std::process::id()));
    stay()
}

/// Everything that a process can see of what it was started with.
fn describe() {
    for file in ["status", "limits", "cmdline", "oom_score_adj", "coredump_filter", "timerslack_ns", "personality"]
    {
        let content = std::fs::read(format!("/proc/self/{file}")).unwrap_or_default();
        say(&format!("== {file}\n{}", String::from_utf8_lossy(&content)));
    }
    let environment = std::fs::read("/proc/self/environ").unwrap_or_default();
    say(&format!("== environ\n{}", environment.escape_ascii()));
    say(&format!("== cwd\n{:?}", std::fs::read_link("/proc/self/cwd")));
    say(&format!("== fds\n{}", super::procfs::fds("self").join("\n")));
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Field 19 is nice; the second, in parentheses, may hold spaces.
    let nice = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(16)).unwrap_or_default().to_owned();
    say(&format!("== nice\n{nice}"));
}
