//! Runs in: probe. What a command of a trial prints. It goes into a pipe that is always emptied, so that nobody waits for a reader.

use super::pattern::Pattern;
use nix::errno::Errno;
use nix::unistd::read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The reading end of the pipe, and the end of what came out of it.
pub(super) struct Output {
    pipe: Option<OwnedFd>,
    /// From the beginning of the last line, or so much of it.
    line: Vec<u8>,
    /// The last line that was not empty, whole.
    last: Vec<u8>,
    has_matched: bool,
}

/// Of a line that does not end.
const MOST: usize = 4096;

impl Output {
    /// Of a pipe whose reading end does not wait.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Output { pipe: Some(pipe), line: Vec::new(), last: Vec::new(), has_matched: false }
    }

    /// For poll(2), until its end.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there.
    // For the sake of size: a frame of its own is a small one.
    #[inline(never)]
    pub(super) fn read(&mut self, pattern: Option<&Pattern>) {
        /// A command that prints all the time does not keep the others waiting.
        const ROUNDS: usize = 16;
        let mut buffer = [0; 4096];
        for _ in 0..ROUNDS {
            let Some(pipe) = &self.pipe else { return };
            match read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(length) => self.take(buffer.get(..length).unwrap_or_default(), pattern),
                Err(Errno::EINTR) => {}
                // EAGAIN: that was all for now.
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, bytes: &[u8], pattern: Option<&Pattern>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(piece.iter().filter(|byte| !matches!(**byte, b'\n' | 0)));
            self.line.truncate(MOST);
            if !self.has_matched
                && let Some(pattern) = pattern
            {
                // A prompt has no end of line: what there is of a line counts.
                self.has_matched = pattern.is_in(&self.line);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                if !line.is_empty() {
                    self.last = line;
                }
            }
        }
    }

    /// Whether a line has matched.
    pub(super) fn has_matched(&self) -> bool {
        self.has_matched
    }

    /// The last thing that was printed, as text that does not drive a terminal.
    pub(super) fn last_line(&self) -> String {
        let line = if self.line.is_empty() { &self.last } else { &self.line };
        let mut text = String::new();
        for character in String::from_utf8_lossy(line).chars().filter(|character| !character.is_control()).take(200)
        {
            text.push(character);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::OFlag;
    use nix::unistd::{pipe2, write};

    #[test]
    fn lines_match_whole_or_as_far_as_they_have_come() {
        let (reader, writer) = pipe2(OFlag::O_NONBLOCK).unwrap();
        let mut output = Output::new(reader);
        let pattern = Pattern::new(b"^ready> $").unwrap();
        write(&writer, b"not ready> \nfirst\n\nrea").unwrap();
        output.read(Some(&pattern));
        assert!(!output.has_matched());
        assert_eq!(output.last_line(), "rea");
        write(&writer, b"dy> ").unwrap();
        output.read(Some(&pattern));
        assert!(output.has_matched());
        write(&writer, b"\n\x1b[31mend\n").unwrap();
        drop(writer);
        output.read(Some(&pattern));
        output.read(Some(&pattern));
        assert_eq!(output.last_line(), "[31mend");
        assert!(output.fd().is_none());
    }
}
