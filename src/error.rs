//! Runs in: any thread-free process. What can go wrong before the workload runs, and how it is told: one line, at
//! most one hint.
//!
//! Past 300 lines for the table of stages.

use crate::sys;
use nix::errno::Errno;
use nix::libc::STDERR_FILENO;
use nix::unistd::getpid;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};
use std::os::unix::ffi::OsStrExt;

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// What pidone was doing when it failed. Crosses from init to outer as its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Stage { $($(#[$doc])* $name,)* }

        impl Stage {
            /// All of them, in the order of their numbers.
            pub(crate) const ALL: &[Stage] = &[$(Stage::$name,)*];

            /// What could not be done.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Stage::$name => $text,)* }
            }
        }
    };
}

stages! {
    /// The very first calls, rt_sigprocmask(2) and sigaction(2).
    BlockSignals => "cannot block signals",
    /// The text of `--help` or `--version`.
    PrintText => "cannot print",
    /// pipe2(2) between outer and init.
    MakePipe => "cannot make a pipe to init",
    /// clone(2) with the namespace flags.
    CloneNamespaces => "cannot create the new namespaces",
    /// Writing uid_map, gid_map and setgroups, user_namespaces(7).
    MapIds => "cannot map user and group ids",
    /// setresuid(2) and setresgid(2) to 0, where the caller's own ids are not mapped.
    BecomeRootInside => "cannot become root in the new user namespace",
    /// sethostname(2).
    SetHostName => "cannot set the host name",
    /// setdomainname(2).
    SetDomainName => "cannot set the domain name",
    /// SIOCSIFFLAGS on `lo`, netdevice(7).
    BringUpLoopback => "cannot bring up the loopback interface",
    /// unshare(2) with CLONE_NEWTIME, and setns(2) into it.
    MakeTimeNamespace => "cannot create the new time namespace",
    /// Writing timens_offsets, time_namespaces(7).
    SetClocks => "cannot set the clocks",
    /// Opening a file below /proc/PID/ns, or one that keeps a namespace.
    OpenNamespace => "cannot open a namespace",
    /// /proc/PID.
    FindTarget => "cannot find the process to enter",
    /// setns(2).
    EnterNamespace => "cannot enter a namespace",
    /// chroot(2) and fchdir(2) to what the target has.
    EnterRoot => "cannot enter the target's root directory",
    /// clone(2) once all namespaces are entered.
    StartInside => "cannot start a process in the entered PID namespace",
    /// What can only be looked up inside: users, groups.
    LookUpInside => "cannot prepare the command inside",
    /// mount(2) of a namespace's file, and what that takes.
    KeepNamespace => "cannot keep a namespace",
    /// umount2(2) and unlink(2) of such a file.
    ReleaseNamespace => "cannot release a namespace",
    /// Writing a report that outer waits for.
    TellOuter => "cannot report to outer",
    /// Reading outer's word that the ids are mapped.
    AwaitIds => "cannot hear from outer that ids are mapped",
    /// PR_SET_PDEATHSIG and the pipe that notices outer's death.
    TieToOuter => "cannot arrange to die with outer",
    /// mount(2) with a propagation type on the root.
    SetPropagation => "cannot set the mount propagation",
    /// Making the old /proc private, so that the new one does not appear elsewhere.
    ConfineProc => "cannot keep the new /proc out of other mount namespaces",
    /// Mounting a new procfs.
    MountProc => "cannot mount a fresh /proc",
    /// Bind-mounting the caller's procfs.
    BindProc => "cannot bind the caller's /proc",
    /// Opening the directory that is to be the root.
    OpenRoot => "cannot open the new root directory",
    /// Mounting it on itself, for pivot_root(2).
    MountRoot => "cannot mount the new root directory",
    /// open_tree(2) of what is to be bound.
    TakeSource => "cannot take this to be mounted inside",
    /// mount_setattr(2) of it.
    MakeReadOnly => "cannot make the mount read-only",
    /// openat2(2), mkdirat(2) of a mount point.
    MakeTarget => "cannot make the mount point",
    /// move_mount(2).
    MountThere => "cannot mount on this path",
    /// openat2(2) of what is to be masked.
    FindMasked => "cannot find what is to be masked",
    /// fsopen(2) and what follows, for tmpfs.
    MakeTmpfs => "cannot make a tmpfs",
    /// The same for devpts.
    MakeDevpts => "cannot make a devpts",
    /// symlink(2) in a new /dev.
    MakeLink => "cannot make a link in the new /dev",
    /// mount_setattr(2) of the root.
    MakeRootReadOnly => "cannot make the root read-only",
    /// pivot_root(2).
    SwitchRoot => "cannot switch to the new root directory",
    /// open(2) of `--trace`.
    OpenTrace => "cannot open the trace",
    /// PR_SET_CHILD_SUBREAPER.
    BecomeSubreaper => "cannot become a child subreaper",
    /// clone(2) of the workload's process.
    StartProcess => "cannot start a process for the command",
    /// rt_sigprocmask(2) and sigaction(2) in the workload's process.
    RestoreSignals => "cannot restore the signal mask for the command",
    /// PR_SET_PDEATHSIG for `--pdeathsig`.
    TieToParent => "cannot arrange to hear of the parent's death",
    /// setsid(2).
    MakeSession => "cannot give the command a session of its own",
    /// setrlimit(2).
    SetLimit => "cannot set a resource limit for the command",
    /// setpriority(2).
    SetNice => "cannot set the command's scheduling priority",
    /// Writing oom_score_adj, proc_pid_oom_score_adj(5).
    SetOomScore => "cannot set the command's OOM score adjustment",
    /// setgroups(2).
    SetGroups => "cannot set the command's supplementary groups",
    /// setresgid(2).
    SetGid => "cannot set the command's group",
    /// setresuid(2).
    SetUid => "cannot set the command's user",
    /// PR_CAPBSET_DROP, capset(2).
    DropCaps => "cannot take capabilities from the command",
    /// PR_SET_KEEPCAPS, capset(2), PR_CAP_AMBIENT.
    KeepCaps => "cannot keep capabilities for the command",
    /// PR_SET_NO_NEW_PRIVS.
    NoNewPrivs => "cannot forbid new privileges to the command",
    /// chdir(2).
    ChangeDirectory => "cannot enter the command's working directory",
    /// Whatever `probe` needs for one.
    StartTrial => "cannot try the command out",
    /// /proc, and /proc/PID in it.
    Inspect => "cannot inspect",
    /// symlink(2) of `install-names`.
    InstallName => "cannot make a link to pidone",
    /// execve(2): nothing by that name.
    FindCommand => "cannot find the command",
    /// execve(2): it is there, but does not run.
    RunCommand => "cannot run the command",
}

