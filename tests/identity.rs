//! Who the workload is: each option with good, bad and boundary values, typed and in the variable. Long by its
//! tables: options, what the workload does, and what comes of it as `expect` reads it.

use crate::support::privilege::{self, as_nobody};
use crate::support::{Place, Running, eventually, play, procfs, run, scratch, shell, sys, text};
use nix::sys::resource::Resource;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// Fails unless the command says this, white space aside; or, after a `!`, does not start, with a message that
/// holds the words between `|` and a hint that holds what follows a `?`.
#[track_caller]
fn expect(command: &mut Command, expected: &str) {
    let ended = run(command);
    let Some(failure) = expected.strip_prefix('!') else {
        let said: Vec<_> = ended.exits(0).silently().stdout.split_whitespace().collect();
        return assert_eq!(said.join(" "), expected, "{ended:#?}");
    };
    let (words, hint) = failure.split_once('?').map_or((failure, None), |(words, hint)| (words, Some(hint)));
    ended.exits(125).says(&words.split('|').collect::<Vec<_>>(), hint);
}

/// pidone in a place, its options typed and in the variable, but for where another pidone would take that for
/// its own. Starts with A=1, HOME=/before, a short PATH, and room for 200 to 400 descriptors.
fn ways(place: Place, options: &str, command: &[&str]) -> Vec<Command> {
    let words = shlex::split(options).unwrap();
    let mut typed = place.pidone(&words.iter().map(String::as_str).collect::<Vec<_>>(), command);
    let mut set = place.pidone(&[], command);
    for command in [&mut typed, &mut set] {
        command.env_clear().env("A", "1").env("HOME", "/before").env("PATH", "/bin:/usr/bin");
        sys::before_exec(command, || sys::limit(Resource::RLIMIT_NOFILE, 200, 400));
    }
    set.env("PIDONE_OPTIONS", options);
    if place == Place::PidOne { vec![typed] } else { vec![typed, set] }
}

/// The ways in all places.
fn all(options: &str, command: &[&str]) -> Vec<Command> {
    Place::all().into_iter().flat_map(|place| ways(place, options, command)).collect()
}

/// The ways in all places that root has, in place and not PID 1 first; none without privilege.
fn as_root(options: &str, command: &[&str]) -> Vec<Command> {
    let all = [("--in-place ", Place::Isolated), ("", Place::PidOne), ("", Place::Isolated), ("", Place::Bare)];
    let all = all.into_iter().filter(|_| privilege::privileged());
    all.flat_map(|(more, place)| ways(place, &format!("{more}{options}"), command)).collect()
}

/// The command, run by another that takes it as its last arguments.
fn under(prefix: &[&str], command: &Command) -> Command {
    let mut whole = Command::new(prefix[0]);
    whole.args(&prefix[1..]).arg(command.get_program()).args(command.get_args());
    whole.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    whole
}

const ORDINARY: [&str; 7] = ["setpriv", "--reuid", "65534", "--regid", "65534", "--groups", "5,6"];
/// Says the uids, gids, supplementary groups and HOME; one id where real, effective, saved and fs ids are one.
const WHO: [&str; 3] = ["sh", "-c", SAY_WHO];
const SAY_WHO: &str = "for ids in Uid Gid Groups; do echo $(sed -n \"s/^$ids://p\" /proc/self/status | \
                       tr '\\t' '\\n' | uniq) /; done; printenv HOME || echo none";

const PASSWD: &str = "# users\n\n+::::::\nroot:x:0:0::/root:/bin/sh\nbad:x:y:0::/:\nmax:x:4294967295:1::/:\n\
    www:x:33:34::/var/www:/bin/sh\nshort:x:60:60\n4242:x:7:8::/seven:\ntwice:x:50:50::/first:\n\
    twice:x:51:51::/second:\n:x:61:61::/:\nlisted:x:80:80::/:\nlast:x:70:70::";
const GROUP: &str = "root:x:0:\nnobody\n:x:5:www\nmax:x:4294967295:www\n\nadm:x:4:listed,www\nwww:x:34:www\n\
    near:x:6:wwwx,xwww,\nwheel:x:10:root\n4:x:44:\nextra:x:100:www,listed\nagain:x:4:listed";
