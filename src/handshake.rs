//! Runs in: outer (reads), init and workload child (write). The reports that cross from inside to outside.
//!
//! One pipe serves both ways of noticing the other half's end. Inside first says that it has left outer's process group;
//! then why the workload could not be started, or else each time it was stopped and how it ended. Without a last word init's
//! own end says that: its exit status is the workload's, or something killed it. Outer keeps the reading end open for as long
//! as it lives, which tells those inside whether it still does.

use crate::errno::reason;
use crate::error::{Failure, Stage, Voice};
use crate::exit::Outcome;
use crate::logging::warn;
use crate::signal::{Signal, WATCH};
use crate::sys::{WaitStatus, own_fd, retry_interrupted, watch};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, pipe2, read, write};
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What those inside have to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The child has left outer's process group: what outer forwards from now on arrives once.
    Apart,
    /// The new namespaces are as they were asked for; what follows waits for a gate.
    Furnished,
    /// The process that is to be the workload stands in the namespaces to enter, and has this pid outside.
    Joined(Pid),
    /// The workload does not run, for this reason.
    Failed(Failure),
    /// The workload was stopped by this signal.
    Stopped(Signal),
    /// The workload ran and ended so.
    Ended(Outcome),
}

/// Longest object in bytes. With the header it is below PIPE_BUF, and so is written whole or not at all (pipe(7)).
const MAX_OBJECT: usize = 1018;
const FAILED: u8 = 1;
const ENDED: u8 = 2;
const STOPPED: u8 = 3;
const APART: u8 = 4;
const FURNISHED: u8 = 5;
const JOINED: u8 = 6;
/// Kind, stage, and a number: errno, wait status or signal, in the machine's own byte order. A failure's object follows,
/// to the end: nothing comes after a failure.
const HEADER: usize = 6;

impl Report {
    /// As bytes: what begins each report, and the object. An object too long for a pipe's promise is cut.
    fn encode(&self) -> ([u8; HEADER], &[u8]) {
        let (kind, stage, number, object) = match self {
            Report::Failed(failure) => {
                (FAILED, failure.stage as u8, failure.errno as i32, failure.object.as_bytes())
            }
            Report::Apart => (APART, 0, 0, [].as_slice()),
            Report::Furnished => (FURNISHED, 0, 0, [].as_slice()),
            Report::Joined(pid) => (JOINED, 0, pid.as_raw(), [].as_slice()),
            Report::Stopped(signal) => (STOPPED, 0, signal.number(), [].as_slice()),
            Report::Ended(outcome) => (ENDED, 0, outcome.to_wait().0, [].as_slice()),
        };
        let [a, b, c, d] = number.to_ne_bytes();
        ([kind, stage, a, b, c, d], object.get(..MAX_OBJECT).unwrap_or(object))
    }

    /// Decodes what `encode` made; `None` for anything else.
    fn decode(header: [u8; HEADER], object: Vec<u8>) -> Option<Self> {
        let [kind, stage, number @ ..] = header;
        let number = i32::from_ne_bytes(number);
        match kind {
            FAILED => {
                let stage = *Stage::ALL.get(usize::from(stage))?;
                Some(Report::Failed(Failure::on(stage, OsString::from_vec(object), Errno::from_raw(number))))
            }
            APART => Some(Report::Apart),
            FURNISHED => Some(Report::Furnished),
            JOINED => Some(Report::Joined(Pid::from_raw(number))),
            STOPPED => Signal::new(number).map(Report::Stopped),
            ENDED => Some(Report::Ended(Outcome::from_wait(WaitStatus(number)))),
            _ => None,
        }
    }
}

/// Makes the pipe, both ends close-on-exec and above stdio.
///
/// # Errors
/// EMFILE, ENFILE.
pub(crate) fn pipe() -> Result<(Listener, Reporter), Failure> {
    let (read_end, write_end) = own_pipe("report pipe")?;
    Ok((Listener { pipe: read_end, is_at_end: Cell::new(false) }, Reporter(write_end)))
}