impl Stage {
    /// Whether it is about what the workload finds in the file system.
    pub(crate) fn is_about_files(self) -> bool {
        matches!(
            self,
            Stage::OpenRoot
                | Stage::MountRoot
                | Stage::TakeSource
                | Stage::MakeReadOnly
                | Stage::MakeTarget
                | Stage::MountThere
                | Stage::FindMasked
                | Stage::MakeTmpfs
                | Stage::MakeDevpts
                | Stage::MakeLink
                | Stage::MakeRootReadOnly
                | Stage::SwitchRoot
        )
    }

    /// Whether it is about namespaces that are there, and are to be entered.
    pub(crate) fn is_about_entering(self) -> bool {
        matches!(
            self,
            Stage::OpenNamespace
                | Stage::FindTarget
                | Stage::EnterNamespace
                | Stage::EnterRoot
                | Stage::StartInside
        )
    }

    /// Whether it turns a process into whom the workload is to be.
    pub(crate) fn is_about_identity(self) -> bool {
        matches!(
            self,
            Stage::SetLimit
                | Stage::SetNice
                | Stage::SetOomScore
                | Stage::SetGroups
                | Stage::SetGid
                | Stage::SetUid
                | Stage::DropCaps
                | Stage::KeepCaps
                | Stage::ChangeDirectory
        )
    }
}

/// A failed system call. One pointer, because hardly a function can do without returning one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(Box<FailedCall>);

/// What a system call was for, on what, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedCall {
    /// What pidone was doing.
    pub(crate) stage: Stage,
    /// On what: a path, a command, names of namespaces.
    pub(crate) object: OsString,
    /// The kernel's reason.
    pub(crate) errno: Errno,
}

impl Deref for Failure {
    type Target = FailedCall;

    fn deref(&self) -> &FailedCall {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut FailedCall {
        &mut self.0
    }
}

impl Failure {
    pub(crate) fn new(stage: Stage, object: impl AsRef<OsStr>, errno: Errno) -> Self {
        Self::on(stage, object.as_ref().to_owned(), errno)
    }

    /// The same on what is there already.
    #[inline(never)]
    pub(crate) fn on(stage: Stage, object: OsString, errno: Errno) -> Self {
        Failure(Box::new(FailedCall { stage, object, errno }))
    }

    /// The one line.
    pub(crate) fn line(&self, voice: Voice) -> Vec<u8> {
        let is_exec = matches!(self.stage, Stage::FindCommand | Stage::RunCommand);
        let (before, after) = match voice {
            Voice::Tini if is_exec => ("exec ".into(), format!(" failed: {}", sys::error_text(self.errno))),
            Voice::DumbInit if is_exec => (String::new(), format!(": {}", sys::error_text(self.errno))),
            _ => (format!("{}: ", self.stage.text()), format!(": {}", reason(self.errno))),
        };
        [voice.prefix().as_bytes(), before.as_bytes(), self.object.as_bytes(), after.as_bytes()].concat()
    }

