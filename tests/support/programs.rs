//! Programs that use the crate as a library, played by this very program as workloads are (`support/workload.rs`): each is a
//! process of one thread. A failed assertion aborts it. The first word says where to launch, as an option.

use super::{eventually, procfs, rounds, sys};
use pidone::{Launch, LaunchError, OnExit, Outcome, Signal, Supervise};
use std::fs::File;
use std::io::{Read, Write, pipe, read_to_string};
use std::os::unix::process::parent_id;
use std::process::id;
use std::time::Duration;

/// Runs the program by this name with these arguments; false if there is none.
pub fn play(name: &str, words: &[String]) -> bool {
    match name {
        "launch" => {
            // To be found again afterwards.
            sys::catch(20);
            say_outcome(&launch(words).run());
        }
        "launch-without-forwarding" => say_outcome(&launch(words).forward_signals(false).run()),
        "spawn-and-wait" => {
            sys::catch(20);
            let mut launched = launch(words).spawn().expect("start it");
            say(&format!("spawned {}", launched.id()));
            say_outcome(&launched.wait());
        }
        "spawn-and-go" => {
            launch(words).spawn().expect("start it");
            say("gone");
        }
        "handle" => handle(words),
        "builder" => builder(words),
        "identity" => identity(words),
        "mistakes" => mistakes(),
        "keep" => keep(words),
        "other-children" => other_children(words),
        "ignore-children" => ignore_children(words),
        "another-thread" => with_another_thread(),
        "supervise" => supervise(words),
        _ => return false,
    }
    true
}

fn say(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
    let _ = std::io::stdout().flush();
}

fn say_outcome(outcome: &Result<Outcome, LaunchError>) {
    match outcome {
        Ok(outcome) => say(&format!("{outcome}; handlers {}", procfs::status("self", "SigCgt").unwrap())),
        Err(error) => say(&format!("status {}: {error}", error.status())),
    }
}

/// What the words say: options, `--`, the command.
fn launch(words: &[String]) -> Launch {
    let mut words = words.iter();
    let options: Vec<_> = words.by_ref().take_while(|word| *word != "--").collect();
    let mut launch = Launch::new(words.next().expect("a command"));
    launch.options(options).args(words);
    launch
}

fn shell(place: &[String], script: &str) -> Launch {
    let mut launch = Launch::new("sh");
    launch.arg("-c").arg(script).options(place);
    launch
}

/// What can be done with a launch that runs.
fn handle(place: &[String]) {
    let mut sleep = Launch::new("sleep").arg("1000").options(place).spawn().unwrap();
    assert_eq!(sleep.try_wait().unwrap(), None);
    assert_eq!(procfs::children(id().cast_signed()), [sleep.id().cast_signed()]);
    sleep.signal(Signal::TERM).unwrap();
    assert_eq!(sleep.wait().unwrap(), Outcome::Killed(Signal::TERM));
    // It is known to have ended: nobody is hit, and the answer stays the same.
    sleep.signal(Signal::TERM).unwrap();
    sleep.kill().unwrap();
    assert_eq!(sleep.try_wait().unwrap(), Some(Outcome::Killed(Signal::TERM)));
    assert_eq!(sleep.wait().unwrap(), Outcome::Killed(Signal::TERM));

    // It heeds nothing else, and its child holds the pipe, too.
    let (reader, writer) = pipe().unwrap();
    let script = "trap '' TERM; sleep 1000 & echo up; while :; do wait; done";
    let mut stubborn = shell(place, script).stdout(writer).spawn().unwrap();
    let mut line = [0; 3];
    (&reader).read_exact(&mut line).unwrap();
    stubborn.signal(Signal::TERM).unwrap();
    assert!(stubborn.signal(Signal::STOP).is_err());
    assert_eq!(stubborn.try_wait().unwrap(), None);
    stubborn.signal(Signal::KILL).unwrap();
    assert_eq!(stubborn.wait().unwrap(), Outcome::Killed(Signal::KILL));
    assert_eq!(read_to_string(reader).unwrap(), "", "the others have ended, too");

    // Killed in the instant it was started.
    let mut young = Launch::new("sleep").arg("1000").options(place).spawn().unwrap();
    young.kill().unwrap();
    assert_eq!(young.wait().unwrap(), Outcome::Killed(Signal::KILL));

    let mut missing = Launch::new("/nonexistent").options(place).spawn().unwrap();
    assert_eq!(missing.wait().unwrap_err().status(), 127);
    let mut quick = shell(place, "exit 7").spawn().unwrap();
    assert_eq!(eventually("it has ended", || quick.try_wait().unwrap()), Outcome::Exited(7));
    assert!(procfs::children(id().cast_signed()).is_empty());
    say("done");
}

