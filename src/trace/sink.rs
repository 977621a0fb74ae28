//! Runs in: outer, init. The writer that never waits: what does not go in at once is the trace's loss, not init's.
//!
//! The open file may be shared, with a shell that waits for its terminal, say: so O_NONBLOCK must not be set on it
//! (fcntl(2): it belongs to the open file description). An opening of our own has it; where none can be had, each write
//! asks not to wait; where the kernel does not know how to, it is asked first whether there is room.

use super::buffer::Buffer;
use crate::signal::Signal;
use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::write;
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Where the trace goes.
pub(super) struct Sink {
    fd: OwnedFd,
    way: Cell<Way>,
}

/// How to write without a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As always: a regular file makes nobody wait for a reader; or the opening is our own and has O_NONBLOCK.
    Plainly,
    /// A socket has a flag for each message.
    Sending,
    /// `RWF_NOWAIT`.
    AtOnce,
    /// After a look whether there is room. A pipe that has any has it for a whole line (pipe(7)), unless somebody else is
    /// quicker.
    AfterALook,
    /// The same, for a terminal: what has any room has it for a few characters.
    InPieces,
}

/// The rest of a line of which only a part went in: to a terminal, a stream, a full disk.
pub(super) struct Backlog(Buffer);

impl Backlog {
    pub(super) fn new(capacity: usize) -> Self {
        Backlog(Buffer::new(capacity))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Sink {
    pub(super) fn new(fd: OwnedFd, way: Way) -> Self {
        Sink { fd, way: Cell::new(way) }
    }

    pub(super) fn own_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Writes a line, whole and in one piece, as far as that is in our hands. False if nothing of it went in.
    pub(super) fn write(&self, backlog: &mut Backlog, line: &[u8]) -> bool {
        let length = self.write_all(backlog.0.bytes());
        backlog.0.drop_first(length);
        if !backlog.0.bytes().is_empty() {
            return false;
        }
        let length = self.write_all(line);
        if length > 0 {
            backlog.0.push(line.get(length..).unwrap_or_default());
        }
        length > 0
    }

    /// As much as goes in; returns how much that was.
    fn write_all(&self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty()
            && let Ok(length @ 1..) = self.write_some(rest)
        {
            rest = rest.get(length..).unwrap_or_default();
        }
        bytes.len().saturating_sub(rest.len())
    }

    /// Errors are all alike to the caller: no room, no reader, no disk. What the kernel adds to two of them is taken back:
    /// signals to ourselves (write(2), setrlimit(2)), which nobody else is to see.
    fn write_some(&self, bytes: &[u8]) -> nix::Result<usize> {
        let written = loop {
            match self.try_write(bytes) {
                // Only after a stop, and before anything was written.
                Err(Errno::EINTR) => {}
                done => break done,
            }
        };
        match written {
            Err(Errno::EPIPE) => sys::discard_own(Signal::PIPE),
            Err(Errno::EFBIG) => sys::discard_own(Signal::XFSZ),
            _ => {}
        }
        written
    }

    fn try_write(&self, bytes: &[u8]) -> nix::Result<usize> {
        match self.way.get() {
            Way::Plainly => write(&self.fd, bytes),
            Way::Sending => send(self.fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL),
            Way::AtOnce => match sys::write_at_once(&self.fd, bytes) {
                // This kernel does not know it, or not of such files; or a filter does not know it (EPERM).
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL | Errno::EPERM) => {
                    self.way.set(Way::AfterALook);
                    self.try_write(bytes)
                }
                done => done,
            },
            Way::AfterALook if self.has_room() => write(&self.fd, bytes),
            Way::InPieces if self.has_room() => {
                // A pseudo-terminal counts its room in steps of 256 bytes, and asks again before a line feed, which takes two.
                const PIECE: usize = 120;
                let text = bytes.iter().take(PIECE).take_while(|byte| **byte != b'\n').count();
                write(&self.fd, bytes.get(..text.max(1)).unwrap_or(bytes))
            }
            Way::AfterALook | Way::InPieces => Err(Errno::EAGAIN),
        }
    }

    /// Whether a line would go in.
    pub(super) fn has_room(&self) -> bool {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLOUT)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1))
            && fds.iter().all(|fd| fd.revents() == Some(PollFlags::POLLOUT))
    }
}