    /// Prints the failure and, where there is one, what to do about it.
    pub(crate) fn print(&self, voice: Voice, hint: Option<&str>) {
        write_message(&self.line(voice), hint.unwrap_or_default());
    }
}

/// How messages about a failed start look: there are people who read logs by what other inits write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    Pidone,
    Tini,
    DumbInit,
    Catatonit,
}

impl Voice {
    /// Who speaks.
    fn name(self) -> &'static str {
        match self {
            Voice::Pidone => "pidone",
            Voice::Tini => "tini",
            Voice::DumbInit => "dumb-init",
            Voice::Catatonit => "catatonit",
        }
    }

    /// What a line about a failure begins with.
    fn prefix(self) -> String {
        let name = self.name();
        match self {
            Voice::Pidone => format!("{name}: "),
            Voice::Tini => format!("[FATAL {name} ({})] ", getpid()),
            Voice::DumbInit => format!("[{name}] "),
            Voice::Catatonit => format!("ERROR ({name}:{}): ", getpid()),
        }
    }
}

/// The system's text for an error, and its name: `No such file or directory (ENOENT)`.
pub(crate) fn reason(errno: Errno) -> String {
    format!("{} ({errno:?})", sys::error_text(errno))
}

/// The kernel's reason in an error of the standard library's.
pub(crate) fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// Why the command does not run.
pub(crate) enum Refusal {
    Usage(UsageError),
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Failure(failure)
    }
}

impl From<UsageError> for Refusal {
    fn from(error: UsageError) -> Self {
        Refusal::Usage(error)
    }
}

/// Something that was asked for in a way pidone does not understand or cannot do. One pointer, as a [`Failure`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageError(Box<Misuse>);

/// What a [`UsageError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misuse {
    /// One line: what, and the word in question.
    pub(crate) message: String,
    /// What to do instead; may be empty.
    pub(crate) hint: String,
}

impl Deref for UsageError {
    type Target = Misuse;

    fn deref(&self) -> &Misuse {
        &self.0
    }
}

impl DerefMut for UsageError {
    fn deref_mut(&mut self) -> &mut Misuse {
        &mut self.0
    }
}

impl UsageError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::with_hint(message, "'pidone -h' lists the options, 'pidone --help' explains them")
    }

    pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::of(message.into(), hint.into())
    }

    #[inline(never)]
    fn of(message: String, hint: String) -> Self {
        UsageError(Box::new(Misuse { message, hint }))
    }

    /// The line begins with the name alone, as getopt(3) and its like have it.
    pub(crate) fn print(&self, voice: Voice) {
        print_message(voice, self.message.as_bytes(), &self.hint);
    }
}

/// The same for any message, without the brackets and pids that some voices have.
pub(crate) fn print_message(voice: Voice, message: &[u8], hint: &str) {
    write_message(&[voice.name().as_bytes(), b": ", message].concat(), hint);
}

/// Writes message and hint to stderr in one piece, each on a line of its own whatever bytes they hold.
fn write_message(message: &[u8], hint: &str) {
    let mut text = Vec::new();
    push_escaped(&mut text, message);
    text.push(b'\n');
    if !hint.is_empty() {
        text.extend_from_slice(b"hint: ");
        push_escaped(&mut text, hint.as_bytes());
        text.push(b'\n');
    }
    // Ignoring the error: with stderr closed there is nowhere left to say so; the exit status still tells.
    let _ = crate::text::write_all(sys::stdio(STDERR_FILENO), &text);
}

/// For one line, whatever stands in it.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    push_escaped(&mut text, bytes);
    String::from_utf8_lossy(&text).into_owned()
}

/// Control characters would let a file name start a new line or drive the terminal.
fn push_escaped(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if byte.is_ascii_control() {
            let mut escaped = String::new();
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
            text.extend_from_slice(escaped.as_bytes());
        } else {
            text.push(*byte);
        }
    }
}

#[cfg(test)]
#[path = "fuzz/error.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_object_and_errno() {
        let failure = Failure::new(Stage::FindCommand, "nosuch", Errno::ENOENT);
        let line = |voice| String::from_utf8(failure.line(voice)).unwrap();
        assert_eq!(
            line(Voice::Pidone),
            "pidone: cannot find the command: nosuch: No such file or directory (ENOENT)"
        );
        assert_eq!(line(Voice::DumbInit), "[dumb-init] nosuch: No such file or directory");
        assert!(line(Voice::Tini).ends_with(")] exec nosuch failed: No such file or directory"));
    }

    #[test]
    fn a_stage_is_found_again_by_its_number() {
        for (index, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, index);
        }
    }

    #[test]
    fn a_name_cannot_start_a_new_line() {
        let mut text = Vec::new();
        push_escaped(&mut text, b"a\nb\x1b[31m\xff");
        assert_eq!(text, b"a\\x0ab\\x1b[31m\xff");
    }
}
