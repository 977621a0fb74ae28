//! Runs a command as `pidone` does, from code, and says how it ended. Options of `pidone` come before `--`:
//!
//! ```sh
//! cargo run --release --example launch -- --map-root --hostname=lab -- sh -c 'hostname; exit 3'
//! ```

use pidone::{Launch, LaunchError, Outcome};
use std::env::args_os;
use std::process::ExitCode;

fn main() -> ExitCode {
    launch().map_or_else(|error| error.report(), ExitCode::from)
}

fn launch() -> Result<Outcome, LaunchError> {
    // As PID 1 of a container it would be a child of PID 1 from here on.
    pidone::supervise()?;
    let mut words = args_os().skip(1);
    let options: Vec<_> = words.by_ref().take_while(|word| word != "--").collect();
    let outcome = Launch::new(words.next().unwrap_or("true".into())).args(words).options(options).run()?;
    println!("{outcome}");
    Ok(outcome)
}
