#!/usr/bin/env bash
# Runs pidone as the entrypoint of real containers, on a real Docker Engine, and checks what it promises there.
#
# The binary is $PIDONE_BIN, or else that of `cargo build --release`. The engine is the one that `docker info` finds;
# if there is none, this script, as root, starts one for itself. Nothing is pulled: the images hold pidone and busybox.
# No container has a network, and everything made here is removed at the end. (Past 300 lines because engine, images
# and their removal stand here too: they exist for these checks only.)

# What stands in single quotes is for the shell in the container to expand.
# shellcheck disable=SC2016
set -euo pipefail
umask 022
binary=${PIDONE_BIN:+$(realpath "$PIDONE_BIN")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=target/x86_64-unknown-linux-musl/release
tmp=$(mktemp -d /tmp/pidone-docker.XXXXXX) # not in $TMPDIR: a unix socket's path must be short
run=pidone-test-$$-$RANDOM                 # label and part of the name of every image and container
scratch=$run:scratch                       # the image that docker/Dockerfile makes
image=$run:userland                        # the same with busybox in it
engine='' finished='' passed=0 failed=0 milliseconds=0
# The older builder is in every engine and client. BuildKit may be missing, or look for images elsewhere.
export DOCKER_BUILDKIT=0

# --- Results ---

# check NAME PATTERN GOT: the whole of GOT is to match PATTERN, as file names do.
check() {
    # shellcheck disable=SC2053 # a pattern is meant
    if [[ $3 == $2 ]]; then
        passed=$((passed + 1))
        echo "ok $1"
    else
        failed=$((failed + 1))
        echo "FAILED $1"
        printf 'wanted: %s\ngot: %s\n' "$2" "$3" | sed 's/^/    /'
    fi
}

give_up() {
    echo "docker/test.sh: $*" >&2
    exit 1
}

# Repeats a command until it succeeds.
eventually() {
    local deadline=$((SECONDS + 15))
    until "$@"; do
        ((SECONDS < deadline)) || give_up "not within 15 s: $*"
        sleep 0.05
    done
}

# Shows what a command prints only if it fails.
quietly() {
    "$@" >"$tmp/output" 2>&1 || give_up "$* failed: $(cat "$tmp/output")"
}

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    set +e
    if [[ ! $finished && $((passed + failed)) -gt 0 ]]; then
        check 'all checks are made' 'to the end' "status $status, with these containers:
$(timeout 20 docker ps -a --filter "label=$run" --format '{{.Names}}: {{.Command}}: {{.Status}}')"
    fi
    if engine_answers; then remove_containers_and_images || status=1; fi
    if [[ $engine ]]; then stop_engine || status=1; fi
    rm -rf "$tmp" || status=1
    if ((passed + failed > 0)); then echo "$passed passed, $failed failed"; fi
    exit "$status"
}

remove_containers_and_images() {
    timeout 20 docker ps -aq --filter "label=$run" | xargs -r timeout 60 docker rm -f >/dev/null &&
        timeout 60 docker image prune -af --filter "label=$run" >/dev/null
}

# --- The engine and the images ---

engine_answers() {
    timeout 20 docker info >/dev/null 2>&1
}

