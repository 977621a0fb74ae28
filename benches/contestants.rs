//! Runs in: the benchmark. Who is measured: pidone, the floors, and the programs of others that do the same job.

use std::path::{Path, PathBuf};

/// How a contestant is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In place, being PID 1, as in a container.
    PidOne,
    /// In place, and not PID 1.
    Subreaper,
    /// In new PID and mount namespaces, with a fresh /proc.
    Isolated,
}

/// A program with what it is told.
#[derive(Clone)]
pub struct Contestant {
    pub name: &'static str,
    /// All that stands before the command that it runs; the first word is a path.
    pub words: Vec<String>,
}

impl Contestant {
    /// The words that make it run this command.
    pub fn running(&self, command: &[String]) -> Vec<String> {
        self.words.iter().chain(command).cloned().collect()
    }
}

pub const FLOOR: &str = "floor";
/// The floor for a second time: what it differs by from the first is the noise of the machine.
pub const CONTROL: &str = "floor (again)";
pub const PIDONE: &str = "pidone";
pub const UNSHARE_TINI: &str = "unshare + tini-static";
pub const PEERS_IN_PLACE: [&str; 4] = ["tini", "tini-static", "dumb-init", "catatonit"];

/// Where the programs that are built for this benchmark are.
pub struct Built {
    pub pidone: PathBuf,
    pub floor_in_place: PathBuf,
    pub floor_isolated: PathBuf,
    /// Ends at once, with 0.
    pub nothing: PathBuf,
    /// This very program, which plays workloads.
    pub player: PathBuf,
}

/// Those for one place, in the order in which they are shown; and what is not installed.
pub fn all(place: Place, built: &Built) -> (Vec<Contestant>, Vec<&'static str>) {
    let isolated = place == Place::Isolated;
    let floor = if isolated { &built.floor_isolated } else { &built.floor_in_place };
    let ours = [
        (FLOOR, vec![floor.display().to_string()]),
        (CONTROL, vec![floor.display().to_string()]),
        (PIDONE, pidone(place, built)),
    ];
    let mut found: Vec<Contestant> = ours.map(|(name, words)| Contestant { name, words }).into();
    let mut missing = Vec::new();
    for (name, words) in if isolated { isolating() } else { in_place(place) } {
        match words.iter().map(|word| resolve(word)).collect() {
            Some(words) => found.push(Contestant { name, words }),
            None => missing.push(name),
        }
    }
    (found, missing)
}

/// As PID 1 and elsewhere, nothing but the default is needed.
fn pidone(place: Place, built: &Built) -> Vec<String> {
    let program = built.pidone.display().to_string();
    match place {
        Place::Subreaper => vec![program, "--in-place".into(), "--".into()],
        Place::PidOne | Place::Isolated => vec![program, "--".into()],
    }
}

type Words = Vec<&'static str>;

fn in_place(place: Place) -> Vec<(&'static str, Words)> {
    let [tini, tini_static, dumb_init, catatonit] = PEERS_IN_PLACE;
    let subreaper: &[&str] = if place == Place::Subreaper { &["-s"] } else { &[] };
    let tini_like = |program| [&[program], subreaper, &["--"]].concat();
    vec![
        (tini, tini_like("@tini")),
        (tini_static, tini_like("@tini-static")),
        (dumb_init, vec!["@dumb-init", "--"]),
        (catatonit, vec!["@catatonit", "--"]),
    ]
}

fn isolating() -> Vec<(&'static str, Words)> {
    let kill_child = ["@unshare", "-fp", "--mount-proc", "--kill-child", "--"];
    vec![
        ("unshare", vec!["@unshare", "-fp", "--mount-proc", "--"]),
        ("unshare --kill-child", kill_child.into()),
        (UNSHARE_TINI, [&kill_child[..], &["@tini-static", "--"]].concat()),
        ("bwrap", vec!["@bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--"]),
    ]
}

/// A word that begins with `@` is a program's name.
fn resolve(word: &str) -> Option<String> {
    match word.strip_prefix('@') {
        Some(program) => find(program).map(|path| path.display().to_string()),
        None => Some(word.to_owned()),
    }
}

/// A program in PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    places.map(|place| place.join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
