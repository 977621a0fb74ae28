//! pidone side by side with others that do its job, and with floors: the same job in a few lines of static C.
//!
//! Runs in: the benchmark, and, when told to play a role, the workloads. `cargo bench -- --help` says how to use it. In reading
//! order:
//!
//! - [`contestants`]: who is measured; `floor/` has the C
//! - [`lab`]: builds and starts them; [`workloads`]: what they run; [`sys`]: the only unsafe code
//! - [`measure`]: the measurements; [`turns`]: who comes when
//! - [`figures`]: what they bring; [`report`], [`record`], [`chart`]: as text, JSON and SVG; [`bounds`]: against the promises
//!
//! Everything is measured in one run and in turns, one run of each contestant in each round; what counts are ratios, and an
//! absolute figure is only good beside another one of the same run.

mod bounds;
mod chart;
mod contestants;
mod figures;
mod lab;
mod measure;
mod record;
mod report;
mod sys;
mod turns;
mod workloads;

use lab::Lab;
use measure::{ALL, Measurement};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo bench -- [--quick] [--json FILE] [--svg FILE] [MEASUREMENT...]

  --quick      a few runs of each: to see that all works, not for figures to quote
  --json FILE  all figures, and what is known of the machine
  --svg FILE   a chart
  --list       the measurements; without names, all of them are made

PIDONE_BIN names another pidone to measure. Programs that are not installed are left out (Debian: tini dumb-init catatonit
bubblewrap util-linux valgrind linux-perf). The floors take musl-gcc (musl-tools), or gcc. As root, or in a user namespace.
";

#[derive(Default)]
struct Options {
    quick: bool,
    json: Option<PathBuf>,
    svg: Option<PathBuf>,
    measurements: Vec<&'static Measurement>,
}

fn main() -> ExitCode {
    workloads::play_if_asked();
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}\n{HELP}");
            return ExitCode::FAILURE;
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `None`: what was asked for has been said.
fn options(mut words: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    while let Some(word) = words.next() {
        let mut file = || words.next().map(PathBuf::from).ok_or(format!("{word} needs a file"));
        match word.as_str() {
            // cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => options.quick = true,
            "--json" => options.json = Some(file()?),
            "--svg" => options.svg = Some(file()?),
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(None);
            }
            "--list" => {
                ALL.iter().for_each(|one| println!("{:<14}{}", one.name, one.what));
                return Ok(None);
            }
            name => {
                let named = ALL.iter().find(|one| one.name == name);
                options.measurements.push(named.ok_or(format!("no option or measurement: {name}"))?);
            }
        }
    }
    if options.measurements.is_empty() {
        options.measurements = ALL.iter().collect();
    }
    Ok(Some(options))
}

fn run(options: &Options) -> io::Result<()> {
    let lab = Lab::set_up(options.quick)?;
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not root: all that follows is in a user namespace, where some of it takes longer");
        sys::become_root_of_a_user_namespace()?;
    }
    if let Some(machine) = record::machine().as_object() {
        machine.iter().for_each(|(what, value)| println!("{what}: {value}"));
        println!();
    }
    let mut tables = Vec::new();
    let mut failed = false;
    for Measurement { name, run, .. } in &options.measurements {
        let measured = run(&lab).unwrap_or_else(|error| {
            println!("{name}: could not be measured: {error}\n");
            failed = true;
            Vec::new()
        });
        measured.iter().for_each(|table| println!("{}", report::table(table)));
        tables.extend(measured);
    }
    let verdicts = bounds::judge(&tables);
    if !verdicts.is_empty() {
        println!("{}", report::verdicts(&verdicts));
    }
    if let Some(file) = &options.json {
        std::fs::write(file, format!("{:#}\n", record::json(&tables, &verdicts, options.quick)))?;
    }
    if let Some(file) = &options.svg {
        std::fs::write(file, chart::svg(&tables))?;
    }
    if failed { Err(io::Error::other("not everything could be measured")) } else { Ok(()) }
}
