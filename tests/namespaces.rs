//! New namespaces of every kind, and what is set in them.

use crate::support::{Place, Running, pidone, privilege, procfs, run, scratch, text};
use std::process::Command;

const KINDS: [&str; 6] = ["uts", "ipc", "net", "user", "cgroup", "time"];

/// The namespaces of a process, as `KIND:[INODE]`.
fn namespaces(pid: &str) -> Vec<String> {
    let link = |kind: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
    ["uts", "ipc", "net", "user", "cgroup", "time", "pid", "mnt"]
        .map(|kind| link(kind).display().to_string())
        .into()
}

/// What of them a command in this place finds different from ours.
fn different(place: Place, options: &[&str]) -> Vec<String> {
    let script = "for kind in uts ipc net user cgroup time pid mnt; do readlink /proc/self/ns/$kind; done";
    let ended = run(&mut place.pidone(options, &["sh", "-c", script]));
    let ours = namespaces("self");
    let theirs: Vec<_> = ended.exits(0).silently().stdout.lines().map(ToOwned::to_owned).collect();
    assert_eq!(theirs.len(), ours.len(), "{ended:#?}");
    let changed = theirs.iter().filter(|one| !ours.contains(one));
    changed.map(|one| one.split(':').next().unwrap().to_owned()).collect()
}

/// The places that can make any namespace, and the kinds that are new in each anyway.
fn places() -> Vec<(Place, Vec<&'static str>)> {
    let mut places = Vec::new();
    if privilege::privileged() {
        places.extend([(Place::PidOne, vec!["pid", "mnt"]), (Place::Isolated, vec!["pid", "mnt"])]);
        places.push((Place::Bare, vec!["pid", "mnt"]));
    }
    if privilege::user_namespaces() {
        places.push((Place::MapRoot, vec!["user", "pid", "mnt"]));
    }
    places
}

#[test]
fn each_kind_is_left_alone_or_all_at_once() {
    for (place, anyway) in places() {
        for kind in KINDS {
            let option = format!("--{kind}");
            let mut expected: Vec<&str> = anyway.clone();
            if !expected.contains(&kind) {
                expected.insert(0, kind);
            }
            let mut found = different(place, &[&option]);
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{place:?} {option}");
        }
        // In place as PID 1 there can be no further one for processes.
        if place != Place::PidOne {
            let all = ["uts", "ipc", "net", "user", "cgroup", "time", "pid", "mnt"];
            assert_eq!(different(place, &["--all"]), all, "{place:?}");
        }
    }
}

#[test]
fn in_place_they_are_the_workloads_alone() {
    if !privilege::user_namespaces() {
        return;
    }
    let options = ["--map-root", "--uts", "--ipc", "--net", "--cgroup", "--time", "--propagation=private"];
    let mut running =
        Running::start(&mut Place::Subreaper.pidone(&options, &["sh", "-c", "echo up; exec sleep 1000"]));
    running.expect("up");
    let workload = procfs::only_child(running.pid());
    let (init, inside) = (namespaces(&running.pid().to_string()), namespaces(&workload.to_string()));
    assert_eq!(init, namespaces("self"), "init stays where it was");
    let same: Vec<_> = inside.iter().filter(|one| init.contains(one)).collect();
    assert!(matches!(same[..], [one] if one.starts_with("pid:")), "{same:?}");
    running.signal(15);
    running.end();
}

#[test]
fn a_failing_start_in_namespaces_of_its_own_is_told_like_any_other() {
    if !privilege::user_namespaces() {
        return;
    }
    for kinds in [&["--map-root"][..], &["--map-root", "--time"]] {
        let mut command = Place::Subreaper.pidone(kinds, &["/nonexistent"]);
        run(&mut command).exits(127).says(&["cannot find the command", "/nonexistent", "ENOENT"], None);
        let mut command = Place::Subreaper.pidone(kinds, &["/etc/passwd"]);
        run(&mut command).exits(126).says(&["cannot run the command", "EACCES"], Some("chmod +x"));
    }
    if nix::unistd::geteuid().is_root() {
        run(&mut Place::Subreaper.pidone(&["--net"], &["true"]))
            .exits(125)
            .says(&["net", "EPERM"], Some("--map-root"));
    }
}