require_tools() {
    local missing=()
    engine_answers || { command -v docker && command -v dockerd; } >/dev/null || missing+=(docker.io iptables)
    # Being in an image without libraries, busybox must be static.
    [[ -x /bin/busybox ]] && ! ldd /bin/busybox >/dev/null 2>&1 || missing+=(busybox-static)
    ((${#missing[@]} == 0)) || give_up "something is missing: apt-get install --no-install-recommends ${missing[*]}"
}

# Namespaces of its own make everything vanish with it: processes, mounts, devices and rules of the network, what it
# writes below /etc, /opt and /run. And it is killed when this script is, however that happens.
start_engine() {
    ((EUID == 0)) || give_up 'no Docker Engine answers, and to start one takes root'
    export DOCKER_HOST=unix://$tmp/docker.sock
    mkdir "$tmp/engine"
    install -m 755 "${binary:-$target/pidone}" "$tmp/docker-init"
    setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child bash -euc '
        dir=$1/engine
        read -r pid _ </proc/self/stat # from the outer /proc, so the outer PID
        echo "$pid" >"$1/engine.pid"
        mount -t proc proc /proc
        mount -t tmpfs tmpfs "$dir" # overlays may not lie upon the overlay of a container
        for place in etc opt run; do
            mkdir "$dir/$place" "$dir/$place.work"
            mount -t overlay -o "lowerdir=/$place,upperdir=$dir/$place,workdir=$dir/$place.work" overlay "/$place"
        done
        exec dockerd --host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" \
            --init-path "$1/docker-init" --bridge none --iptables=false \
            --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$2"
    ' sh "$tmp" "$run" >"$tmp/engine.log" 2>&1 &
    engine=$!
    (eventually engine_answers) || give_up "the engine does not start: $(tail -n 20 "$tmp/engine.log")"
}

# dockerd is PID 1 of its namespace, and unshare waits for it: after that no process is left.
stop_engine() {
    local pid
    pid=$(cat "$tmp/engine.pid")
    if kill -0 "$engine" 2>/dev/null; then kill -KILL "${pid:-$engine}"; fi
    wait "$engine" 2>/dev/null
    find /sys/fs/cgroup -depth -type d -path "*/$run*" -exec rmdir {} +
}

build_images() {
    local userland=$tmp/userland stand_in=$tmp/stand-in name
    mkdir -p "$userland/bin"
    for applet in $(/bin/busybox --list); do ln -s busybox "$userland/bin/$applet"; done
    cp --remove-destination /bin/busybox "$userland/bin/busybox"
    touch "$userland/not-runnable"
    mkdir "$userland/etc"
    printf '%s\n' root:x:0:0::/root:/bin/sh guest:x:65534:4321::/srv:/bin/sh >"$userland/etc/passwd"
    echo team:x:77:guest >"$userland/etc/group"

    # In place of the image with Rust: its `cargo build` hands out the binary.
    cp -a "$userland" "$stand_in"
    install -m 755 "${binary:-$target/pidone}" "$stand_in/pidone"
    printf '#!/bin/sh\n' >"$stand_in/bin/rustup"
    printf '#!/bin/sh\nmkdir -p %s && cp /pidone %s/\n' "$target" "$target" >"$stand_in/bin/cargo"
    chmod 755 "$stand_in/bin/"{cargo,rustup}
    tar -c -C "$stand_in" . | quietly docker import --change "LABEL $run=" - "$run:rust"

    local build=(docker build --network none --force-rm --no-cache)
    tar -c Cargo.toml Cargo.lock .cargo src docker/Dockerfile |
        quietly "${build[@]}" -f docker/Dockerfile --build-arg "RUST_IMAGE=$run:rust" --label "$run=" -t "$scratch" -
    printf 'FROM %s\nCOPY . /\n' "$scratch" | quietly "${build[@]}" -f - -t "$image" "$userland"
    for name in tini dumb-init; do
        printf 'FROM %s\nRUN ["/pidone", "install-names", "/bin"]\nENTRYPOINT ["%s", "--"]\n' "$image" "$name" |
            quietly "${build[@]}" -t "$run:$name" -
    done
}

# --- Containers ---

# run_to_end ARG...: what `docker run ARG...` and its container print, and "=> STATUS".
run_to_end() {
    local status=0
    timeout --foreground 60 docker run --rm --network none "$@" 2>&1 || status=$?
    echo "=> $status"
}

# start NAME ARG...: `docker run ARG...` in the background. To be signalled, it must have printed something first:
# until pidone has taken its first steps, PID 1 is a program without handlers, and the kernel drops the signal.
start() {
    docker run --detach --network none --name "$run-$1" "${@:2}" >/dev/null
}

output() {
    docker logs "$run-$1" 2>&1
}

has_printed() {
    [[ $(output "$1") == *"$2"* ]]
}

# What a container that has ended printed, and "=> STATUS".
outcome() {
    output "$1"
    echo "=> $(timeout 20 docker wait "$run-$1")"
}

# check_stop NAME WHAT: `docker stop` is to end it by SIGTERM, long before SIGKILL would come after 10 s. How many
# milliseconds it took is left in that variable.
check_stop() {
    local before ended code verdict=slow
    before=$(date +%s%3N)
    docker stop "$run-$1" >/dev/null
    read -r code ended < <(docker inspect -f '{{.State.ExitCode}} {{.State.FinishedAt}}' "$run-$1")
    milliseconds=$(($(date -d "$ended" +%s%3N) - before))
    ((milliseconds < 1000)) && verdict=fast
    check "docker stop ends $2 in under a second ($milliseconds ms)" 'fast, 143' "$verdict, $code"
}

# --- Checks ---

the_image_is_the_binary() {
    local engines_own='\.dockerenv|(dev|etc|proc|sys)/|dev/.*|etc/(hostname|hosts|mtab|resolv\.conf)'
    docker create --name "$run-files" "$scratch" /pidone >/dev/null
    check 'the image from the Dockerfile holds the binary only' 'pidone' \
        "$(docker export "$run-files" | tar -t | grep -vxE "$engines_own")"
    check 'it runs with nothing else in the image' $'pidone *\n=> 0' "$(run_to_end "$scratch" /pidone --version)"
}

pidone_is_pid_1() {
    start loop "$image" sh -c 'echo "parent $PPID"; while :; do sleep 1; done'
    eventually has_printed loop parent
    check 'PID 1 is pidone' '/pidone, pidone' \
        "$(docker exec "$run-loop" sh -c 'echo "$(readlink /proc/1/exe), $(cat /proc/1/comm)"' 2>&1)"
    check "the workload's parent is PID 1" 'parent 1' "$(output loop)"
    check_stop loop 'a shell loop'
}

# From the host and from inside, `inspect` says the same of a container's PID 1: a shell that drops SIGTERM under a masked /proc.
inspect_shows_pid_1_from_both_sides() {
    start bare --entrypoint sh "$image" -c "echo up; sleep 1000; : $run"
    eventually has_printed bare up
    local pid outside inside
    # Not the engine's word for it: that may run in another PID namespace.
    pid=$(pgrep -fx "sh -c echo up; sleep 1000; : $run")
    outside=$("${binary:-$target/pidone}" inspect "$pid" --json)
    inside=$(docker exec "$run-bare" /pidone inspect --json)
    local said='*"name":"SIGTERM","disposition":"default",*"from_inside":"dropped","from_outside":"dropped"*'
    said+='"code":"term-dropped"*"code":"shell-wrapper"*"code":"masked-proc"*'
    check 'inspect from the host: what PID 1 of a container does' "*\"is_init\":true*\"nspids\":\[$pid,*1\]$said" "$outside"
    check 'inspect inside: the same' "*\"is_init\":true*\"nspids\":\[1\]$said" "$inside"
    docker rm --force "$run-bare" >/dev/null
}

exit_statuses_come_through() {
    local code
    for code in 0 1 42 125 126 127 255; do
        check "exit status $code comes through" "=> $code" "$(run_to_end "$image" sh -c "exit $code")"
    done
    check 'killed by SIGTERM is 143' '=> 143' "$(run_to_end "$image" sh -c 'kill -TERM $$')"
    check 'killed by SIGKILL is 137' '=> 137' "$(run_to_end "$image" sh -c 'kill -KILL $$')"
    check 'not found in PATH is 127' $'pidone: *missing*\n=> 127' "$(run_to_end "$image" missing)"
    check 'no such file is 127' $'pidone: */bin/missing*\n=> 127' "$(run_to_end "$image" /bin/missing)"
    check 'a file without x is 126' $'pidone: */not-runnable*\n=> 126' "$(run_to_end "$image" /not-runnable)"
    check 'a directory is 126' $'pidone: */bin*\n=> 126' "$(run_to_end "$image" /bin)"
    check 'a wrong option is 125' $'pidone: *--wrong*\n=> 125' "$(run_to_end -e PIDONE_OPTIONS=--wrong "$image" true)"
}

# check_orphans NAME ARG...: 300 daemons, then all of them end at once: far fewer SIGCHLDs than deaths.
check_orphans() {
    local script='
        count() { grep -l "$1" /proc/[0-9]*/status 2>/dev/null | wc -l; }
        wait_for() { n=0; until [ "$(count "$1")" = "$2" ] || [ $n = 100 ]; do usleep 100000; n=$((n + 1)); done; }
        i=0; while [ $i -lt 300 ]; do (setsid sleep 1000 &); i=$((i + 1)); done
        wait_for "^PPid:.1$" 301; echo "parent $PPID, its children: $(count "^PPid:.1$")"
        killall -KILL sleep
        wait_for "^PPid:.1$" 1; echo "left: $(count "^PPid:.1$"), zombies: $(count "^State:.Z")"'
    check "$1: 300 orphans are adopted and reaped" $'parent 1, its children: 301\nleft: 1, zombies: 0\n=> 0' \
        "$(run_to_end "${@:2}" sh -c "$script")"
}

no_privilege_is_needed() {
    local script='echo "$(id -u) $PPID $(grep -h -E "CapEff|NoNewPrivs" /proc/1/status | xargs)"; exit 42'
    local options=(--user 65534 --cap-drop ALL --read-only --security-opt no-new-privileges)
    check 'any user, no capability, read-only, no new privileges' \
        $'65534 1 CapEff: 0000000000000000 NoNewPrivs: 1\n=> 42' \
        "$(run_to_end "${options[@]}" "$image" sh -c "$script")"
}

signals_are_forwarded_once() {
    local script='trap "echo usr1" USR1; trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
    start signals "$image" sh -c "$script"
    eventually has_printed signals ready
    docker kill -s USR1 "$run-signals" >/dev/null
    eventually has_printed signals usr1
    docker stop "$run-signals" >/dev/null
    check 'docker kill -s USR1 and docker stop each arrive once' $'ready\nusr1\nterm\n=> 7' "$(outcome signals)"

    start real-time --stop-signal RTMIN+3 "$image" sh -c 'echo ready; exec sleep 1000'
    eventually has_printed real-time ready
    docker stop "$run-real-time" >/dev/null
    check 'a real-time stop signal arrives' $'ready\n=> 165' "$(outcome real-time)"
}

# Asks the workload for a sign of life; true once one has come after the terminal's echo $2.
is_alive_after() {
    docker kill -s USR1 "$run-$1" >/dev/null
    has_printed "$1" "$2alive"
}

standard_input_and_terminals_work() {
    check 'standard input comes through' $'typed\n=> 0' "$(echo typed | run_to_end -i "$image" cat)"
    # Fields 5 and 8 of proc_pid_stat(5): the process group, and the foreground one of its terminal.
    local script='read -r _ _ _ _ group _ _ foreground _ </proc/self/stat; tty; echo "$((group - foreground))"'
    check 'docker run -t: the workload is in the foreground' $'/dev/*\n0\n=> 0' \
        "$(run_to_end -t "$image" sh -c "$script" | tr -d '\r')"

    script='trap "echo interrupted" INT; trap "echo alive" USR1; trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
    local command="docker run -it --network none --name $run-terminal $image sh -c '$script'"
    {
        eventually has_printed terminal ready
        printf '\003'
        eventually has_printed terminal interrupted
        printf '\032'
        # The echo of the key becomes part of the log with the line that it begins.
        eventually is_alive_after terminal ^Z
        docker stop "$run-terminal" >/dev/null
    } | quietly script -qc "timeout --foreground 60 $command" /dev/null
    check 'docker run -it: Ctrl-C arrives once, Ctrl-Z freezes nothing' $'ready\n^Cinterrupted\n*^Zalive\n*term\n=> 7' "$(outcome terminal | tr -d '\r')"
}

a_shared_pid_namespace_works_in_place() {
    local options=(--pid "container:$run-neighbour")
    start neighbour "$image" sleep 1000
    check 'not PID 1, no privilege: 125, and the hint is --in-place' $'pidone: *\nhint: *--in-place*\n=> 125' \
        "$(run_to_end "${options[@]}" "$image" true)"
    options+=(-e PIDONE_OPTIONS=--in-place)
    check 'not PID 1, --in-place: the status comes through' '=> 42' \
        "$(run_to_end "${options[@]}" "$image" sh -c 'exit 42')"
    # The subshell is gone when $() has read to its end and waited for it.
    start guest "${options[@]}" "$image" sh -c '
        orphan=$( (sleep 1000 >/dev/null & echo $!) )
        echo "$(cat "/proc/$PPID/comm") $((PPID > 1)) $(grep -c "^PPid:.$PPID$" "/proc/$orphan/status")"
        while :; do sleep 1; done'
    eventually has_printed guest pidone
    check 'not PID 1, --in-place: orphans are adopted' 'pidone 1 1' "$(output guest)"
    check_stop guest 'a shell loop in a shared PID namespace'
}

# check_nested NAME ARG...: the workload is to be PID 2, with pidone as PID 1 of another namespace than the container's.
check_nested() {
    local script='echo "$$ $PPID $(readlink /proc/1/exe)"; exit 42'
    check "$1" $'2 1 /pidone\n=> 42' "$(run_to_end "${@:2}" "$image" sh -c "$script")"
}

isolation_nests() {
    local privileged=(--privileged) refusal
    # Where the engine itself is confined it has not every capability to give.
    if ! refusal=$(docker run --rm --network none --privileged "$image" true 2>&1); then
        echo "note: the engine refuses --privileged, so its parts are asked for instead: $(head -n 1 <<<"$refusal")"
        privileged=(--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined
            --security-opt systempaths=unconfined)
    fi
    check_nested '--isolate nests in a privileged container' "${privileged[@]}" -e PIDONE_OPTIONS=--isolate
    start nested "${privileged[@]}" -e PIDONE_OPTIONS=--isolate "$image" sh -c 'echo ready; while :; do sleep 1; done'
    eventually has_printed nested ready
    check_stop nested 'a shell loop in a nested PID namespace'
}

# The kernel compares a new /proc with the masked one only when a user namespace other than the first asks for it.
masked_proc_is_explained() {
    local admin=(--cap-add SYS_ADMIN --security-opt apparmor=unconfined)
    local in_user_namespace=("${admin[@]}" -e 'PIDONE_OPTIONS=--isolate --map-root')
    check_nested '--isolate with CAP_SYS_ADMIN does not mind a masked /proc' "${admin[@]}" -e PIDONE_OPTIONS=--isolate
    check '--map-root under a masked /proc: 125, the hint names masks and flag' \
        $'pidone: *\nhint: *masked*/proc/sys*systempaths=unconfined*\n=> 125' \
        "$(run_to_end "${in_user_namespace[@]}" "$image" true)"
    check_nested '--map-root works with systempaths=unconfined' \
        "${in_user_namespace[@]}" --security-opt systempaths=unconfined
    check '--map-root under a masked /proc works with --proc bind' '=> 42' \
        "$(run_to_end "${admin[@]}" -e 'PIDONE_OPTIONS=--isolate --map-root --proc bind' "$image" sh -c 'exit 42')"
}

the_others_are_told_and_the_stubborn_are_killed() {
    local script='
        for action in "echo told; exit" "echo told; exit" "echo told; exit" ""; do
            setsid sh -c "trap \"$action\" TERM; echo up >>/up; while :; do sleep 0.05; done" 2>/dev/null &
        done
        until [ "$(grep -c up /up)" = 4 ]; do sleep 0.05; done 2>/dev/null; exit 7'
    check '--on-exit term --stop-timeout 2s: three end when told, the fourth is killed and named' \
        $'told\ntold\ntold\npidone* 2s *killed*(sh)*\n=> 7' \
        "$(run_to_end -e 'PIDONE_OPTIONS=--on-exit term --stop-timeout 2s' "$image" sh -c "$script")"
}

users_are_those_of_the_image() {
    local script='echo "$(id -u) $(id -g) $(id -G) $HOME, PID 1: $(grep ^Uid: /proc/1/status | xargs)"'
    check "--uid: group, supplementary groups and HOME are those of the image's /etc/passwd" \
        $'65534 4321 4321 77 /srv, PID 1: Uid: 0 0 0 0\n=> 0' \
        "$(run_to_end -e 'PIDONE_OPTIONS=--uid 65534' "$image" sh -c "$script")"
}

# What a process of the container says of PID 1: its name, and what it answers by another.
who_is_pid_1() {
    docker exec "$run-$1" sh -c 'echo "$(cat /proc/1/comm), $(/proc/1/exe --version)"' 2>&1
}

# check_ends NAME NOT_FOUND ARG...: the exit status of the command comes through, and that of one which is not there.
check_ends() {
    check "$1: the exit status comes through" '=> 42' "$(run_to_end "${@:3}" sh -c 'exit 42')"
    check "$1: not found is $2" "*missing*"$'\n'"=> $2" "$(run_to_end "${@:3}" missing)"
}

entrypoints_by_other_names_work() {
    # Fields 1, 4 and 6 of proc_pid_stat(5): pid, parent and session.
    local name not_found session script='read -r pid _ _ parent _ session _ </proc/self/stat
        echo "parent $parent, session $((session == pid))"; while :; do sleep 1; done'
    while read -r name not_found session; do
        start "$name" "$run:$name" sh -c "$script"
        eventually has_printed "$name" parent
        check "$name as entrypoint: pidone is PID 1, and makes a session or not, as $name does" \
            "$name, pidone *, parent 1, session $session" "$(who_is_pid_1 "$name"), $(output "$name")"
        check_stop "$name" "a shell loop below $name"
        check_ends "$name as entrypoint" "$not_found" "$run:$name"
        check_orphans "$name as entrypoint" "$run:$name"
    done <<<$'tini 127 0\ndumb-init 2 1'
}

docker_run_init_works() {
    if [[ ! $engine ]]; then
        echo 'note: docker run --init is not checked: this engine was not started here, and has an init of its own'
        return 0
    fi
    local bare=(--init --entrypoint '' "$image") round took=()
    for round in 1 2 3; do
        start "init-$round" "${bare[@]}" sh -c 'echo "parent $PPID"; exec sleep 1000'
        eventually has_printed "init-$round" parent
        check 'docker run --init: PID 1 is pidone' 'parent 1, docker-init, pidone *' \
            "$(output "init-$round"), $(who_is_pid_1 "init-$round")"
        check_stop "init-$round" 'what docker run --init has started'
        took+=("$milliseconds")
    done
    check "docker run --init: the median of these (${took[*]} ms) is under 300 ms" 1 \
        "$(($(printf '%s\n' "${took[@]}" | sort -n | sed -n 2p) < 300))"
    check_ends 'docker run --init' 127 "${bare[@]}"
    check_orphans 'docker run --init' "${bare[@]}"
    check 'docker run --init: PIDONE_OPTIONS counts' $'pidone* 100ms *killed*\n=> 7' \
        "$(run_to_end -e 'PIDONE_OPTIONS=--stop-timeout 100ms --map-exit 137:7' "${bare[@]}" \
            sh -c 'trap "" TERM; kill -TERM 1; exec sleep 1000')"
    # Of a tini, `docker info` shows a git commit, if it names one; "N/A" stands for a version that it cannot read.
    local version='{{range .Server.Components}}{{if eq .Name "docker-init"}}{{.Version}}{{end}}{{end}}'
    check 'the engine understands the version, and its log has nothing on it' '0.19.0_pidone*, commit: , log: ' \
        "$(docker version -f "$version"), $(docker info -f 'commit: {{.InitCommit.ID}}'), log: $(
            grep -iE 'docker-init|init version|unknown output format' "$tmp/engine.log")"
}

main() {
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    require_tools
    [[ $binary || -e $target/pidone ]] || cargo build --release
    engine_answers || start_engine
    build_images
    the_image_is_the_binary
    pidone_is_pid_1
    inspect_shows_pid_1_from_both_sides
    exit_statuses_come_through
    check_orphans pidone "$image"
    no_privilege_is_needed
    signals_are_forwarded_once
    standard_input_and_terminals_work
    a_shared_pid_namespace_works_in_place
    isolation_nests
    masked_proc_is_explained
    the_others_are_told_and_the_stubborn_are_killed
    users_are_those_of_the_image
    entrypoints_by_other_names_work
    docker_run_init_works
    finished=yes
    ((failed == 0))
}

main