const MAKE_PASSWD: &str = "printf %s \"$PASSWD\" > /etc/passwd";

#[rustfmt::skip] // a table
const USERS: &[(&str, &str)] = &[
    ("--uid www", "33 / 34 / 4 34 100 / /var/www"), ("--uid 33", "33 / 34 / 4 34 100 / /var/www"),
    ("--uid 35 --gid 9 --uid www --groups none --groups init", "33 / 9 / 4 9 34 100 / /var/www"),
    ("--gid 9 --uid www:extra --groups none", "33 / 100 / / /var/www"), ("--uid last", "70 / 70 / 70 /"),
    ("--uid www:5 --gid 9", "33 / 9 / 4 9 34 100 / /var/www"), ("--uid 60:extra", "60 / 100 / / /before"),
    ("--uid 4242", "7 / 8 / 8 / /seven"), ("--uid 7 --groups extra,4,70000", "7 / 8 / 44 100 70000 / /seven"),
    ("--env HOME=/mine --uid 7", "7 / 8 / 8 / /mine"), ("--uid 7 --unset-env HOME", "7 / 8 / 8 / none"),
    ("--uid twice", "50 / 50 / 50 / /first"), ("--uid 60", "60 / 0 / / /before"),
    ("--uid 0061", "61 / 0 / / /before"), ("--gid 4", "0 / 44 / 3 / /before"),
    ("--uid 4294967294", "4294967294 / 0 / / /before"), ("--gid 4294967294", "0 / 4294967294 / 3 / /before"),
    ("--uid root", "0 / 0 / 3 / /before"), ("--groups init", "0 / 0 / 0 10 / /before"),
    ("--groups none", "0 / 0 / / /before"), ("--groups 9,4294967294", "0 / 0 / 9 4294967294 / /before"),
    ("--uid 60 --groups init", "!--groups init: /etc/passwd has no entry for uid 60?--groups none"),
    ("--uid short", "!/etc/passwd has no user short?number"), ("--uid -1", "!has no user -1?number"),
    ("--uid 4294967295", "!/etc/passwd has no user 4294967295?a number (up to 4294967294) needs no entry"),
    ("--gid 4294967295", "!/etc/group has no group 4294967295?a number (up to 4294967294) needs no entry"),
    ("--uid max", "!/etc/passwd has no user max?number"), ("--gid max", "!/etc/group has no group max?number"),
    ("--groups 5,nobody", "!has no group nobody?number"), ("--uid www:no", "!has no group no?number"),
    ("--uid listed", "80 / 80 / 4 80 100 / /"), // though two lines of /etc/group list it with gid 4
];

/// Fails unless this comes of it for root, where /etc holds nothing but what `make` puts there.
fn expect_with_etc(make: &str, options: &str, expected: &str) {
    let script = format!("mount -t tmpfs none /etc && {make} && exec setpriv --groups 3 \"$@\"");
    for command in as_root(options, &WHO) {
        let mut command = under(&["unshare", "-m", "sh", "-c", &script, "sh"], &command);
        expect(command.env("PASSWD", PASSWD).env("GROUP", GROUP), expected);
    }
}

#[test]
fn a_user_brings_what_its_line_says_and_garbage_lines_are_passed_over() {
    let make = format!("{MAKE_PASSWD} && printf %s \"$GROUP\" > /etc/group");
    USERS.iter().for_each(|(options, expected)| expect_with_etc(&make, options, expected));
}

#[test]
fn without_passwd_and_group_numbers_still_do() {
    expect_with_etc("true", "--uid 33:34 --groups 35,36", "33 / 34 / 35 36 / /before");
    expect_with_etc("true", "--uid root", "!/etc/passwd has no user root?a number");
    expect_with_etc("true", "--gid root", "!/etc/group has no group root?a number");
    let unreadable = "mkdir /etc/passwd /etc/group";
    expect_with_etc(unreadable, "--uid 33", "!cannot read /etc/passwd:|(EISDIR)?not guessed");
    expect_with_etc(unreadable, "--gid 33", "!cannot read /etc/group:|(EISDIR)?not guessed");
    expect_with_etc(MAKE_PASSWD, "--uid www", "33 / 34 / 34 / /var/www");
}

