//! --trace: what is told, and how. Where it may go, and that nobody waits for whoever should read it, is in `targets`.
//!
//! Past 300 lines for the schema, which stands in README too.

mod targets;

use crate::support::{Place, Running, eventually, pidone, play, privilege, procfs, run, scratch, shell, sys};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const USR1: i32 = 10;
const KILL: i32 = 9;
const TERM: i32 = 15;
const CONT: i32 = 18;
const STOP: i32 = 19;

/// The fields of each event, in order, and the kinds of their values; `?` where null may stand.
const SCHEMA: &[(&str, &str)] = &[
    ("start", "version:s place:s namespaces:a command:a command_is_whole:b"),
    ("spawn", "pid:i role:s"),
    ("signal", "number:i name:s? code:s sender:o? value:i? done:s sent:s? recipient:i? errno:s?"),
    (
        "reap",
        "pid:i comm:s? role:s status:i outcome:s code:i? signal:s? core:b user:n system:n max_rss:i lifetime:n?",
    ),
    ("stop", "pid:i signal:s"),
    ("continue", "pid:i"),
    ("stop-timeout", "signal:s timeout:n"),
    ("kill", "signal:s recipient:i why:s names:s"),
    ("exit", "status:i outcome:s code:i? signal:s? message:s?"),
    ("lost", "lines:i"),
];
const EVERY: &str = "v:i t:n wall:n event:s speaker:s speaker_pid:i";

fn is_of_kind(value: &Value, kind: &str) -> bool {
    match kind.trim_end_matches('?') {
        _ if kind.ends_with('?') && value.is_null() => true,
        "s" => value.is_string(),
        "i" => value.is_i64(),
        "n" => value.is_number(),
        "b" => value.is_boolean(),
        "a" => value.as_array().is_some_and(|words| words.iter().all(Value::is_string)),
        "o" => value["pid"].is_i64() && value["uid"].is_u64() && is_of_kind(&value["comm"], "s?"),
        other => panic!("no such kind: {other}"),
    }
}

/// The events of a trace, each of which is as the schema has it.
#[track_caller]
fn events(trace: &str) -> Vec<Value> {
    let check = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let name = event["event"].as_str().unwrap_or_default();
        let own = SCHEMA.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("unknown: {line}")).1;
        let fields: Vec<_> = EVERY.split(' ').chain(own.split(' ')).map(|f| f.split_once(':').unwrap()).collect();
        for (field, kind) in &fields {
            assert!(event.get(field).is_some_and(|value| is_of_kind(value, kind)), "{field} is no {kind}: {line}");
        }
        assert_eq!(event.as_object().unwrap().len(), fields.len(), "more than the schema has: {line}");
        assert_eq!(event["v"], 1);
        assert!(["outer", "init"].contains(&event["speaker"].as_str().unwrap()), "{line}");
        event
    };
    trace.lines().map(check).collect()
}

fn events_of(file: &Path) -> Vec<Value> {
    events(&std::fs::read_to_string(file).unwrap())
}

/// Those of one name.
fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// Whether it is one of that name, with these texts in its fields.
fn has(event: &Value, name: &str, fields: &[(&str, &str)]) -> bool {
    event["event"] == name && fields.iter().all(|(field, text)| event[*field] == *text)
}

#[track_caller]
fn find<'e>(events: &'e [Value], name: &str, fields: &[(&str, &str)]) -> &'e Value {
    let found = events.iter().find(|event| has(event, name, fields));
    found.unwrap_or_else(|| panic!("no {name} with {fields:?} in {events:#?}"))
}

/// A file for a trace that any user can write, and the option that names it.
fn trace_file(name: &str) -> (PathBuf, String) {
    let file = scratch(name).join("trace");
    let option = format!("--trace={}", file.display());
    (file, option)
}

/// The workload as its own supervisor sees it.
fn workload_of(place: Place, running: &Running) -> i32 {
    match place {
        Place::Subreaper | Place::Bare => procfs::only_child(running.pid()),
        _ => procfs::only_child(procfs::only_child(running.pid())),
    }
}

