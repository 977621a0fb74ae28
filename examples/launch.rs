//! Runs a command as `pidone` does, from code, and says how it ended. Options of `pidone` come before `--`:
//!
//! ```sh
//! cargo run --release --example launch -- --map-root --hostname=lab -- sh -c 'hostname; exit 3'
//! ```

use std::env::args_os;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = args_os().skip(1);
    let options: Vec<_> = words.by_ref().take_while(|word| word != "--").collect();
    let Some(program) = words.next() else {
        eprintln!("usage: launch [OPTION]... -- COMMAND [ARG]...");
        return ExitCode::from(2);
    };
    let launch = options.iter().fold(pidone::Launch::new(program), pidone::Launch::option).args(words);
    match launch.run() {
        Ok(ended) => {
            println!("{ended}");
            ExitCode::from(ended.status())
        }
        Err(error) => {
            eprintln!("{error}\n{}", error.hint());
            ExitCode::from(error.status())
        }
    }
}