#[test]
fn to_be_who_one_is_takes_no_privilege_and_changes_neither_groups_nor_home() {
    for place in Place::all() {
        let without = run(&mut ways(place, "", &WHO)[0]).exits(0).stdout.clone();
        let (uid, _) = without.split_once(" /\n").unwrap();
        for mut command in ways(place, &format!("--uid {uid}"), &WHO) {
            assert_eq!(run(&mut command).exits(0).silently().stdout, without, "{command:?}");
        }
    }
    let in_place = |options: &str, expected: &str| {
        as_root(options, &WHO).iter().take(2).for_each(|line| expect(&mut under(&ORDINARY, line), expected));
    };
    let own = ["--uid 65534", "--groups 6,5", "--gid 65534"];
    own.iter().for_each(|options| in_place(options, "65534 / 65534 / 5 6 / /before"));
    in_place("--uid 65534 --groups none", "!supplementary groups: []:|(EPERM)?CAP_SETGID");
    in_place("--uid 65534 --groups 5", "!supplementary groups: [5]:|(EPERM)?CAP_SETGID");
    in_place("--groups 5,6,7", "!supplementary groups: [5, 6, 7]:|(EPERM)?CAP_SETGID");
}

const LACKING: [&str; 5] = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"];
const SHOW_CAPS: [&str; 3] = ["grep", "^Cap", "/proc/self/status"];
const KILL: u64 = 1 << 5;
const NET_RAW: u64 = 1 << 13;
type Change = fn([u64; 5]) -> [u64; 5];