/// Traces a workload that heeds nothing: a signal, a stop and what ends that, SIGTERM, and its end by `--stop-timeout`.
fn trace_of_a_reluctant_workload(place: Place) -> Vec<Value> {
    let (file, option) = trace_file("stop");
    let mut running = Running::start(&mut place.pidone(&[&option, "--stop-timeout=300ms"], &play("signals")));
    running.expect("ready");
    let workload = workload_of(place, &running);
    sys::kill(place.supervisor(&running), USR1);
    running.expect("signal 10");
    sys::kill(workload, STOP);
    eventually("the stop is told", || {
        let trace = std::fs::read_to_string(&file).ok()?;
        (place == Place::Bare || trace.contains("\"event\":\"stop\"")).then_some(())
    });
    sys::kill(place.supervisor(&running), CONT);
    eventually("the workload goes on", || (procfs::state(workload)? != 'T').then_some(()));
    sys::kill(place.supervisor(&running), TERM);
    assert!(!running.end().status.success());
    events_of(&file)
}

#[test]
fn a_stop_that_is_not_heeded_is_told_from_the_start_to_the_exit() {
    for place in Place::all() {
        let events = trace_of_a_reluctant_workload(place);
        assert_eq!((&events[0]["event"], &events[0]["command"][1]), (&"start".into(), &"play:signals".into()));
        let times: Vec<f64> = events.iter().map(|event| event["t"].as_f64().unwrap()).collect();
        assert!(
            times.iter().all(|time| (0.0..600.0).contains(time)),
            "{place:?}: both halves count alike: {times:?}"
        );
        let workload = &find(&events, "spawn", &[("role", "workload")])["pid"];
        let usr1 = [("name", "SIGUSR1"), ("done", "forwarded"), ("sent", "SIGUSR1"), ("code", "SI_USER")];
        let to_it = |event: &&Value| has(event, "signal", &usr1) && event["recipient"] == *workload;
        let usr1 = events.iter().find(to_it).unwrap();
        // Init sees everybody outside as 0; who shares the PID namespace is named.
        if place == Place::Subreaper || place == Place::Bare {
            assert_eq!(usr1["sender"]["pid"], std::process::id());
            assert!(usr1["sender"]["comm"].is_string(), "{usr1}");
        }
        if place != Place::Bare {
            let is_it = |stop: &&Value| stop["pid"] == *workload && stop["signal"] == "SIGSTOP";
            assert!(named(&events, "stop").iter().any(is_it), "{events:#?}");
            assert!(named(&events, "continue").iter().any(|go| go["pid"] == *workload), "{events:#?}");
        }
        find(&events, "stop-timeout", &[("signal", "SIGTERM")]);
        let kill = find(&events, "kill", &[("signal", "SIGKILL"), ("why", "stop-timeout")]);
        assert_eq!((&kill["recipient"], &kill["names"]), (workload, &format!("{workload} (player)").into()));
        let killed = [("outcome", "killed"), ("signal", "SIGKILL")];
        let reap = find(&events, "reap", &[("role", "workload"), ("comm", "player"), killed[0], killed[1]]);
        assert_eq!((&reap["pid"], &reap["status"]), (workload, &137.into()));
        assert!(reap["lifetime"].as_f64().unwrap() >= 0.3 && reap["max_rss"].as_u64().unwrap() > 100_000, "{reap}");
        assert!(has(events.last().unwrap(), "exit", &killed), "{events:#?}");
        assert_eq!(named(&events, "exit").len(), 1);
    }
}

#[test]
fn orphans_are_told_from_the_workload_and_what_init_kills_at_its_end_is_named() {
    for place in Place::with_init() {
        let (file, option) = trace_file("orphans");
        let script = "(sh -c 'exit 3' &) ; (sleep 1000 &); sleep 0.2; exit 5";
        let mut command = place.pidone(&[&option], &["sh", "-c", script]);
        run(&mut command).exits(5);
        let events = events_of(&file);
        let reaps = named(&events, "reap");
        let orphan = reaps.iter().find(|reap| reap["role"] == "orphan" && reap["comm"] == "sh").unwrap();
        assert_eq!((&orphan["status"], &orphan["code"], &orphan["signal"]), (&3.into(), &3.into(), &Value::Null));
        assert!(orphan["lifetime"].as_f64().unwrap() < 5.0, "{orphan}");
        let kill = named(&events, "kill")[0];
        assert_eq!(kill["recipient"], -1);
        assert!(kill["names"].as_str().unwrap().contains("(sleep)"), "{kill}");
        assert_eq!(kill["why"], if place == Place::Subreaper { "on-exit" } else { "init-ends" });
        assert_eq!(events.last().unwrap()["code"], 5);
    }
}