/// A pipe of our own: close-on-exec, and clear of stdio.
pub(crate) fn own_pipe(name: &str) -> Result<(OwnedFd, OwnedFd), Failure> {
    let make = || {
        let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC)?;
        Ok((own_fd(read_end)?, own_fd(write_end)?))
    };
    make().map_err(|errno| Failure::new(Stage::MakePipe, OsStr::new(name), errno))
}

/// Outer's end.
pub(crate) struct Listener {
    pipe: OwnedFd,
    /// Nobody is there to say more.
    is_at_end: Cell<bool>,
}

impl Listener {
    /// From now on each report raises `WATCH` in this process, and reading does not wait for one.
    ///
    /// # Errors
    /// What fcntl(2) returns.
    pub(crate) fn watch(&self) -> nix::Result<()> {
        watch(&self.pipe, WATCH, OFlag::O_NONBLOCK)
    }

    /// The next report; waits for it. Before `watch`.
    pub(crate) fn next(&self) -> Option<Report> {
        self.read_report()
    }

    /// The next report, if one is there. After `watch`. Looks before it reads: each read tells the other end that there may be
    /// room, and wakes init up, also one that finds nothing.
    ///
    /// What is no report is passed over: a workload that may look at init can write into the pipe, and left there it could
    /// fill it, so that init would wait for ever to have its say. `left` is how many reads may be made for all that, so that one
    /// who writes without an end does not keep outer from anything else.
    pub(crate) fn next_if_there(&self, left: &mut u32) -> Option<Report> {
        let mut report = None;
        while report.is_none() && !self.is_at_end() && *left > 0 {
            *left = left.saturating_sub(1);
            let mut fds = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
            // An error (ENOMEM) says nothing, and reading does not wait.
            if retry_interrupted(|| poll(&mut fds, PollTimeout::ZERO)) == Ok(0) {
                break;
            }
            report = self.read_report();
        }
        report
    }

    fn read_report(&self) -> Option<Report> {
        let mut header = [0; HEADER];
        if self.read(&mut header)? < HEADER {
            return None;
        }
        let object = if header.first() == Some(&FAILED) { self.read_object() } else { Vec::new() };
        Report::decode(header, object)
    }

    /// What follows the header of a failure. Not inlined: a start that does not fail needs no room for it.
    #[inline(never)]
    fn read_object(&self) -> Vec<u8> {
        let mut object = vec![0; MAX_OBJECT];
        let length = self.read(&mut object).unwrap_or(0);
        object.truncate(length);
        object
    }