/// CapInh, CapPrm, CapEff, CapBnd, CapAmb of the workload.
fn caps(command: &mut Command) -> [u64; 5] {
    let ended = run(command);
    let value = |line: &str| u64::from_str_radix(line.split_once(":\t").unwrap().1, 16).unwrap();
    ended.exits(0).silently().stdout.lines().map(value).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn capabilities_are_dropped_from_and_kept_in_all_five_sets() {
    #[rustfmt::skip] // a table
    let table: [(&str, Change); 13] = [
        ("--drop-caps all", |_| [0; 5]), ("--drop-caps net_raw", |sets| sets.map(|set| set & !NET_RAW)),
        ("--drop-caps CAP_Net_Raw --drop-caps kill,chown", |sets| sets.map(|set| set & !(NET_RAW | KILL | 1))),
        ("--keep-caps kill", |_| [KILL; 5]), ("--keep-caps kill,chown --drop-caps chown", |_| [KILL; 5]),
        ("--keep-caps kill --keep-caps cap_chown,NET_RAW", |_| [KILL | NET_RAW | 1; 5]),
        ("--drop-caps all --keep-caps kill", |_| [KILL; 5]), ("--uid 4242 --drop-caps all", |_| [0; 5]),
        ("--uid 4242", |[inh, .., bnd, _]| [inh, 0, 0, bnd, 0]),
        ("--uid 4242 --drop-caps kill", |[inh, .., bnd, _]| [inh & !KILL, 0, 0, bnd & !KILL, 0]),
        // What it takes to become that user may be among them.
        ("--uid 4242:6 --groups 5 --drop-caps setuid,setgid", |[inh, .., bnd, _]| [inh, 0, 0, bnd & !0xc0, 0]),
        ("--uid 4242 --keep-caps kill,net_raw", |_| [KILL | NET_RAW; 5]),
        ("--uid 4242 --keep-caps kill,net_raw --drop-caps kill --no-new-privs", |_| [NET_RAW; 5]),
    ];
    for inherited in [&["env"][..], &["setpriv", "--inh-caps", "+kill,+net_raw"]] {
        for (options, expected) in table {
            for (plain, command) in as_root("", &SHOW_CAPS).iter().zip(&as_root(options, &SHOW_CAPS)) {
                let before = caps(&mut under(inherited, plain));
                assert_eq!(caps(&mut under(inherited, command)), expected(before), "{command:?} {before:x?}");
            }
        }
    }
    for command in as_root("--uid 4242 --keep-caps kill,net_raw", &["true"]) {
        expect(&mut under(&LACKING, &command), "!cannot keep capabilities|: cap_net_raw:|(EPERM)?CapPrm");
    }
}

#[test]
fn an_ordinary_user_keeps_and_drops_what_it_can() {
    let namespaces = [Place::MapRoot, Place::MapCurrent].into_iter().filter(|_| privilege::user_namespaces());
    for mut command in namespaces.flat_map(|place| ways(place, "--keep-caps kill,chown", &SHOW_CAPS)) {
        assert_eq!(caps(&mut command), [KILL | 1; 5], "{command:?}");
    }
    let with = |given, command: &Command| {
        under(&[&ORDINARY[..], &["--inh-caps", given, "--ambient-caps", given]].concat(), command)
    };
    for command in as_root("--keep-caps kill", &SHOW_CAPS).iter().take(2) {
        assert_eq!(caps(&mut with("+kill,+setpcap", command)), [KILL; 5]);
        expect(&mut with("+kill", command), "!take capabilities from the command: cap_|(EPERM)?CAP_SETPCAP");
    }
    for command in as_root("--drop-caps net_raw", &SHOW_CAPS).iter().take(2) {
        // Nothing is to be taken from the bounding set, so that nothing is needed for it.
        let without = caps(&mut under(&LACKING, &under(&ORDINARY, command)));
        assert!(without[3] != 0 && without.iter().all(|set| set & NET_RAW == 0), "{without:x?}");
    }
}

/// Of a start in a directory that holds one that is closed.
#[rustfmt::skip] // a table
const FAILURES: [&[(&str, &str)]; 3] = [&[ // For everybody.
    ("--uid nosuch", "!/etc/passwd has no user nosuch?names are those of this file; a number"),
    ("--groups 5,nosuch", "!/etc/group has no group nosuch?names are those of this file; a number"),
    ("--workdir /no/such", "!cannot enter the command's working directory: /no/such:|(ENOENT)"),
    ("--workdir /dev/null", "!cannot enter the command's working directory: /dev/null:|(ENOTDIR)"),
    ("--rlimit nofile=:150", "!cannot set a resource limit for the command: nofile:|(EINVAL)?give both"),
    ("--rlimit nofile=401:", "!cannot set a resource limit for the command: nofile:|(EINVAL)?give both"),
], &[ // For an ordinary user.
    ("--uid 4242", "!cannot set the command's|(EPERM)?start as root"),
    ("--gid 4294967294", "!cannot set the command's group: 4294967294 (gid 4294967294):|(EPERM)?CAP_SETGID"),
    ("--groups 4242", "!cannot set the command's supplementary groups: [4242]:|(EPERM)?CAP_SETGID"),
    ("--drop-caps kill", "!cannot take capabilities from the command: cap_kill:|(EPERM)?CAP_SETPCAP"),
    ("--keep-caps chown", "!cannot keep capabilities for the command: cap_chown:|(EPERM)?CapPrm"),
    ("--rlimit nofile=401", "!cannot set a resource limit for the command: nofile:|(EPERM)?CAP_SYS_RESOURCE"),
    ("--nice -20", "!cannot set the command's scheduling priority: -20:|(EACCES)?CAP_SYS_NICE"),
    ("--oom-score-adj -1000", "!cannot set the command's OOM score adjustment: -1000:|(EACCES)?SYS_RESOURCE"),
    ("--workdir closed", "!cannot enter the command's working directory: closed:|(EACCES)?the command's user"),
], &[ // In a user namespace.
    ("--uid 4242", "!cannot set the command's?only ids that are mapped"),
    ("--gid 4294967294", "!cannot set the command's group: 4294967294 (gid|(EINVAL)?only ids that are mapped"),
    ("--groups 4242", "!cannot set the command's supplementary groups: [4242]:?only ids that are mapped"),
]];

#[test]
fn a_step_that_fails_never_starts_the_command_and_leaves_no_process() {
    let directory = scratch("identity-failing");
    run(shell("mkdir -m 0 closed").current_dir(&directory)).exits(0);
    let made = directory.join("made");
    let touch = ["touch", made.to_str().unwrap()];
    let fails = |command: &mut Command, expected: &str| {
        expect(command.current_dir(&directory), expected);
        assert!(!made.exists() && procfs::marked(touch[1]).is_empty(), "{command:?}\n{}", procfs::tree());
    };
    let [everybody, ordinary, unmapped] = FAILURES;
    for place in Place::all() {
        let ordinary = ordinary.iter().filter(|_| place == Place::Subreaper);
        let unmapped = unmapped.iter().filter(|_| matches!(place, Place::MapRoot | Place::MapCurrent));
        for (options, expected) in everybody.iter().chain(ordinary).chain(unmapped) {
            ways(place, options, &touch).iter_mut().for_each(|command| fails(command, expected));
        }
        expect(&mut ways(place, "", &touch)[0], "");
        std::fs::remove_file(&made).expect("what a command makes that does start");
    }
    for mut command in as_root("--uid 4242 --workdir closed", &touch) {
        fails(&mut command, "!working directory: closed:|(EACCES)?with the rights of the command's user");
    }
    run(shell("chmod 755 closed").current_dir(&directory)).exits(0); // or its owner could not remove it
}

#[test]
fn values_that_mean_nothing_are_refused() {
    let lines = "uid= uid=a: uid=:b gid= groups= groups=, groups=a,,b drop-caps= drop-caps=no drop-caps=chown, \
        keep-caps= keep-caps=nope keep-caps=all workdir= env= env=A env==1 unset-env= unset-env=A=1 umask= \
        umask=8 umask=1000 umask=-1 umask=u=x nice= nice=20 nice=-21 nice=1.5 oom-score-adj= oom-score-adj=x \
        oom-score-adj=1001 oom-score-adj=-1001 rlimit= rlimit=core rlimit=core= rlimit=core=: rlimit=files=1 \
        rlimit=core=-1 rlimit=core=2:1 rlimit=core=unlimited:1";
    for (option, value) in lines.split(' ').map(|line| line.split_once('=').unwrap()) {
        let commands = ways(Place::Subreaper, &format!("--{option} '{value}'"), &["true"]);
        for (mut command, source) in commands.into_iter().zip(["", "PIDONE_OPTIONS: "]) {
            let message = format!("{source}--{option} does not know this value: {value}");
            expect(&mut command, &format!("!pidone: {message}?--{option} "));
        }
    }
}

const ENV: &str = "tr '\\0' '\\n' < /proc/$$/environ | sed /^PIDONE_OPTIONS=/d";
const LIMIT: &str = "echo $(ulimit -Sn):$(ulimit -Hn)";
const NAME: &str = "tr '\\0' '|' < /proc/$$/cmdline | cut -d '|' -f 1";
const SCORE: &str = "cat /proc/self/oom_score_adj";
const SOFT_LIMITS: &str = "cut -c 27-46 /proc/self/limits | sed 1d";

/// Of a start in a directory that holds another `sh` in `sub`.
#[rustfmt::skip] // a table
const VALUES: &[(&str, &str, &str)] = &[
    ("--umask 0", "umask", "0000"), ("--umask 777", "umask", "0777"), ("--umask 7 --umask 27", "umask", "0027"),
    ("--argv0 'a name'", NAME, "a name"), ("--argv0 ''", NAME, ""), ("--nice 19", "nice", "19"),
    ("--oom-score-adj 1000", SCORE, "1000"), ("--no-new-privs", "grep NoNew /proc/$$/status", "NoNewPrivs: 1"),
    ("--workdir sub", "basename $(pwd -P)", "sub"), ("--workdir / --workdir sub", "./sh", "another"),
    ("", LIMIT, "200:400"), ("--rlimit nofile=9", LIMIT, "9:9"), ("--rlimit nofile=400", LIMIT, "400:400"),
    ("--rlimit RLIMIT_NOFILE=100:", LIMIT, "100:400"), ("--rlimit nofile=:200", LIMIT, "200:200"),
    ("--rlimit nofile=50:60 --rlimit cpu=7:unlimited", "ulimit -St; ulimit -Ht; ulimit -n", "7 unlimited 50"),
    ("--rlimit fsize=102 --rlimit data=1030000000 --rlimit stack=1040000 --rlimit core=0 --rlimit rss=106 \
      --rlimit nproc=4107 --rlimit memlock=109 --rlimit as=1100000000 --rlimit locks=111 --rlimit cpu=101 \
      --rlimit sigpending=112 --rlimit msgqueue=113 --rlimit nice=0 --rlimit rtprio=0 --rlimit rttime=11600000",
        SOFT_LIMITS, "101 102 1030000000 1040000 0 106 4107 200 109 1100000000 111 112 113 0 0 11600000"),
    ("--env A=x=y --env C='3 4'", ENV, "A=x=y HOME=/before PATH=/bin:/usr/bin C=3 4"),
    ("--env A= --unset-env HOME --unset-env NO", ENV, "A= PATH=/bin:/usr/bin"),
    ("--unset-env A --env A=5", ENV, "HOME=/before PATH=/bin:/usr/bin A=5"),
    ("--env A=5 --unset-env A", ENV, "HOME=/before PATH=/bin:/usr/bin"),
    ("--env A=5 --clear-env --env D=6", ENV, "D=6"), ("--clear-env", ENV, ""),
    ("--env PATH=/no:sub", "echo usual", "another"), ("--env PATH= --workdir sub", "echo usual", "another"),
    ("--env PATH=sub --unset-env PATH", "echo usual", "usual"),
    ("--rlimit nofile=100 --rlimit nofile=150", LIMIT, "150:150"),
];

#[test]
fn the_command_has_what_it_was_given() {
    let directory = scratch("identity-values");
    let make = "mkdir sub && printf '#!/bin/sh\necho another\n' > sub/sh && chmod 755 sub sub/sh";
    run(shell(make).current_dir(&directory)).exits(0);
    for (options, script, expected) in VALUES {
        let all = all(options, &["sh", "-c", script]);
        all.into_iter().for_each(|mut command| expect(command.current_dir(&directory), expected));
    }
}

#[test]
fn a_limit_on_descriptors_is_the_commands_and_does_not_hinder_pidone() {
    // A static program needs none beside the three; pidone needs a fourth before it, for the score.
    let all = all("--rlimit nofile=3 --oom-score-adj 1000", &["busybox", "echo", "fine"]);
    all.into_iter().filter(|_| privilege::has("busybox")).for_each(|mut command| expect(&mut command, "fine"));
}

#[test]
fn a_command_that_is_not_found_is_told_where_it_was_looked_for() {
    for (options, hint) in [("--env PATH=/no/such", "PATH=/no/such"), ("--unset-env PATH", "PATH is not set")] {
        for mut command in all(options, &["nosuch"]) {
            run(&mut command).exits(127).says(&["nosuch", "(ENOENT)"], Some(hint));
        }
    }
}

#[test]
fn what_takes_a_capability_is_done_with_it_and_refused_without() {
    let held = procfs::signal_mask("self", "CapEff").unwrap();
    let table = [("--nice -20", "nice", "-20", 23), ("--oom-score-adj -1000", SCORE, "-1000", 24)];
    for (options, script, done, number) in table {
        let expected = if held & (1 << number) != 0 { done } else { "!set the command's|(EACCES)?CAP_SYS_" };
        as_root(options, &["sh", "-c", script]).iter_mut().for_each(|command| expect(command, expected));
    }
    for (nice, expected) in [("$N", "0"), ("$((N - 1))", "!scheduling priority:|(EACCES)?below the present")] {
        let command = format!("--in-place --nice {nice} -- sh -c \"echo \\$(($N - \\$(nice)))\"");
        let mut command = shell(&format!("N=$(nice -n 5 nice); exec nice -n 5 $PIDONE {command}"));
        expect(as_nobody(&mut command), expected);
    }
}

/// All that init could lose by what it does for the workload, and who may look at it (PR_SET_DUMPABLE).
fn state(pid: i32) -> String {
    let read = |name| text(Command::new("cat").arg(format!("/proc/{pid}/{name}")));
    let all = ["Uid", "Gid", "Groups", "NoNewPrivs", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Umask"];
    let status = all.map(|field| format!("{field} {}\n", procfs::status(pid, field).unwrap())).concat();
    let nice = read("stat").rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().to_owned();
    let owner = std::fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid();
    format!("{status}nice {nice}, owner {owner}, {}{}", read("oom_score_adj"), read("limits"))
}

/// A workload that holds, and the process above it.
fn holding(command: &mut Command) -> (Running, i32, i32) {
    let mut running = Running::start(command);
    running.expect("holding");
    let workload = *procfs::descendants(running.pid()).last().unwrap();
    (running, workload, procfs::status(workload, "PPid").unwrap().parse().unwrap())
}

#[test]
fn init_stays_what_it_was_and_can_be_looked_at_as_before() {
    let given = "--no-new-privs --umask 0 --workdir / --nice 19 --rlimit nofile=50:60 --oom-score-adj 1000";
    let [player, role] = &play("hold");
    let compare = |plain: &mut Command, dressed: &mut Command, mark: &str| {
        let (_plain, _, above) = holding(plain);
        let before = state(above);
        let (_dressed, workload, above) = holding(dressed);
        assert!(state(workload).contains(mark), "{}: {dressed:?}", state(workload));
        // The workload may be quicker than init's last step of the start.
        eventually(&format!("{before} again, by {dressed:?}"), || (state(above) == before).then_some(()));
    };
    let dressed = ways(Place::Subreaper, given, &[player, role]);
    for (mut plain, mut dressed) in ways(Place::Subreaper, "", &[player, role]).into_iter().zip(dressed) {
        compare(&mut plain, &mut dressed, "NoNewPrivs 1");
    }
    let mark = "Uid 4242\t4242\t4242\t4242\nGid 43\t43\t43\t43\nGroups 44\n";
    let caps = "+setuid,+setgid,+setpcap,+sys_admin";
    let other = ["setpriv", "--reuid", "1234", "--clear-groups", "--inh-caps", caps, "--ambient-caps", caps];
    let given = format!("{given} --uid 4242 --gid 43 --groups 44 --drop-caps all");
    for prefix in [&["env"][..], &other] {
        for (plain, dressed) in as_root("", &[player, role]).iter().zip(&as_root(&given, &[player, role])) {
            compare(&mut under(prefix, plain), &mut under(prefix, dressed), mark);
        }
    }
}

#[test]
fn privilege_goes_after_what_takes_it() {
    let order = "setgroups(1, [35]|setresgid(34,|CAPBSET_DROP|setresuid(33,|capset(|chdir(|SET_NO_NEW_PRIVS";
    let order: Vec<_> = order.split('|').collect();
    let trace = scratch("identity-order").join("trace");
    let strace = ["strace", "-f", "-o", trace.to_str().unwrap(), "-e", "trace=/^set|capset|prctl|chdir"];
    let options = "--no-new-privs --workdir / --drop-caps all --uid 33 --gid 34 --groups 35";
    for command in as_root(options, &["true"]).into_iter().filter(|_| privilege::has("strace")) {
        expect(&mut under(&strace, &command), "");
        let trace = std::fs::read_to_string(&trace).unwrap();
        let (before, _) = trace.split_once(" setresuid(33,").unwrap();
        let of_it = trace.lines().filter(|line| line.starts_with(before.lines().last().unwrap()));
        let mut found: Vec<_> =
            of_it.filter_map(|line| order.iter().find(|call| line.contains(**call)).copied()).collect();
        found.dedup();
        assert_eq!(found, order, "{command:?}\n{trace}");
    }
}
