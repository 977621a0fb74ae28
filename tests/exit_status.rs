//! The exit is mirrored exactly.

use crate::support::{Place, Running, pidone, play, privilege, run, scratch, sys};

/// Signals whose default action is to end the process. Left out: KILL, which has a test of its own, and those that
/// stop, continue or do nothing.
fn fatal_signals() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| !matches!(signal, 9 | 17 | 18 | 19 | 20 | 21 | 22 | 23 | 28))
}

#[test]
fn all_256_codes_come_through_in_every_place() {
    for place in Place::all() {
        for code in 0..=255 {
            run(&mut place.shell(&format!("exit {code}"))).exits(code).silently();
        }
    }
}

#[test]
fn death_by_each_fatal_signal_comes_through() {
    for place in Place::with_init() {
        for signal in fatal_signals().chain([9]) {
            let mut command = place.shell(&format!("ulimit -c 0; kill -{signal} $$"));
            // Some environments have tests run with 32 and 33 ignored.
            sys::before_exec(&mut command, move || sys::default_action(signal));
            let ended = run(&mut command);
            if place.re_raises() {
                ended.dies_by(signal).silently()
            } else {
                ended.exits(128 + signal).silently()
            };
        }
    }
}

#[test]
fn a_bare_workload_that_is_killed_takes_outer_with_it() {
    if !privilege::privileged() {
        return;
    }
    let running = Running::start(&mut Place::Bare.pidone(&[], &play("hold")));
    sys::kill(crate::support::procfs::only_child(running.pid()), 9);
    running.end().dies_by(9).silently();
}

#[test]
fn dying_like_the_workload_leaves_no_core_file() {
    for place in Place::with_init().into_iter().filter(|place| place.re_raises()) {
        let directory = scratch("core");
        let at_root = || std::fs::metadata("/core").and_then(|core| core.modified()).ok();
        let before = at_root();
        let mut command = place.shell("ulimit -S -c 0; kill -SEGV $$");
        sys::before_exec(&mut command, || {
            let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE)?;
            sys::limit(nix::sys::resource::Resource::RLIMIT_CORE, hard, hard)
        });
        run(command.current_dir(&directory)).dies_by(11);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "a core file of outer, by its old directory");
        assert_eq!(at_root(), before, "a core file of outer, by its new directory");
    }
}

#[test]
fn what_cannot_be_found_or_run_says_so_with_127_and_126() {
    for place in Place::all() {
        run(&mut place.pidone(&[], &["/nonexistent/command"])).exits(127);
        run(&mut place.pidone(&[], &["no-such-command-anywhere"])).exits(127);
        run(&mut place.pidone(&[], &["/"])).exits(126);
        run(&mut place.pidone(&[], &["/etc/passwd"])).exits(126);
    }
}

#[test]
fn wrong_usage_is_125() {
    run(&mut pidone(["--no-such-option"])).exits(125);
    run(&mut pidone([""; 0])).exits(125);
}

#[test]
fn exit_statuses_are_mapped_as_asked() {
    for place in Place::with_init() {
        let maps = ["--map-exit", "143:0", "--map-exit", "5:6", "--map-exit", "5:7"];
        run(&mut place.pidone(&maps, &["sh", "-c", "kill -TERM $$"])).exits(0).silently();
        run(&mut place.pidone(&maps, &["sh", "-c", "exit 143"])).exits(0).silently();
        run(&mut place.pidone(&maps, &["sh", "-c", "exit 5"])).exits(7).silently();
        run(&mut place.pidone(&maps, &["sh", "-c", "exit 4"])).exits(4).silently();
        // The failures of pidone itself stay what they are.
        run(&mut place.pidone(&["--map-exit", "127:0"], &["/nonexistent"])).exits(127);
    }
}