fn null() -> File {
    File::create("/dev/null").unwrap()
}

fn output(launch: &mut Launch) -> String {
    let (reader, writer) = pipe().unwrap();
    let mut launched = launch.stdout(writer).spawn().unwrap();
    // Lets go of the other end.
    launch.stdout(null());
    let text = read_to_string(reader).unwrap();
    assert!(launched.wait().unwrap().success(), "{text}");
    text
}

/// Each typed option.
fn builder(place: &[String]) {
    let text = output(
        shell(place, "echo $0,$A,$B,$C,${HOME-none}; pwd; cat; echo to stderr >&2")
            .env_clear()
            .envs([("A", "1"), ("B", "2=3 "), ("PATH", "/usr/bin:/bin")])
            .env("C", "4")
            .env_remove("A")
            .arg("zero")
            .current_dir("/usr")
            .stdin(File::open("/proc/sys/kernel/ostype").unwrap())
            .stderr(null()),
    );
    assert_eq!(text, "zero,,2=3 ,4,none\n/usr\nLinux\n");
    let (reader, writer) = pipe().unwrap();
    let mut launch = shell(place, "echo out; echo err >&2");
    assert!(launch.stdout(writer.try_clone().unwrap()).stderr(writer).run().unwrap().success());
    drop(launch);
    assert_eq!(read_to_string(reader).unwrap(), "out\nerr\n");
    let name = output(Launch::new("cat").arg("/proc/self/cmdline").arg0("other\n").options(place));
    assert_eq!(name, "other\n\0/proc/self/cmdline\0");

    let mut stubborn = shell(place, "trap '' TERM; kill -TERM $PPID; while :; do sleep 1; done");
    let outcome = stubborn.stop_timeout(Duration::from_millis(50)).stderr(null()).run();
    assert_eq!(outcome.unwrap(), Outcome::Killed(Signal::KILL));
    // A clock that would overflow.
    let mut calm = shell(place, "trap 'exit 5' HUP; kill -HUP $PPID; while :; do sleep 0.01; done");
    assert_eq!(calm.stop_timeout(Duration::MAX).run().unwrap(), Outcome::Exited(5));
    for (what, said, time) in
        [(OnExit::Kill, "up\n", 1000.0), (OnExit::Term, "up\nterm\n", 1000.0), (OnExit::Wait, "up\nend\n", 0.2)]
    {
        let other =
            format!("trap 'echo term; exit' TERM; echo up; kill -USR1 $$; sleep {time} & wait $!; echo end");
        let script = format!("trap 'exit 0' USR1; ({other}) & while :; do sleep 0.01; done");
        assert_eq!(output(shell(place, &script).on_exit(what)), said, "{what:?}");
    }
    say("done");
}

/// Who the command is; takes privilege.
fn identity(place: &[String]) {
    assert_eq!(output(shell(place, "id -u; id -g").user(65534).group(12345)), "65534\n12345\n");
    assert_eq!(output(shell(place, "id -u; id -g").user("65534:1")), "65534\n1\n");
    let text = output(shell(&[], "uname -n; echo $$ $PPID").isolate().hostname("lab"));
    assert_eq!(text, "lab\n2 1\n");
    assert_eq!(output(shell(&[], "echo $$").as_pid1()), "1\n");
    say("done");
}

