//! What all tests share. Nothing here sleeps but `eventually`.

mod crowds;
pub mod json;
pub mod place;
pub mod privilege;
pub mod procfs;
mod programs;
pub mod pty;
pub mod rootfs;
pub mod runner;
pub mod sys;
mod workload;

pub use place::{Place, options};
pub use runner::{Running, run, text};

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long anything may take before the test fails; generous, because machines are shared.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives something, looking again every few milliseconds.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < DEADLINE, "never happened: {what}\n{}", procfs::tree());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Repetitions of a race: `base`, times `PIDONE_TEST_ROUNDS`.
pub fn rounds(base: usize) -> usize {
    let factor = std::env::var("PIDONE_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    base * factor
}

/// A directory that every user can read, with copies of the programs; removed when the test program ends.
fn workshop() -> &'static Path {
    static WORKSHOP: OnceLock<PathBuf> = OnceLock::new();
    WORKSHOP.get_or_init(|| {
        let directory = std::env::temp_dir().join(format!("pidone-tests-{}", std::process::id()));
        std::fs::create_dir(&directory).expect("make the workshop");
        let pidone = std::env::var_os("PIDONE_BIN").unwrap_or(env!("CARGO_BIN_EXE_pidone").into());
        copy(pidone.as_ref(), &directory.join("pidone"));
        copy(&std::env::current_exe().expect("know this program"), &directory.join("player"));
        sys::at_exit(remove_workshop);
        sys::heed_the_terminal();
        directory
    })
}

/// Copies a program, in a process of its own: a descriptor that is open for writing here could be inherited by what another
/// test starts in that instant, and until that has called exec nobody can run the copy (ETXTBSY).
pub fn copy(from: &Path, to: &Path) {
    text(Command::new("cp").arg(from).arg(to));
}

extern "C" fn remove_workshop() {
    let _ = std::fs::remove_dir_all(workshop());
}

/// A fresh directory inside the workshop, writable for everyone.
pub fn scratch(name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let directory = workshop().join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).expect("make a scratch directory");
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).expect("open it to everyone");
    directory
}

/// The binary under test.
pub fn binary() -> PathBuf {
    workshop().join("pidone")
}

/// The binary under test with these arguments.
pub fn pidone(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(binary());
    command.args(args);
    command
}

/// The words that make this test program play a workload; see `support/workload.rs`.
pub fn play(role: &str) -> [String; 2] {
    [workshop().join("player").display().to_string(), format!("play:{role}")]
}

/// A shell script with `$PIDONE` set to the binary under test.
pub fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("PIDONE", binary());
    command
}
