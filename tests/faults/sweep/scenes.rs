//! The ways to run pidone in which each system call is made to fail.

use super::ground::Ground;
use super::support::{self, privilege};
use std::process::Command;

/// Where the process stands that is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    AsRoot,
    /// By an ordinary user.
    AsNobody,
    /// As PID 1 of a PID namespace.
    AsPidOne,
    /// As a job in the foreground of a terminal.
    OnTerminal,
}

/// One way to run pidone.
pub struct Scene {
    pub name: &'static str,
    pub start: Start,
    /// What the processes are, in the order in which they are made.
    pub processes: &'static [&'static str],
    /// Options, and a verb before them.
    options: fn(&Ground) -> Vec<String>,
}

const IN_PLACE: &[&str] = &["init", "workload"];
const ISOLATED: &[&str] = &["outer", "init", "workload"];

/// All of them.
pub const SCENES: &[Scene] = &[
    Scene { name: "subreaper", start: Start::AsNobody, processes: IN_PLACE, options: |_| words("--in-place") },
    Scene { name: "pid-one", start: Start::AsPidOne, processes: IN_PLACE, options: |_| vec![] },
    Scene { name: "isolated", start: Start::AsRoot, processes: ISOLATED, options: |_| words("--isolate") },
    Scene {
        name: "map-root",
        start: Start::AsNobody,
        processes: ISOLATED,
        options: |_| words("--isolate --map-root"),
    },
    Scene {
        name: "bare",
        start: Start::AsRoot,
        processes: &["outer", "workload"],
        options: |_| words("--as-pid1"),
    },
    Scene { name: "rootfs", start: Start::AsRoot, processes: ISOLATED, options: rootfs },
    Scene { name: "rootfs-map-root", start: Start::AsNobody, processes: ISOLATED, options: rootfs_map_root },
    Scene { name: "enter", start: Start::AsRoot, processes: &["outer", "joiner", "workload"], options: enter },
    Scene { name: "keep", start: Start::AsRoot, processes: ISOLATED, options: keep },
    Scene { name: "user", start: Start::AsRoot, processes: ISOLATED, options: |_| words(USER) },
    Scene { name: "all", start: Start::AsRoot, processes: ISOLATED, options: |_| words(ALL) },
    Scene { name: "all-in-place", start: Start::AsPidOne, processes: IN_PLACE, options: |_| words(ALL_IN_PLACE) },
    Scene { name: "stop", start: Start::AsRoot, processes: ISOLATED, options: |_| words(STOP) },
    Scene { name: "stop-in-place", start: Start::AsNobody, processes: IN_PLACE, options: |_| words(STOP_IN_PLACE) },
    Scene { name: "trace", start: Start::AsRoot, processes: ISOLATED, options: trace },
    Scene { name: "terminal", start: Start::OnTerminal, processes: ISOLATED, options: |_| words("--isolate") },
    Scene {
        name: "terminal-in-place",
        start: Start::OnTerminal,
        processes: IN_PLACE,
        options: |_| words("--in-place"),
    },
];

const USER: &str = "--isolate --uid 65534:65534 --groups 65534 --keep-caps net_bind_service --no-new-privs --umask 027 \
                    --nice 5 --rlimit nofile=512 --oom-score-adj 100 --workdir /tmp --env A=B";
const ALL: &str = "--isolate --uts --ipc --net --cgroup --time --hostname faults --domainname nis --boottime 1000";
const ALL_IN_PLACE: &str =
    "--in-place --map-root --uts --ipc --net --cgroup --time --hostname faults --boottime 1000";
const STOP: &str =
    "--isolate --stop-timeout 1s --stop-delay 10ms --stop-all --on-exit term --pdeathsig TERM --group";
const STOP_IN_PLACE: &str = "--in-place --stop-timeout 1s --stop-all --on-exit term --pdeathsig TERM";

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

fn rootfs(ground: &Ground) -> Vec<String> {
    let place = ground.directory.display();
    words(&format!(
        "--isolate --rootfs {place}/root --dev /dev --tmpfs /tmp:1m --bind {place}/from:/to --ro-bind {place}/from:/ro \
         --mask /secret --mask /secrets --read-only"
    ))
}

fn rootfs_map_root(ground: &Ground) -> Vec<String> {
    let place = ground.directory.display();
    words(&format!("--isolate --map-root --rootfs {place}/root --tmpfs /tmp --bind {place}/from:/to --dev /dev"))
}

fn enter(ground: &Ground) -> Vec<String> {
    words(&format!("enter {}", ground.target()))
}

fn keep(ground: &Ground) -> Vec<String> {
    words(&format!("--isolate --uts --persist {}/kept", ground.directory.display()))
}

fn trace(ground: &Ground) -> Vec<String> {
    words(&format!("--isolate --trace={}/trace.jsonl", ground.directory.display()))
}

impl Scene {
    /// Whether this can be had here; else says so.
    pub fn can_be_had(&self) -> bool {
        match self.start {
            Start::AsNobody if self.name.ends_with("map-root") => privilege::user_namespaces(),
            Start::AsNobody => true,
            Start::OnTerminal if self.processes == IN_PLACE => true,
            Start::AsRoot | Start::AsPidOne | Start::OnTerminal => privilege::privileged(),
        }
    }

    /// pidone with the workload that goes through all steps.
    pub fn command(&self, ground: &Ground) -> Command {
        // What is put in leaves its orphans to the init there, which stays.
        let role = if self.name == "enter" { "steps-alone" } else { "steps" };
        let [player, role] = support::play(role);
        let player = if self.name.starts_with("rootfs") { "/player".to_owned() } else { player };
        let mut command = support::pidone((self.options)(ground));
        command.args(["--", &player, &role]);
        if self.start == Start::AsNobody {
            privilege::as_nobody(&mut command);
        }
        command
    }

    /// The name of a process.
    pub fn process(&self, index: usize) -> String {
        self.processes.get(index).map_or_else(|| format!("process-{index}"), |name| (*name).to_owned())
    }

    /// The number of a process of this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        let unnamed = || name.strip_prefix("process-")?.parse().ok();
        self.processes.iter().position(|process| *process == name).or_else(unnamed)
    }
}

/// The scene of this name.
pub fn named(name: &str) -> Option<&'static Scene> {
    SCENES.iter().find(|scene| scene.name == name)
}