/// What is no option, and values that are none: nothing runs.
fn mistakes() {
    let refused = |launch: &mut Launch, message: &str| {
        for error in [launch.run().unwrap_err(), launch.spawn().map(drop).unwrap_err()] {
            assert_eq!((error.message(), error.status()), (message, 125));
            assert!(!error.hint().is_empty() && error.to_string().starts_with(&format!("{message}\nhint: ")));
        }
    };
    let launch = || Launch::new("/bin/true");
    for word in ["sh", "--", "", "-", "run"] {
        refused(launch().option(word), &format!("this is no option: {word}"));
    }
    refused(launch().options(["--in-place", "--", "sh"]), "this is no option: --");
    // The first one counts.
    refused(launch().option("--frob").option("sh"), "unknown option: --frob");
    refused(launch().option("--pause"), "--pause runs no command, and there is one");
    refused(launch().option("--version"), "an option asks for something else than to run");
    refused(launch().env("A=B", "C"), "this is no name of a variable: A=B");
    refused(launch().env("", "C"), "--env does not know this value: =C");
    refused(launch().env("A", "a\0b"), "an option holds a NUL byte");
    refused(launch().user(""), "--uid does not know this value: ");
    assert_eq!(
        Launch::new("true").arg("a\0b").in_place().run().unwrap_err().message(),
        "an argument holds a NUL byte"
    );
    let error = Launch::new("/nonexistent\n").in_place().run().unwrap_err();
    let text = "cannot find the command: /nonexistent\\x0a: No such file or directory (ENOENT)";
    assert_eq!((error.message(), error.status()), (text, 127));
    assert_eq!(Supervise::new().option("--uid=0").start().unwrap_err().status(), 125);
    assert_eq!(Supervise::new().option("sh").start().unwrap_err().message(), "this is no option: sh");
    let all = ["-g", "-v", "--rewrite=1:2", "--stop-all", "--stop-delay=1s", "--map-exit=1:2", "--new-session"];
    all.iter().fold(&mut Supervise::new(), |supervise, option| supervise.option(option)).start().unwrap();
    say("done");
}

/// Mask, pending signals, dispositions.
fn state() -> Vec<Option<String>> {
    ["SigBlk", "SigPnd", "ShdPnd", "SigCgt", "SigIgn"].map(|field| procfs::status("self", field)).into()
}

/// What it blocks, and what is pending for it, is as it was, whatever comes meanwhile.
fn keep(place: &[String]) {
    const REAL_TIME: i32 = 40;
    let own = id().cast_signed();
    sys::block(1 << (12 - 1) | 1 << (REAL_TIME - 1)).unwrap();
    for value in 0..3 {
        assert!(sys::sigqueue(own, REAL_TIME, value));
    }
    sys::kill(own, 12);
    [14, 17, 20, 21, 22].iter().for_each(|signal| sys::catch(*signal));
    let before = state();
    let script = "kill -USR2 $CALLER; kill -40 $CALLER; kill -ALRM $CALLER; sleep 0.1; exit 3";
    // The alarm that a process sends is for the command.
    let outcome = shell(place, script).env("CALLER", own.to_string()).run().unwrap();
    if place.iter().all(|word| word == "--in-place") {
        assert_eq!(outcome, Outcome::Killed(Signal::new(14).unwrap()));
    } else {
        // From inside the caller cannot be named.
        assert_eq!(outcome, Outcome::Exited(3));
    }
    assert_eq!(state(), before);
    let expected = if outcome == Outcome::Exited(3) { 3 } else { 4 };
    for number in 0..expected {
        assert_eq!(sys::wait_for_signal(1 << (REAL_TIME - 1)).si_signo, REAL_TIME, "{number}");
    }
    // One that it sets for itself is its own, and waits.
    sys::alarm(1);
    assert_eq!(shell(place, "sleep 1.2; exit 4").run().unwrap(), Outcome::Exited(4));
    eventually("the alarm", || (sys::caught(14) == 1).then_some(()));
    say("done");
}

