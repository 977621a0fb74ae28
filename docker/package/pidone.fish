# Completion of pidone(1) for fish.
# Made from src/cli/options.rs by src/cli/generate/; see README, "Man page and completions".

set -g __pidone_signals HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX
set -g __pidone_capabilities chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
set -g __pidone_kinds user pid mnt uts ipc net cgroup time
set -g __pidone_resources as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack

# Prints where the cursor is: the verb, what is wanted there (options, command), and the words of the command so far.
function __pidone_where
    set -l words (commandline -opc)
    set -e words[1]
    set -l verb run
    if contains -- "$words[1]" run enter inspect probe release install-names
        set verb $words[1]
        set -e words[1]
    end
    set -l target
    while set -q words[1]
        set -l word $words[1]
        if test "$word" = --
            printf '%s\n' $verb command $words[2..-1]
            return
        else if contains -- $word --hostname --domainname --monotonic --boottime --map-users --map-groups --proc --propagation --persist --rootfs --bind --ro-bind --tmpfs --dev --proc-at --mask --rewrite --ignore --pdeathsig --map-exit --stop-timeout --stop-delay --on-exit --uid --gid --groups --drop-caps --keep-caps --umask --workdir --env --unset-env --argv0 --nice --rlimit --oom-score-adj --ns --only --signals --settle --ready-file --ready-regex --ready-timeout --wait --trace-format
            test $word = --ns; and set target none
            # The cursor is at its value.
            if not set -q words[2]
                printf '%s\n' $verb options
                return
            end
            set -e words[1]
        else if not string match -q -- '-?*' $word
            if contains $verb enter inspect; and not set -q target[1]
                set target $word
            else
                printf '%s\n' $verb command $words
                return
            end
        else if string match -q -- '--ns=*' $word
            set target none
        end
        set -e words[1]
    end
    if contains $verb enter inspect; and not set -q target[1]
        printf '%s\n' $verb target
    else
        printf '%s\n' $verb options
    end
end

# Whether an option of one of these verbs may stand here.
function __pidone_takes_options
    set -l where (__pidone_where)
    test "$where[2]" != command; and contains -- $where[1] $argv
end

# Whether no word stands before this one.
function __pidone_at_first
    test (count (commandline -opc)) -eq 1
end

function __pidone_at_target
    set -l where (__pidone_where)
    test "$where[2]" = target; and not contains -- $where[1] inspect
end

function __pidone_at_process
    set -l where (__pidone_where)
    test "$where[2]" = target; and contains -- $where[1] inspect
end

function __pidone_at_directory
    set -l where (__pidone_where)
    contains -- $where[1] release install-names
end

# Whether the command, or a word of it, may stand here.
function __pidone_at_command
    set -l where (__pidone_where)
    test "$where[2]" != target; and not contains -- $where[1] release install-names inspect
end

# What the command's own completion offers; or the command, which can be no function, builtin or keyword.
function __pidone_command
    set -l where (__pidone_where)
    set -l current (commandline -ct)
    if test "$where[2]" = options; and string match -q -- '-*' "$current"
        return
    end
    for offer in (complete -C (string join ' ' -- (string escape -- $where[3..-1]) "$current"))
        set -l name (string split -f 1 \t -- $offer)
        if set -q where[3]; or string match -q '*/*' -- $name; or command -q -- $name
            echo $offer
        end
    end
end

# The value that is being typed: a word, or what follows the = of an option.
function __pidone_value
    commandline -ct | string replace -r -- '^--[^=]*=' ''
end

# Names with SIG or without.
function __pidone_signal
    set -l prefix (__pidone_value | string match -r '^SIG')
    printf '%s\n' "$prefix"$__pidone_signals
end

# FROM:TO
function __pidone_signal_pair
    set -l from (__pidone_value | string match -r '^.*:')
    if not set -q from[1]
        string join \n -- (__pidone_signal):
    else if string match -q '*:SIG*' -- (__pidone_value)
        printf '%s\n' {$from}SIG$__pidone_signals
    else
        printf '%s\n' $from$__pidone_signals {$from}0
    end
