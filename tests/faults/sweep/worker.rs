//! A process that runs cases, one line of its stdin after the other: it adopts what they leave behind, and so must run one
//! at a time.

use super::calls;
use super::case::Case;
use super::filters::ROWS;
use super::ground::Ground;
use super::run::{Run, run};
use super::scenes::{self, Scene};
use super::support::{self, privilege};
use super::tracer::Census;
use super::verdict::{ITS_OWN, Told, judge};
use nix::errno::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// The first argument of a process that is a worker.
pub const WORKER: &str = "--worker";

/// Does what stdin asks for, until its end.
pub fn work() {
    let number = std::env::args().nth(2).and_then(|number| number.parse().ok()).expect("a number");
    let mut ground = Ground::prepare(number);
    let mut clean = Clean::new();
    for line in std::io::stdin().lines() {
        let line = line.expect("read what to do");
        let answer = match line.split_once(' ') {
            Some(("census", scene)) => census(scenes::named(scene).expect("a scene"), &mut ground),
            Some(("row", words)) => row(words, &mut ground, &mut clean),
            Some(("case", name)) => case(&Case::named(name).expect("a case"), &mut ground, &mut clean),
            _ => panic!("no request: {line}"),
        };
        println!("{answer}");
    }
}

/// The files that each scene makes.
type Clean = BTreeMap<&'static str, BTreeSet<PathBuf>>;

/// Runs a scene without a fault: `PROCESS CALL COUNT` for each call, and what is wrong if something is.
fn census(scene: &Scene, ground: &mut Ground) -> String {
    /// Some calls are made once more or less, as deaths and signals happen to come together.
    const RUNS: usize = 3;
    let mut most = Census::new();
    for _ in 0..RUNS {
        let (run, _) = without_a_fault(scene, ground);
        let is_right = run.status == Some(ITS_OWN) && run.said.len() == 3 && run.repeats == 0;
        if !is_right || !Told::read(&run.stderr).is_nothing() || !run.left.is_empty() {
            return format!("bad without a fault: {}", describe(&run));
        }
        for (key, count) in run.census {
            let entry = most.entry(key).or_default();
            *entry = count.max(*entry);
        }
    }
    let words = most.iter().map(|((process, call), count)| format!("{process} {call} {count}"));
    format!("ok {}", words.collect::<Vec<_>>().join(","))
}

/// Files that the scene makes and may leave are those of the run itself.
fn without_a_fault(scene: &Scene, ground: &mut Ground) -> (Run, BTreeSet<PathBuf>) {
    let mut run = ground.patiently(|ground| run(scene, ground, None, &BTreeSet::new()));
    run.left.retain(|left| !left.starts_with("made: "));
    let files = std::mem::take(&mut run.files);
    (run, files)
}

/// Runs a case: `ok VERDICT`, or what is wrong.
fn case(case: &Case, ground: &mut Ground, clean: &mut Clean) -> String {
    let allowed = clean.entry(case.scene.name).or_insert_with(|| without_a_fault(case.scene, ground).1);
    let mut run = run_case(case, ground, allowed);
    if run.repeats > 0 && judge(case, &run).is_err() {
        run = ground.patiently(|ground| run_case(case, ground, allowed));
    }
    match judge(case, &run) {
        Ok(verdict) => format!("ok {verdict:?}"),
        Err(wrong) => format!("bad {}", format!("{wrong}; {}", describe(&run)).escape_debug()),
    }
}

fn run_case(case: &Case, ground: &mut Ground, allowed: &BTreeSet<PathBuf>) -> Run {
    run(case.scene, ground, Some(case.fault()), allowed)
}

/// Tries a row of README's table, `NUMBER ERRNO`.
fn row(words: &str, ground: &mut Ground, clean: &mut Clean) -> String {
    let (number, errno) = words.split_once(' ').expect("two words");
    let row = number.parse::<usize>().ok().and_then(|number| ROWS.get(number)).expect("a row");
    let scene = scenes::named(row.scene).expect("a scene");
    let allowed = clean.entry(scene.name).or_insert_with(|| without_a_fault(scene, ground).1);
    let errno = calls::errno(errno).expect("an error");
    let tried = row.try_out(errno, ground, allowed);
    match tried.or_else(|_| ground.patiently(|ground| row.try_out(errno, ground, allowed))) {
        Ok(()) => "ok AsReadmeSays".to_owned(),
        Err(wrong) => format!("bad {}", wrong.escape_debug()),
    }
}

fn describe(run: &Run) -> String {
    let Run { status, said, stderr, repeats, left, hits, .. } = run;
    format!("status {status:?}, said {said:?}, {repeats} repeats, {hits} hits, left {left:?}, stderr:\n{stderr}")
}

/// What a worker can be given to do.
pub enum Task {
    Case(Case),
    /// The number of a row, and what its call fails with.
    Row(usize, Errno),
}

/// A worker, as seen by who gives it work.
pub struct Worker {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// The `number` makes its files and its processor its own.
    pub fn start(number: usize) -> Self {
        let program = std::env::current_exe().expect("know this program");
        // In namespaces of its own it sees no processes and mounts but those of its runs, and leaves none.
        let options: &[&str] = if privilege::privileged() {
            &["--as-pid1", "--new-session"]
        } else if privilege::user_namespaces() {
            &["--as-pid1", "--new-session", "--map-current"]
        } else {
            &["--in-place", "--new-session"]
        };
        let mut command = support::pidone(options);
        command.env("TMPDIR", support::scratch(&format!("worker-{number}")));
        command
            .arg("--")
            .arg(program)
            .arg(WORKER)
            .arg(number.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("start a worker");
        let requests = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        Worker { process, requests, answers }
    }

    fn ask(&mut self, request: &str) -> String {
        writeln!(self.requests, "{request}").expect("ask a worker");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("hear a worker");
        assert!(!answer.is_empty(), "a worker has died at: {request}");
        answer.trim_end().to_owned()
    }

    /// What a scene does.
    pub fn census(&mut self, scene: &Scene) -> Result<Census, String> {
        let answer = self.ask(&format!("census {}", scene.name));
        let words = answer.strip_prefix("ok ").ok_or(&answer)?;
        let entry = |words: &str| {
            let mut numbers = words.split(' ').map(|number| number.parse::<i64>().expect("a number"));
            let mut next = || numbers.next().expect("three numbers");
            ((usize::try_from(next()).expect("small"), next()), u32::try_from(next()).expect("small"))
        };
        Ok(words.split(',').map(entry).collect())
    }

    /// The verdict of a case, or of a row.
    pub fn judge(&mut self, task: &Task) -> Result<String, String> {
        let answer = self.ask(&match task {
            Task::Case(case) => format!("case {case}"),
            Task::Row(number, errno) => format!("row {number} {errno:?}"),
        });
        answer.strip_prefix("ok ").map(ToOwned::to_owned).ok_or(answer)
    }

    /// Waits for its end.
    pub fn dismiss(self) {
        let Worker { mut process, requests, .. } = self;
        drop(requests);
        let _ = process.wait();
    }
}

/// The calls of a census that have no name here.
pub fn unnamed(census: &Census) -> Vec<String> {
    census.keys().map(|(_, call)| calls::name(*call)).filter(|name| name.starts_with('#')).collect()
}
