# Part of docker/test.sh: pidone as the entrypoint of a container.
# shellcheck shell=bash
# What stands in single quotes is for the shell in the container to expand.
# shellcheck disable=SC2016

the_image_is_the_binary_and_its_names() {
    local engines_own='\.dockerenv|(dev|etc|proc|sys)/|dev/.*|etc/(hostname|hosts|mtab|resolv\.conf)' listed
    docker create --name "$run-files" "$scratch" /pidone >/dev/null
    docker export "$run-files" >"$tmp/files.tar"
    listed=$(tar -tvf "$tmp/files.tar" | sed -E 's/^(.).* [0-9:]{5} /\1 /' | grep -vxE ". ($engines_own)( -> .*)?" | sort)
    check 'the image from the Dockerfile holds the binary and links to it only' \
        '- pidone|l catatonit -> pidone|l docker-init -> pidone|l dumb-init -> pidone|l tini -> pidone|l tini-static -> pidone' \
        "$(tr '\n' '|' <<<"$listed" | sed 's/|$//')"
    check 'it runs with nothing else in the image' $'pidone *\n=> 0' "$(run_to_end "$scratch" /pidone --version)"
    check 'by another name too' $'tini version 0.19.0*\n=> 0' "$(run_to_end --entrypoint /tini "$scratch" --version)"
    check 'its label says the version that the program says' "$("$binary" --version), MIT OR Apache-2.0" \
        "pidone $(label version), $(label licenses)"
}

label() {
    docker image inspect -f "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$scratch"
}

# The stand-in for Rust would not notice that a file is missing in the build stage.
the_sources_in_the_build_stage_are_complete() {
    local status=0
    if ! command -v cargo >/dev/null; then
        skip 'the sources in the build stage' 'there is no cargo here'
        return 0
    fi
    docker create --name "$run-sources" "$run:sources" true >/dev/null
    docker cp "$run-sources:/src" "$tmp/src" >/dev/null
    (cd "$tmp/src" && cargo check --quiet --release --locked --bin pidone --target-dir "$OLDPWD/target/docker") \
        >"$tmp/output" 2>&1 || status=$?
    check 'the sources in the build stage are complete' 0 "$status$(tail -n 5 "$tmp/output")"
    check 'so is the build script' 'build.rs' "$(cd "$tmp/src" && ls build.rs 2>&1)"
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
    outside=$("$binary" inspect "$pid" --json)
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

# 300 daemons, then all of them end at once: far fewer SIGCHLDs than deaths.
readonly ORPHANS='
    count() { grep -l "$1" /proc/[0-9]*/status 2>/dev/null | wc -l; }
    wait_for() { n=0; until [ "$(count "$1")" = "$2" ] || [ $n = 100 ]; do usleep 100000; n=$((n + 1)); done; }
    i=0; while [ $i -lt 300 ]; do (setsid sleep 1000 &); i=$((i + 1)); done
    wait_for "^Name:.sleep$" 300; wait_for "^PPid:.1$" 301; echo "parent $PPID, its children: $(count "^PPid:.1$")"
    killall -KILL sleep
    wait_for "^PPid:.1$" 1; echo "left: $(count "^PPid:.1$"), zombies: $(count "^State:.Z")"'

# check_orphans NAME ARG...: in a container of `docker run ARG...`.
check_orphans() {
    check "$1: 300 orphans are adopted and reaped" $'parent 1, its children: 301\nleft: 1, zombies: 0\n=> 0' \
        "$(run_to_end "${@:2}" sh -c "$ORPHANS")"
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

check_containers() {
    the_image_is_the_binary_and_its_names
    the_sources_in_the_build_stage_are_complete
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
}