end

# USER[:GROUP]
function __pidone_user_and_group
    set -l user (__pidone_value | string match -r '^.*:')
    if set -q user[1]
        printf '%s\n' $user(__fish_complete_groups)
    else
        __fish_complete_users
    end
end

# ALONE... -- WORD...: words with commas between them, or one of those that stand alone.
function __pidone_list
    set -l divider (contains -i -- -- $argv)
    set -l before (__pidone_value | string match -r '^.*,')
    if set -q before[1]
        printf '%s\n' $before$argv[(math $divider + 1)..-1]
    else
        set -e argv[$divider]
        printf '%s\n' $argv
    end
end

complete -c pidone -f
complete -c pidone -n __pidone_at_command -a '(__pidone_command)'
complete -c pidone -n __pidone_at_target -a '(__fish_complete_pids)(__fish_complete_directories)'
complete -c pidone -n __pidone_at_process -a '(__fish_complete_pids)'
complete -c pidone -n __pidone_at_directory -a '(__fish_complete_directories)'
complete -c pidone -n __pidone_at_first -a run -d 'run a command under an init, as without a verb'
complete -c pidone -n __pidone_at_first -a enter -d 'run a command in namespaces that are there'
complete -c pidone -n __pidone_at_first -a inspect -d 'show what a process is as an init, and what is wrong'
complete -c pidone -n __pidone_at_first -a probe -d 'find out whether a command needs an init'
complete -c pidone -n __pidone_at_first -a release -d 'drop the namespaces that --persist has kept'
complete -c pidone -n __pidone_at_first -a install-names -d 'make links to pidone, named like other inits'
complete -c pidone -n '__pidone_takes_options run' -l in-place -d 'no new namespaces: be init here (default as PID 1)'
complete -c pidone -n '__pidone_takes_options run' -l isolate -d 'be PID 1 of new PID and mount namespaces (default elsewhere)'
complete -c pidone -n '__pidone_takes_options run' -l as-pid1 -d 'like --isolate, but the command itself is PID 1'
complete -c pidone -n '__pidone_takes_options run' -l pause -d 'no command: only reap, until SIGTERM or SIGINT'
complete -c pidone -n '__pidone_takes_options run probe' -l uts -d 'also a new UTS namespace, for a host name of its own'
complete -c pidone -n '__pidone_takes_options run probe' -l ipc -d 'also a new IPC namespace: System V IPC, POSIX message queues'
complete -c pidone -n '__pidone_takes_options run probe' -l net -d 'also a new network namespace, in which only lo is, and up'
complete -c pidone -n '__pidone_takes_options run probe' -l user -d 'also a new user namespace'
complete -c pidone -n '__pidone_takes_options run probe' -l cgroup -d 'also a new cgroup namespace, whose root is the present cgroup'
complete -c pidone -n '__pidone_takes_options run probe' -l time -d 'also a new time namespace'
complete -c pidone -n '__pidone_takes_options run probe' -l all -d 'new namespaces of all eight kinds'
complete -c pidone -n '__pidone_takes_options run probe' -l hostname -x -d 'the host name in a new UTS namespace'
complete -c pidone -n '__pidone_takes_options run probe' -l domainname -x -d 'the NIS domain name in a new UTS namespace'
complete -c pidone -n '__pidone_takes_options run probe' -l monotonic -x -d 'set CLOCK_MONOTONIC ahead by SECONDS'
complete -c pidone -n '__pidone_takes_options run probe' -l boottime -x -d 'set CLOCK_BOOTTIME, and so the uptime, ahead by SECONDS'
complete -c pidone -n '__pidone_takes_options run probe' -l map-root -d 'be root in a new user namespace'
complete -c pidone -n '__pidone_takes_options run probe' -l map-current -d 'keep your ids in a new user namespace'
complete -c pidone -n '__pidone_takes_options run probe' -l map-users -x -d 'map COUNT users, from OUT, to those from IN'
complete -c pidone -n '__pidone_takes_options run probe' -l map-groups -x -d 'map COUNT groups, from OUT, to those from IN'
complete -c pidone -n '__pidone_takes_options run probe' -l map-auto -d 'map all that /etc/subuid and /etc/subgid give you'
complete -c pidone -n '__pidone_takes_options run probe' -l proc -x -a 'fresh bind none' -d 'what to mount at /proc (default fresh)'
complete -c pidone -n '__pidone_takes_options run probe' -l propagation -x -a 'private slave shared unchanged' -d 'how mounts travel in and out (default private)'
complete -c pidone -n '__pidone_takes_options run' -l persist -x -a '(__fish_complete_directories)' -d 'keep the new namespaces as files in DIR when all inside has ended'
complete -c pidone -n '__pidone_takes_options run enter' -l no-die-with-parent -d 'let the inside live on when pidone outside is killed'
complete -c pidone -n '__pidone_takes_options run probe' -l rootfs -x -a '(__fish_complete_directories)' -d 'make DIR the root directory, and nothing else reachable'
complete -c pidone -n '__pidone_takes_options run probe' -l bind -r -F -d 'have the caller\'s SRC, and what is mounted in it, at DST'
complete -c pidone -n '__pidone_takes_options run probe' -l ro-bind -r -F -d 'the same, read-only, with what is mounted in it'
complete -c pidone -n '__pidone_takes_options run probe' -l tmpfs -x -d 'an empty file system in memory at DST'
complete -c pidone -n '__pidone_takes_options run probe' -l dev -x -d 'a minimal /dev at DST'
complete -c pidone -n '__pidone_takes_options run probe' -l proc-at -x -d 'a fresh procfs at DST'
complete -c pidone -n '__pidone_takes_options run probe' -l mask -r -F -d 'put an empty directory, or the null device, over PATH'
complete -c pidone -n '__pidone_takes_options run probe' -l read-only -d 'make the root file system read-only, but not what is mounted in it'
complete -c pidone -n '__pidone_takes_options run enter probe' -s g -l group -d 'forward signals to the command\'s whole process group'
complete -c pidone -n '__pidone_takes_options run enter probe' -l new-session -d 'give the command a session of its own'
complete -c pidone -n '__pidone_takes_options run enter probe' -l rewrite -x -a '(__pidone_signal_pair)' -d 'forward TO where FROM came; TO 0 drops it'
complete -c pidone -n '__pidone_takes_options run enter probe' -l ignore -x -a '(__pidone_signal)' -d 'do not forward SIG; the same as --rewrite SIG:0'
complete -c pidone -n '__pidone_takes_options run enter' -l pdeathsig -x -a '(__pidone_signal)' -d 'forward SIG when the process that started pidone dies'
complete -c pidone -n '__pidone_takes_options run enter' -l map-exit -x -d 'exit with TO where the command\'s status is FROM'
complete -c pidone -n '__pidone_takes_options run enter probe' -l stop-timeout -x -d 'SIGKILL to a command that still runs DUR after a stop signal'
complete -c pidone -n '__pidone_takes_options run enter probe' -l stop-delay -x -d 'hold a stop signal back for DUR; a second one ends the wait'
complete -c pidone -n '__pidone_takes_options run probe' -l stop-all -d 'send a stop signal to every process, not to the command alone'
complete -c pidone -n '__pidone_takes_options run probe' -l on-exit -x -a 'kill term wait' -d 'what becomes of the others when the command is gone'
complete -c pidone -n '__pidone_takes_options run enter probe' -l uid -x -a '(__pidone_user_and_group)' -d 'run as USER, by name or number'
complete -c pidone -n '__pidone_takes_options run enter probe' -l gid -x -a '(__fish_complete_groups)' -d 'run with this group, by name or number'
complete -c pidone -n '__pidone_takes_options run enter probe' -l groups -x -a '(__pidone_list none init -- (__fish_complete_groups))' -d 'supplementary groups: these, none, or USER\'s'
complete -c pidone -n '__pidone_takes_options run enter probe' -l no-new-privs -d 'no exec grants privileges any more (set-user-ID, capabilities)'
complete -c pidone -n '__pidone_takes_options run enter probe' -l drop-caps -x -a '(__pidone_list all -- $__pidone_capabilities)' -d 'take these capabilities away, from all five sets'
complete -c pidone -n '__pidone_takes_options run enter probe' -l keep-caps -x -a '(__pidone_list -- $__pidone_capabilities)' -d 'have these capabilities in all five sets, and no others'
complete -c pidone -n '__pidone_takes_options run enter probe' -l umask -x -d 'file mode creation mask, octal'
complete -c pidone -n '__pidone_takes_options run enter probe' -l workdir -x -a '(__fish_complete_directories)' -d 'start in DIR, with the rights of USER'
complete -c pidone -n '__pidone_takes_options run enter probe' -l env -x -a '(set -xn)=' -d 'set this variable'
complete -c pidone -n '__pidone_takes_options run enter probe' -l unset-env -x -a '(set -xn)' -d 'take this variable away'
complete -c pidone -n '__pidone_takes_options run enter probe' -l clear-env -d 'take all variables away'
complete -c pidone -n '__pidone_takes_options run enter probe' -l argv0 -x -d 'what the command finds as its own name'
complete -c pidone -n '__pidone_takes_options run enter probe' -l nice -x -d 'scheduling priority, from -20 (first) to 19'
complete -c pidone -n '__pidone_takes_options run enter probe' -l rlimit -x -a '$__pidone_resources=' -d 'limit a resource, such as nofile=1024:4096'
complete -c pidone -n '__pidone_takes_options run enter probe' -l oom-score-adj -x -d 'who goes first when memory runs out: -1000 to 1000 (first)'
complete -c pidone -n '__pidone_takes_options enter' -l ns -r -F -d 'enter the namespace of this file, in place of a TARGET'
complete -c pidone -n '__pidone_takes_options enter' -l only -x -a '(__pidone_list -- $__pidone_kinds)' -d 'enter these kinds alone, such as pid,mnt'
complete -c pidone -n '__pidone_takes_options probe' -l signals -x -a '(__pidone_list all -- $__pidone_signals)' -d 'try these, such as TERM,INT (default TERM INT HUP QUIT USR1 USR2)'
complete -c pidone -n '__pidone_takes_options probe' -l settle -x -d 'how long the command gets to settle first (default 500ms)'
complete -c pidone -n '__pidone_takes_options probe' -l ready-file -r -F -d 'it has settled when this file is there'
complete -c pidone -n '__pidone_takes_options probe' -l ready-regex -x -d 'it has settled when a line of its output matches this'
complete -c pidone -n '__pidone_takes_options probe' -l ready-timeout -x -d 'give up when it is not ready by then (default 30s)'
complete -c pidone -n '__pidone_takes_options probe' -l wait -x -d 'how long a signal has to show its effect (default 1s)'
complete -c pidone -n '__pidone_takes_options inspect probe' -l json -d 'print JSON instead of a table'
complete -c pidone -n '__pidone_takes_options run enter probe' -s v -l verbose -d 'say on stderr what is done; -vv and -vvv say more'
complete -c pidone -n '__pidone_takes_options run enter probe' -l trace -d 'write each event as a line of JSON, by default to stderr'
complete -c pidone -n '__pidone_takes_options run enter probe' -l trace-format -x -a 'json chrome' -d 'how to write the trace (default json)'
complete -c pidone -n '__pidone_takes_options run enter inspect probe release install-names' -s h -l help -d '-h: their names; --help: all there is to know'
complete -c pidone -n '__pidone_takes_options run enter probe' -l version -d 'print the version'
complete -c pidone -n '__pidone_takes_options inspect' -l tree -d 'all PID and user namespaces that /proc shows, and their inits'
complete -c pidone -n '__pidone_takes_options inspect' -l watch -d 'show it again every SECONDS (default 2); Ctrl-C ends it'