    /// Whether all that inside had to say has been read, and nobody there has the pipe any more.
    pub(crate) fn is_at_end(&self) -> bool {
        self.is_at_end.get()
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match read(&self.pipe, buffer) {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return None,
                Ok(0) => {
                    self.is_at_end.set(true);
                    return None;
                }
                Ok(length) => return Some(length),
                Err(errno) => {
                    warn!("cannot read what init reports: {}", reason(errno));
                    return None;
                }
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// The end of those inside.
pub(crate) struct Reporter(OwnedFd);

impl Reporter {
    /// Sends a report.
    ///
    /// # Errors
    /// EPIPE: outer is gone, and with it the only one to tell. ENOMEM: a pipe takes memory when it is written to.
    pub(crate) fn send(&self, report: &Report) -> nix::Result<()> {
        let (header, object) = report.encode();
        let send = |bytes: &[u8]| retry_interrupted(|| write(&self.0, bytes)).map(drop);
        if object.is_empty() { send(&header) } else { send(&[&header, object].concat()) }
    }

    /// Reports why the workload does not run; tells the user, where outer is there and cannot be told.
    pub(crate) fn fail(&self, failure: Failure) {
        let report = Report::Failed(failure);
        if let (Err(errno), Report::Failed(failure)) = (self.send(&report), &report)
            && errno != Errno::EPIPE
        {
            failure.print(Voice::Pidone, None);
        }
    }

    /// From now on outer's death raises `WATCH` in this process.
    ///
    /// # Errors
    /// What fcntl(2) returns.
    pub(crate) fn watch(&self) -> nix::Result<()> {
        watch(&self.0, WATCH, OFlag::empty())
    }

    /// Whether outer is alive: nobody else has the reading end. Call it after dropping one's own `Listener`.
    pub(crate) fn outer_lives(&self) -> bool {
        // With no events asked for, poll(2) reports only errors: POLLERR on a pipe without a reader.
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::empty())];
        // An error of poll itself proves nothing: outer is then taken to be alive, and PR_SET_PDEATHSIG remains.
        !matches!(retry_interrupted(|| poll(&mut fds, PollTimeout::ZERO)), Ok(1..))
    }
}

impl AsFd for Reporter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The gate those inside wait at until outer has mapped their ids; only with a user namespace.
///
/// # Errors
/// EMFILE, ENFILE.
pub(crate) fn gate() -> Result<(Gate, GateKeeper), Failure> {
    let (read_end, write_end) = own_pipe("gate pipe")?;
    Ok((Gate(read_end), GateKeeper(write_end)))
}

/// Both sides of a gate, if there is to be one.
///
/// # Errors
/// As `gate`.
#[inline(never)]
pub(crate) fn gate_if(wanted: bool) -> Result<(Option<Gate>, Option<GateKeeper>), Failure> {
    if !wanted {
        return Ok((None, None));
    }
    let (gate, keeper) = gate()?;
    Ok((Some(gate), Some(keeper)))
}

/// The inside of the gate.
pub(crate) struct Gate(OwnedFd);

impl Gate {
    /// Waits until outer opens the gate.
    ///
    /// # Errors
    /// ECANCELED when outer closed it instead: it failed to map the ids, or died.
    pub(crate) fn pass(self) -> nix::Result<()> {
        match retry_interrupted(|| read(&self.0, &mut [0])) {
            Ok(0) => Err(Errno::ECANCELED),
            other => other.map(drop),
        }
    }
}

/// The outside of the gate; dropping it shuts the gate for good.
pub(crate) struct GateKeeper(OwnedFd);

impl GateKeeper {
    /// Lets those inside go on. An error means that they are gone, which outer learns by its wait.
    pub(crate) fn open(self) {
        let _ = retry_interrupted(|| write(&self.0, &[1]));
    }
}

#[cfg(test)]
#[path = "fuzz/handshake.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(report: &Report) -> Option<Report> {
        let (header, object) = report.encode();
        Report::decode(header, object.to_vec())
    }

    #[test]
    fn reports_arrive_as_they_were_sent() {
        for stage in Stage::ALL {
            let object = OsString::from_vec(b"not \xff UTF-8".to_vec());
            let report = Report::Failed(Failure::on(*stage, object, Errno::EPERM));
            assert_eq!(round_trip(&report), Some(report));
        }
        for report in
            [Report::Apart, Report::Furnished, Report::Joined(Pid::from_raw(7)), Report::Stopped(Signal::TTIN)]
        {
            assert_eq!(round_trip(&report), Some(report));
        }
        for outcome in [Outcome::Exited(255), Outcome::Killed(Signal::new(64).unwrap())] {
            assert_eq!(round_trip(&Report::Ended(outcome)), Some(Report::Ended(outcome)));
        }
    }

    #[test]
    fn a_long_object_is_cut_and_not_refused() {
        let report = Report::Failed(Failure::new(Stage::RunCommand, "x".repeat(5000), Errno::E2BIG));
        let Some(Report::Failed(failure)) = round_trip(&report) else { panic!("not decoded") };
        assert_eq!(failure.object.len(), MAX_OBJECT);
    }

    #[test]
    fn what_is_not_a_report_is_none() {
        for header in [[0; HEADER], [FAILED, 255, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0], [STOPPED, 0, 0, 0, 0, 0]] {
            assert_eq!(Report::decode(header, Vec::new()), None, "{header:?}");
        }
        for bytes in [&[][..], &[FAILED]] {
            let (listener, reporter) = pipe().unwrap();
            write(&reporter.0, bytes).unwrap();
            drop(reporter);
            assert_eq!(listener.next(), None, "{bytes:?}");
        }
    }
}
