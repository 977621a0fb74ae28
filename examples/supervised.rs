//! A program that is safe as PID 1, by the first line of its `main`. Leaves an orphan behind, says who it is, and waits for a
//! line:
//!
//! ```sh
//! cargo build --release --examples
//! sudo pidone --as-pid1 -- target/x86_64-unknown-linux-musl/release/examples/supervised
//! ```
//!
//! Without that line it would be 1 itself, SIGTERM would not reach it, and the orphan would stay a zombie.

use std::io::stdin;
use std::os::unix::process::parent_id;
use std::process::{Command, ExitCode, id};

fn main() -> ExitCode {
    if let Err(error) = pidone::supervise() {
        return error.report();
    }
    // Its child is nobody's when the shell has ended.
    Command::new("sh").args(["-c", "sleep 0.1 &"]).status().expect("there is a shell");
    println!("I am {}, my parent is {}", id(), parent_id());
    let mut line = String::new();
    stdin().read_line(&mut line).expect("stdin can be read");
    ExitCode::from(line.trim().parse().unwrap_or(0))
}