#[test]
fn what_becomes_of_each_signal_is_told() {
    let place = Place::Subreaper;
    let (file, option) = trace_file("signals");
    let options = [&option, "--ignore=HUP", "--rewrite=USR2:USR1", "--stop-delay=100ms", "--map-exit=137:0"];
    let mut running = Running::start(&mut place.pidone(&options, &play("signals")));
    running.expect("ready");
    for signal in [1, 12, TERM, TERM] {
        sys::kill(running.pid(), signal);
        let told = format!("\"number\":{signal},");
        eventually("it is told", || std::fs::read_to_string(&file).ok()?.contains(&told).then_some(()));
    }
    eventually("room in the queue", || sys::sigqueue(running.pid(), 40, 4711).then_some(()));
    running.expect("signal 10");
    running.expect("signal 15");
    running.expect("signal 40 code -1 value 4711");
    sys::kill(running.pid(), 17);
    sys::kill(procfs::only_child(running.pid()), KILL);
    running.end().exits(0);
    let events = events_of(&file);
    let told: Vec<_> = named(&events, "signal")
        .iter()
        .map(|signal| format!("{} {} {}", signal["number"], signal["done"], signal["sent"]).replace('"', ""))
        .collect();
    let expected = [
        "1 dropped null",
        "12 rewritten SIGUSR1",
        "15 delayed null",
        "15 forwarded SIGTERM",
        "15 merged null",
        "40 forwarded SIGRTMIN+6",
    ];
    assert_eq!(told[..expected.len()], expected);
    assert!(told.contains(&"17 looked null".to_owned()) || told.len() == expected.len(), "{told:?}");
    assert_eq!(named(&events, "signal")[5]["value"], 4711);
    assert_eq!(named(&events, "reap")[0]["status"], 137);
    assert_eq!(events.last().unwrap()["status"], 0, "as it was mapped");
}

#[test]
fn what_a_full_queue_does_not_take_is_told_when_it_is_held_and_when_it_is_sent() {
    let (file, option) = trace_file("held");
    let mut running = Running::start(&mut Place::Subreaper.pidone(&[&option], &play("reluctant")));
    running.expect("ready");
    for value in 0..8 {
        eventually("room in the queue", || sys::sigqueue(running.pid(), 40, value).then_some(()));
    }
    eventually("some are held", || std::fs::read_to_string(&file).ok()?.contains("\"held\"").then_some(()));
    sys::kill(running.pid(), USR1);
    running.expect("signal 10");
    for value in 0..8 {
        running.expect(&format!("signal 40 code -1 value {value} "));
    }
    sys::kill(procfs::only_child(running.pid()), KILL);
    running.end();
    let events = events_of(&file);
    let values = |done: &str| -> Vec<i64> {
        let told = named(&events, "signal").into_iter().filter(|signal| signal["done"] == done);
        told.filter(|signal| signal["number"] == 40).map(|signal| signal["value"].as_i64().unwrap()).collect()
    };
    assert_eq!(values("forwarded"), (0..8).collect::<Vec<_>>());
    let held = values("held");
    assert_eq!(held, (8 - i64::try_from(held.len()).unwrap()..8).collect::<Vec<_>>());
}

#[test]
fn a_signal_that_cannot_be_delivered_is_told_as_such() {
    if !privilege::privileged() {
        return;
    }
    let (file, option) = trace_file("refused");
    let set_user_id = scratch("refused-root").join("player");
    crate::support::copy(Path::new(&play("root")[0]), &set_user_id);
    let mode = format!("chown root {0} && chmod u+s {0}", set_user_id.display());
    run(&mut shell(&mode)).exits(0);
    let mut running =
        Running::start(&mut Place::Subreaper.pidone(&[&option], &[set_user_id.to_str().unwrap(), "play:root"]));
    running.expect("root");
    sys::kill(running.pid(), USR1);
    let failed = eventually("it is told", || {
        let events = events_of(&file);
        named(&events, "signal").first().map(|signal| (**signal).clone())
    });
    assert_eq!((&failed["done"], &failed["errno"]), (&"failed".into(), &"EPERM".into()));
    let workload = procfs::only_child(running.pid());
    sys::kill(workload, KILL);
    running.end();
}

