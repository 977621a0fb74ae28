//! Runs commands with a deadline; a failure prints the command, how it ended, what it said, and what still runs.

use super::{DEADLINE, eventually, procfs, sys};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

/// A command that runs; killed, with what it forgot to take along left to the kernel, when dropped.
pub struct Running {
    what: String,
    child: Child,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// For the message of a failed test.
    #[expect(dead_code, reason = "read by the derived Debug alone")]
    what: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    /// Starts a command whose output is read line by line.
    pub fn start(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {what}: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = child.stderr.take().map(read_all);
        Running { what, child, lines, stderr }
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The next line of its stdout.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(error) => panic!("no further line from {}: {error}\n{}", self.what, procfs::tree()),
        }
    }

    /// The next line, which must begin like this.
    pub fn expect(&mut self, beginning: &str) -> String {
        let line = self.line();
        assert!(line.starts_with(beginning), "{}: expected {beginning:?}, got {line:?}", self.what);
        line
    }

    /// Its stdin, if that is a pipe: when it is dropped, the command reads end-of-file.
    pub fn stdin(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    pub fn signal(&self, signal: i32) {
        sys::kill(self.pid(), signal);
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("ask for the status").is_none()
    }

    /// Waits for the end, whoever brings it about.
    pub fn end(mut self) -> Ended {
        let what = std::mem::take(&mut self.what);
        let status =
            eventually(&format!("the end of {what}"), || self.child.try_wait().expect("ask for the status"));
        let stderr = self.stderr.take().map(|reader| reader.join().expect("read stderr")).unwrap_or_default();
        // The sender hangs up at end-of-file, which comes when the last holder of stdout is gone.
        let mut stdout = String::new();
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            stdout.push_str(&line);
            stdout.push('\n');
        }
        Ended { what, status, stdout, stderr }
    }
}

impl Drop for Running {
    /// Ends whatever a test has left running. In place there is no namespace to take the workload along.
    fn drop(&mut self) {
        let descendants = match self.child.try_wait() {
            Ok(None) => procfs::descendants(self.pid()),
            _ => Vec::new(),
        };
        let _ = self.child.kill();
        let _ = self.child.wait();
        descendants.into_iter().for_each(|pid| sys::kill_if_there(pid, 9));
    }
}

fn read_all(mut stderr: ChildStderr) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stderr.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    Running::start(command).end()
}

impl Ended {
    /// Fails unless it exited with this code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Fails unless this signal killed it.
    #[track_caller]
    pub fn dies_by(&self, signal: i32) -> &Self {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(self.status.signal(), Some(signal), "{self:#?}");
        self
    }

    /// Fails unless stderr is empty.
    #[track_caller]
    pub fn silently(&self) -> &Self {
        assert_eq!(self.stderr, "", "{self:#?}");
        self
    }

    /// Fails unless stderr is exactly one message that holds all of `words`, with a hint if `hint` is one.
    #[track_caller]
    pub fn says(&self, words: &[&str], hint: Option<&str>) -> &Self {
        let lines: Vec<_> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1 + usize::from(hint.is_some()), "{self:#?}");
        assert!(lines[0].starts_with("pidone: "), "{self:#?}");
        for word in words {
            assert!(lines[0].contains(word), "no {word:?} in {self:#?}");
        }
        if let Some(hint) = hint {
            assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "no {hint:?} in {self:#?}");
        }
        self
    }
}

/// Output of a command of the system that must succeed.
pub fn text(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}