#[test]
fn names_are_set_inside_and_only_there() {
    let before = text(Command::new("uname").arg("-n"));
    for (place, _) in places() {
        let options = ["--hostname", "inside", "--domainname", "nis.inside"];
        let script = "uname -n; cat /proc/sys/kernel/domainname";
        let ended = run(&mut place.pidone(&options, &["sh", "-c", script]));
        assert_eq!(ended.exits(0).silently().stdout, "inside\nnis.inside\n", "{place:?}");
    }
    assert_eq!(text(Command::new("uname").arg("-n")), before);
    let longest = "x".repeat(64);
    if let Some((place, _)) = places().pop() {
        let ended = run(&mut place.pidone(&["--hostname", &longest], &["uname", "-n"]));
        assert_eq!(ended.exits(0).stdout.trim_end(), longest);
        run(&mut place.pidone(&["--hostname", &format!("{longest}x")], &["true"]))
            .exits(125)
            .says(&["--hostname"], Some("64 bytes"));
    }
}

#[test]
fn the_loopback_interface_is_up() {
    if !privilege::has("perl") {
        return;
    }
    for (place, _) in places() {
        let script = "use Socket; socket(my $l, PF_INET, SOCK_STREAM, 0); bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK)); \
                      listen($l, 1); socket(my $s, PF_INET, SOCK_STREAM, 0); \
                      print connect($s, getsockname($l)) ? \"connected\" : \"$!\"";
        let ended = run(&mut place.pidone(&["--net"], &["perl", "-e", script]));
        assert_eq!(ended.exits(0).stdout, "connected\n", "{place:?}");
        let ended = run(&mut place.pidone(&["--net"], &["sh", "-c", "tail -n +3 /proc/net/dev | wc -l"]));
        assert_eq!(ended.exits(0).stdout, "1\n", "only lo");
    }
}