#[test]
fn a_start_that_fails_is_told_with_its_status() {
    for (command, status) in [("/nosuch", 127), ("/etc/passwd", 126)] {
        let (file, option) = trace_file("failed");
        run(&mut Place::Subreaper.pidone(&[&option], &[command])).exits(status);
        let exit = events_of(&file).pop().unwrap();
        assert_eq!((&exit["outcome"], &exit["status"]), (&"failed".into(), &status.into()));
        assert!(exit["message"].as_str().unwrap().contains(command), "{exit}");
    }
}

#[test]
fn a_long_command_line_is_cut_and_stays_json() {
    let (file, option) = trace_file("long");
    let odd = "\u{1}\"\\\u{e9}".repeat(3000);
    run(&mut Place::Subreaper.pidone(&[&option], &["true", "short", &odd])).exits(0);
    let start = &events_of(&file)[0];
    assert_eq!((&start["command"][1], &start["command_is_whole"]), (&"short".into(), &false.into()));
    let longest = std::fs::read_to_string(&file).unwrap().lines().map(str::len).max().unwrap();
    assert!((2000..4096).contains(&longest), "{longest}");
}

#[test]
fn an_entered_command_and_one_under_another_inits_name_are_traced_too() {
    let (file, option) = trace_file("enter");
    let pid = std::process::id().to_string();
    let mut command = pidone(["enter", &pid, "--only=uts", &option, "--", "sh", "-c", "exit 9"]);
    run(&mut command).exits(9);
    let entered = events_of(&file);
    assert_eq!((&entered[0]["place"], &entered[0]["speaker"]), (&"enter".into(), &"outer".into()));
    assert_eq!((&entered[1]["role"], &entered.last().unwrap()["code"]), (&"workload".into(), &9.into()));
    let links = scratch("names");
    run(&mut pidone(["install-names".as_ref(), links.as_os_str()])).exits(0);
    let (file, option) = trace_file("tini");
    let mut tini = Command::new(links.join("tini"));
    run(tini.args(["-s", "--", "sh", "-c", "exit 8"]).env("PIDONE_OPTIONS", &option)).exits(8);
    assert_eq!(events_of(&file).last().unwrap()["code"], 8);
}

#[test]
fn the_chrome_format_is_one_array_whose_slices_have_both_ends() {
    for place in Place::all() {
        let (file, option) = trace_file("chrome");
        let script = "(sleep 0.05 &); kill -URG $PPID; sleep 0.2; exit 2";
        run(&mut place.pidone(&[&option, "--trace-format=chrome"], &["sh", "-c", script])).exits(2);
        let trace: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let mut open: BTreeMap<(i64, i64), Vec<&str>> = BTreeMap::new();
        let mut arrows: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        let mut names = Vec::new();
        for event in &trace {
            let kind = event["ph"].as_str().unwrap();
            let name = event["name"].as_str().unwrap();
            assert!(event["ts"].is_u64(), "{event}");
            let track = (event["pid"].as_i64().unwrap(), event["tid"].as_i64().unwrap());
            match kind {
                "B" => open.entry(track).or_default().push(name),
                "E" => assert_eq!(open.get_mut(&track).and_then(Vec::pop), Some(name), "{event}"),
                "X" => assert!(event["dur"].is_u64(), "{event}"),
                "s" | "f" => arrows.entry(event["id"].as_i64().unwrap()).or_default().push(kind),
                "i" | "M" => {}
                other => panic!("{other}: {event}"),
            }
            names.push((kind, name));
        }
        assert!(open.values().all(Vec::is_empty), "{place:?}: {open:?}");
        assert!(arrows.values().all(|ends| ends == &["s", "f"]), "{arrows:?}");
        for slice in [("B", "sh"), ("B", "pidone"), ("i", "exit"), ("M", "process_name")] {
            assert!(names.contains(&slice), "{place:?}: no {slice:?}");
        }
        if place != Place::Bare {
            assert!(
                !arrows.is_empty() && names.contains(&("X", "sleep")) && names.contains(&("X", "SIGURG")),
                "{place:?}"
            );
        }
    }
}
