//! A real pseudo-terminal, with a session on it.

use super::{DEADLINE, binary, privilege, sys};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::openpty;
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// A session whose controlling terminal is a pseudo-terminal that the test holds the other end of.
pub struct Session {
    master: File,
    pub child: Child,
    /// What was read, and at last why no more could be.
    output: Receiver<Result<Vec<u8>, String>>,
    seen: String,
}

impl Session {
    /// Starts `command` as the leader of a new session on a new terminal.
    pub fn start(command: &mut Command) -> Self {
        let pty = openpty(None, None).expect("open a pseudo-terminal");
        for fd in [&pty.master, &pty.slave] {
            // Or tests that run at the same time pass them on to their workloads.
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("set close-on-exec");
        }
        let slave = || pty.slave.try_clone().expect("duplicate the terminal");
        command.stdin(slave()).stdout(slave()).stderr(slave());
        sys::own_session(command);
        // The tests may run under nohup.
        sys::before_exec(command, || sys::default_action(1));
        let child = command.spawn().expect("start the session");
        drop(pty.slave);
        // The command keeps the closures and descriptors it was given until it is given others.
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let master = File::from(pty.master);
        let mut reader = master.try_clone().expect("duplicate the terminal");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // EIO is how a terminal says that nobody has its other end any more. What was written just before that may
                // still be under way to ours, and is there only for a read that begins after it: so the second one counts.
                let read = reader.read(&mut buffer).or_else(|_| reader.read(&mut buffer));
                let piece = read.map(|length| buffer[..length].to_vec()).map_err(|error| error.to_string());
                let was_last = piece.is_err();
                if sender.send(piece).is_err() || was_last {
                    break;
                }
            }
        });
        Session { master, child, output, seen: String::new() }
    }

    /// An interactive bash at its prompt, `prompt> `, with `$PIDONE` set; `None` if there is no bash.
    pub fn bash() -> Option<Self> {
        if !privilege::has("bash") {
            return None;
        }
        let mut command = Command::new("bash");
        let mut session = Session::start(
            command.args(["--norc", "--noediting", "-i"]).env("PIDONE", binary()).env("PS1", "prompt> "),
        );
        session.expect("prompt> ");
        Some(session)
    }

    /// Gives the terminal another width.
    pub fn resize(&mut self, columns: u16) {
        sys::resize(&self.master, columns);
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("type");
    }

    /// Reads until `expected` has appeared; what came before it is forgotten, with it. Returns that.
    pub fn expect(&mut self, expected: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(at) = self.seen.find(expected) {
                let rest = self.seen.split_off(at + expected.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = DEADLINE.saturating_sub(start.elapsed());
            match self.output.recv_timeout(left) {
                Ok(Ok(bytes)) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(Err(error)) => panic!("no {expected:?}: {error}; {}", self.state()),
                Err(error) => panic!("no {expected:?}: {error}; {}", self.state()),
            }
        }
    }

    /// For a failure: what was seen since the last that was expected, and what became of the session.
    fn state(&mut self) -> String {
        let tree = super::procfs::tree();
        format!("seen: {:?}; the leader: {:?}\n{tree}", self.seen, self.child.try_wait())
    }

    /// Ends the session's leader, at which the kernel hangs up: SIGHUP to the foreground group.
    pub fn hang_up(mut self) {
        self.child.kill().expect("kill the leader");
        self.child.wait().expect("reap the leader");
    }

    /// Waits for the session's leader to end; returns its status and all that was still said.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status =
            super::eventually("the end of the session", || self.child.try_wait().expect("ask for the status"));
        while let Ok(Ok(bytes)) = self.output.recv_timeout(DEADLINE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Session {
    /// Leaves nothing of the session behind.
    fn drop(&mut self) {
        let descendants = super::procfs::descendants(self.child.id().cast_signed());
        let _ = self.child.kill();
        let _ = self.child.wait();
        descendants.into_iter().for_each(|pid| sys::kill_if_there(pid, 9));
    }
}