/// The seconds since boot, as a process finds them with these options.
fn uptime(place: Place, options: &[&str]) -> f64 {
    let ended = run(&mut place.pidone(options, &["cat", "/proc/uptime"]));
    ended.exits(0).silently().stdout.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn who_had_to_change_its_ids_still_sets_clocks_and_scores() {
    if !privilege::privileged() {
        return;
    }
    let options =
        ["--map-users", "0:100000:10", "--map-groups", "0:100000:10", "--oom-score-adj", "10", "--boottime"];
    for place in [Place::Isolated, Place::Bare, Place::PidOne] {
        assert!(uptime(place, &[&options[..], &["300000000"]].concat()) >= 300_000_000.0, "{place:?}");
    }
}

#[test]
fn a_machine_that_booted_nine_years_ago_and_one_that_has_just_booted() {
    for (place, _) in places() {
        let own = |path| std::fs::read_to_string(path).unwrap().split(' ').next().unwrap().parse::<f64>().unwrap();
        let before = own("/proc/uptime");
        let long_ago = uptime(place, &["--boottime", "300000000"]) - 300_000_000.0;
        assert!(before <= long_ago + 0.02 && long_ago <= own("/proc/uptime") + 0.02, "{place:?}: {long_ago}");
        let just_now = uptime(place, &[&format!("--boottime=-{}", before.floor())]);
        assert!(just_now <= own("/proc/uptime") - before.floor() + 0.02, "{place:?}: {just_now}");
        let ended =
            run(&mut place
                .pidone(&["--monotonic", "-1.5", "--boottime", ".25"], &["cat", "/proc/self/timens_offsets"]));
        let numbers: Vec<_> = ended.exits(0).stdout.split_ascii_whitespace().map(ToOwned::to_owned).collect();
        assert_eq!(numbers, ["monotonic", "-2", "500000000", "boottime", "0", "250000000"]);
        run(&mut place.pidone(&["--monotonic", "-999999999"], &["true"]))
            .exits(125)
            .says(&["cannot set the clocks", "ERANGE"], Some("before 0"));
    }
}

#[test]
fn a_cgroup_namespace_begins_at_the_present_cgroup() {
    for (place, _) in places() {
        let ended = run(&mut place.pidone(&["--cgroup"], &["cat", "/proc/self/cgroup"]));
        for line in ended.exits(0).stdout.lines() {
            assert!(line.ends_with(":/"), "{place:?}: {line}");
        }
    }
}

#[test]
fn system_v_queues_made_inside_are_not_seen_outside() {
    if !privilege::has("ipcmk") {
        return;
    }
    let queues = || text(Command::new("ipcs").arg("-q"));
    let before = queues();
    for (place, _) in places() {
        let script = "ipcmk -Q >/dev/null && ipcs -q | grep -c 0x";
        let ended = run(&mut place.pidone(&["--ipc"], &["sh", "-c", script]));
        assert_eq!(ended.exits(0).stdout, "1\n", "{place:?}");
    }
    assert_eq!(queues(), before);
}

#[test]
fn ranges_of_ids_are_mapped() {
    if !privilege::privileged() {
        return;
    }
    let maps = "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; id -u; id -g; id -G";
    let inside = |options: &[&str]| {
        run(&mut Place::Isolated.pidone(options, &["sh", "-c", maps])).exits(0).silently().stdout.clone()
    };
    // Who is not among them is root.
    let options = ["--map-users", "0:100000:1000", "--map-users", "1000:5:1", "--map-groups", "0:200000:10"];
    assert_eq!(inside(&options), " 0 100000 1000\n 1000 5 1\n 0 200000 10\n0\n0\n0\n");
    // With one kind given, the other maps oneself.
    assert_eq!(inside(&["--map-users", "0:0:7"]), " 0 0 7\n 0 0 1\n0\n0\n0\n");
    assert_eq!(inside(&["--map-root", "--map-users", "1:100000:9"]), " 0 0 1\n 1 100000 9\n 0 0 1\n0\n0\n0\n");
    let command = ["sh", "-c", "id -u; cat /proc/self/uid_map | wc -l"];
    let options = ["--map-users", "0:100000:1000", "--map-groups", "0:100000:1000", "--uid", "7", "--gid", "8"];
    assert_eq!(run(&mut Place::Isolated.pidone(&options, &command)).exits(0).stdout, "7\n1\n");
}

#[test]
fn maps_that_cannot_be_are_refused_before_anything_is_made() {
    let table: &[(&[&str], &[&str])] = &[
        (&["--map-users", "0:0:10", "--map-users", "5:100:10"], &["overlap inside", "0:0:10"]),
        (&["--map-root", "--map-users", "0:100000:10"], &["overlap inside"]),
        (&["--map-groups", "0:5:10", "--map-groups", "10:9:10"], &["--map-groups", "overlap outside"]),
        (&["--map-users", "0:0:1", "--map-users", "2:2:1"], &["gap"]),
        (&["--map-users", "0:4294967290:10"], &["beyond the last id"]),
        (&["--map-users", "0:0:0"], &["--map-users does not know this value: 0:0:0"]),
    ];
    for (options, words) in table {
        let mut command = pidone(*options);
        run(command.args(["--", "true"])).exits(125).says(words, Some(""));
    }
    let many: Vec<String> = (0..341).map(|number| format!("--map-users={number}:{number}:1")).collect();
    run(pidone(many).args(["--", "true"])).exits(125).says(&["341 ranges"], Some("join"));
    let mut command = pidone(["--map-users", "0:12345:10", "--", "true"]);
    run(privilege::as_nobody(&mut command)).exits(125).says(&["not yours to map"], Some("/etc/subuid"));
    let mut command = pidone(["--map-auto", "--", "true"]);
    run(privilege::as_nobody(&mut command)).exits(125).says(&["--map-auto", "/etc/subuid"], Some("usermod"));
}

#[test]
fn subordinate_ids_are_mapped_by_the_helpers() {
    if !privilege::privileged() || !privilege::has("newuidmap") || !privilege::user_namespaces() {
        return;
    }
    let directory = scratch("subordinate");
    let file = directory.join("ranges");
    std::fs::write(&file, "nobody:100000:65536\n").expect("write the ranges");
    // In a mount namespace of the test's own, so that nobody else sees these files.
    let script = "mount --bind $FILE /etc/subuid && mount --bind $FILE /etc/subgid || exit 99
        nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"; }
        run() { nobody $PIDONE \"$@\" -- sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s \" \"; id -u; id -g'; }
        run --map-auto; run --map-current --map-auto; run --map-users 0:100000:5 --map-groups 0:100001:5
        nobody env PATH=/nonexistent $PIDONE --map-auto -- /bin/true; echo $?
        nobody setpriv --no-new-privs $PIDONE --map-auto -- /bin/true; echo $?";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).env("FILE", &file).env("PIDONE", crate::support::binary());
    let ended = run(&mut command);
    let expected = " 0 65534 1\n 1 100000 65536\n 0 65534 1\n 1 100000 65536\n0\n0\n\
                    65534 65534 1\n 0 100000 65534\n 65535 165534 2\n65534 65534 1\n 0 100000 65534\n 65535 165534 2\n\
                    65534\n65534\n 0 100000 5\n 0 100001 5\n0\n0\n";
    let squeezed = ended.stdout.replace("\n65534 65534 1", "\n 65534 65534 1");
    assert!(squeezed.starts_with(&expected.replace("\n65534 65534 1", "\n 65534 65534 1")), "{ended:#?}");
    // Said before anything is cloned.
    assert!(ended.stdout.ends_with("\n125\n125\n"), "{ended:#?}");
    let said: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(said.len(), 4, "{ended:#?}");
    for (line, words) in said.iter().zip(["executable", "apt-get install uidmap", "no_new_privs", "--map-root"]) {
        assert!(line.contains(words), "{ended:#?}");
    }
}