/// Children that are not the launch's are left to the program, with their SIGCHLD.
fn other_children(place: &[String]) {
    sys::block(1 << (17 - 1)).unwrap();
    assert!(shell(place, "exit 0").run().unwrap().success());
    assert_eq!(procfs::signal_mask("self", "ShdPnd"), Some(0), "its own SIGCHLD is not left behind");
    // Ends when the command writes, in the middle of the call or at its very end.
    for script in ["echo; sleep 0.1"].into_iter().chain(std::iter::repeat_n("echo", rounds(20))) {
        let (mut reader, writer) = pipe().unwrap();
        let child = sys::fork();
        if child == 0 {
            let _ = reader.read(&mut [0]);
            sys::exit(9);
        }
        assert!(shell(place, script).stdout(writer).run().unwrap().success());
        eventually("SIGCHLD of the other", || {
            (procfs::signal_mask("self", "ShdPnd") == Some(1 << (17 - 1))).then_some(())
        });
        assert_eq!(sys::wait_any(), child);
        sys::wait_for_signal(1 << (17 - 1));
    }
    say("done");
}

/// A program that ignores SIGCHLD gets all the same answers, and no zombies.
fn ignore_children(place: &[String]) {
    sys::ignore(17).unwrap();
    assert_eq!(shell(place, "exit 3").run().unwrap(), Outcome::Exited(3));
    let child = sys::fork();
    if child == 0 {
        sys::exit(0);
    }
    assert_eq!(shell(place, "sleep 0.1; exit 5").run().unwrap(), Outcome::Exited(5));
    let mut launched = shell(place, "exit 4").spawn().unwrap();
    eventually("the kernel has reaped it", || procfs::children(id().cast_signed()).is_empty().then_some(()));
    assert_eq!(launched.wait().unwrap(), Outcome::Exited(4));
    say("done");
}

/// Refused with two threads; with one again it works, and a launch that runs can be waited for with any number.
fn with_another_thread() {
    let mut launched = Launch::new("sh").args(["-c", "exit 6"]).in_place().spawn().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || receiver.recv());
    let mut launch = Launch::new("true");
    let error = launch.in_place().run().unwrap_err();
    assert_eq!(error.message(), "this program has 2 threads, and only one can be taken into a new process");
    assert!(launch.spawn().is_err());
    assert_eq!(launched.wait().unwrap(), Outcome::Exited(6));
    drop(sender);
    assert!(other.join().unwrap().is_err());
    eventually("the thread is gone", || launch.run().ok());
    say("done");
}

/// Supervised, with more to it: says so, and stays, heeding nothing.
fn supervise(words: &[String]) {
    let mut supervise = Supervise::new();
    supervise.stop_timeout(Duration::from_millis(100)).options(words);
    supervise.on_exit(OnExit::Term).start().expect("be supervised");
    // A logger of its own can still be set up.
    assert!(log::set_logger(&NoLog).is_ok());
    let other = sys::fork();
    if other == 0 {
        sys::block(1 << (15 - 1)).unwrap();
        say("other");
        let info = sys::wait_for_signal(1 << (15 - 1));
        say(&format!("other got {}", info.si_signo));
        sys::exit(0);
    }
    sys::block(u64::MAX).unwrap();
    let listens_as = std::env::var("LISTEN_PID").unwrap_or_default();
    say(&format!("program {} of {}, listens as {listens_as}", id(), parent_id()));
    loop {
        say(&sys::describe_signal(&sys::wait_signal()));
    }
}

/// Takes no line.
struct NoLog;

impl log::Log for NoLog {
    fn enabled(&self, _: &log::Metadata) -> bool {
        false
    }

    fn log(&self, _: &log::Record) {}

    fn flush(&self) {}
}
