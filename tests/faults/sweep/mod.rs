//! Every system call fails once: pidone is traced through its ways to run, and each call that its processes make before the
//! workload is the workload's own program, and while it runs, is made to fail in turn.
//!
//! - [`scenes`]: the ways to run it
//! - [`calls`]: what a call can fail with, and what is left out
//! - [`tracer`]: counts, and injects
//! - [`ground`]: what a run stands on, and has to leave as it was
//! - [`run`]: one run, through all its steps
//! - [`verdict`]: what is right: the workload's own status after all steps, or 125 and one message; nothing left behind
//! - [`case`]: a fault and its name
//! - [`filters`]: what becomes of pidone without a call, as README tells it
//! - [`worker`]: a process that runs them one by one
//!
//! Without arguments a fixed sample is run. `--full` runs all; `--only SCENE/PROCESS/SYSCALL/N/ERRNO` runs one case, or those
//! whose names begin so; a bare word, those whose names contain it.

mod calls;
mod case;
mod filters;
mod ground;
mod run;
mod scenes;
#[allow(dead_code, unused_imports, reason = "shared with the other test program, which uses all of it")]
#[path = "../../support/mod.rs"]
mod support;
mod sys;
mod tracer;
mod verdict;
mod worker;

use case::Case;
use scenes::SCENES;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;
use worker::{Task, Worker};

/// The sample takes one case in so many: by their names, so that one call more or less somewhere makes no other sample.
const SAMPLE: u32 = 23;

/// FNV-1a.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What to run.
#[derive(Default)]
struct Choice {
    full: bool,
    only: Option<String>,
    words: Vec<String>,
}

impl Choice {
    fn read() -> Self {
        let mut choice = Choice::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--full" => choice.full = true,
                "--only" => choice.only = words.next(),
                // Of the standard harness; `cargo test` gives them to every test program.
                "--test-threads" | "--skip" | "--color" | "--format" => drop(words.next()),
                option if option.starts_with('-') => {}
                _ => choice.words.push(word),
            }
        }
        choice
    }

    fn takes(&self, name: &str) -> bool {
        match &self.only {
            Some(only) => name.starts_with(only.as_str()),
            None if !self.words.is_empty() => self.words.iter().any(|word| name.contains(word.as_str())),
            None => self.full || hash(name).is_multiple_of(SAMPLE),
        }
    }
}

/// Runs what the arguments ask for.
pub fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|word| word == worker::WORKER) {
        worker::work();
        return ExitCode::SUCCESS;
    }
    let choice = Choice::read();
    let start = Instant::now();
    let mut failures = Vec::new();
    let cases = collect(&choice, &mut failures);
    failures.iter().for_each(|failure| println!("FAILED {failure}"));
    println!("{} cases", cases.len());
    let verdicts = carry_out(cases, &mut failures);
    for (scene, counts) in &verdicts {
        let counts: Vec<_> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        println!("{scene}: {}", counts.join(", "));
    }
    let total: usize = verdicts.values().flat_map(BTreeMap::values).sum();
    println!("\n{total} cases, {} failures, in {:.1?}", failures.len(), start.elapsed());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks at every scene, and makes the list of cases.
fn collect(choice: &Choice, failures: &mut Vec<String>) -> Vec<Task> {
    if let Some(case) = choice.only.as_deref().and_then(Case::named).filter(|case| case.scene.can_be_had()) {
        return vec![Task::Case(case)];
    }
    let mut worker = Worker::start(0);
    let mut cases = Vec::new();
    for (number, errno) in filters::all().filter(|_| choice.only.is_none() && choice.words.is_empty()) {
        if filters::ROWS[number].can_be_had() {
            cases.push(Task::Row(number, errno));
        }
    }
    let wanted = |name: &str| choice.only.as_ref().is_none_or(|only| only.split('/').next() == Some(name));
    for scene in SCENES.iter().filter(|scene| wanted(scene.name)).filter(|scene| scene.can_be_had()) {
        let census = match worker.census(scene) {
            Ok(census) => census,
            Err(wrong) => {
                failures.push(format!("{}: {wrong}", scene.name));
                continue;
            }
        };
        let unnamed = worker::unnamed(&census);
        if !unnamed.is_empty() {
            failures.push(format!("{}: calls without a name in calls.rs: {}", scene.name, unnamed.join(" ")));
        }
        for case in Case::all(scene, &census) {
            if choice.takes(&case.to_string()) {
                cases.push(Task::Case(case));
            }
        }
    }
    worker.dismiss();
    if let (Some(only), true) = (&choice.only, cases.is_empty()) {
        failures.push(format!("no case is named {only}"));
    }
    cases
}

/// What runs one case again.
const AGAIN: &str = "cargo test --release --test faults --";

type Verdicts = BTreeMap<&'static str, BTreeMap<String, usize>>;

/// Runs the cases, as many at a time as there are processors.
fn carry_out(cases: Vec<Task>, failures: &mut Vec<String>) -> Verdicts {
    let verdicts = Mutex::new(Verdicts::new());
    let wrong = Mutex::new(failures);
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().expect("no worker's thread panics").next();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for number in 0..processors {
            let (next, wrong, verdicts) = (&next, &wrong, &verdicts);
            scope.spawn(move || {
                let mut worker = Worker::start(number);
                while let Some(task) = next() {
                    let verdict = worker.judge(&task).unwrap_or_else(|answer| {
                        let again = match &task {
                            Task::Case(case) => format!("{case}\n  again: {AGAIN} --only '{case}'"),
                            Task::Row(number, errno) => format!("README: {}: {errno:?}", filters::ROWS[*number]),
                        };
                        let failure = format!("{again}\n  {}", answer.replace("\\n", "\n  "));
                        println!("\nFAILED {failure}");
                        wrong.lock().expect("as above").push(failure);
                        "Wrong".to_owned()
                    });
                    let scene = match &task {
                        Task::Case(case) => case.scene.name,
                        Task::Row(..) => "README's table",
                    };
                    let mut verdicts = verdicts.lock().expect("as above");
                    *verdicts.entry(scene).or_default().entry(verdict).or_default() += 1;
                }
                worker.dismiss();
            });
        }
    });
    verdicts.into_inner().expect("all workers are done")
}
