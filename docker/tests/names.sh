# Part of docker/test.sh: pidone by the names of other inits, as entrypoint and for `docker run --init`.
# shellcheck shell=bash
# What stands in single quotes is for the shell in the container to expand.
# shellcheck disable=SC2016

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
        printf 'FROM %s\nRUN ["/pidone", "install-names", "/bin"]\nENTRYPOINT ["%s", "--"]\n' "$image" "$name" |
            build "$name" -
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
        skip 'docker run --init' 'this engine was not started here, and has an init of its own'
        return 0
    fi
    local bare=(--init --entrypoint '' "$image") round took=()
    for round in 1 2 3; do
        start "init-$round" "${bare[@]}" sh -c 'echo "parent $PPID"; exec sleep 1000'
        eventually has_printed "init-$round" parent
        check 'docker run --init with the init-path example: PID 1 is pidone' 'parent 1, docker-init, pidone *' \
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

all_names_come_with_the_image() {
    printf '%s\n' "FROM $scratch AS pidone" "FROM $run:busybox" 'COPY --from=pidone / /usr/bin/' 'ENTRYPOINT ["catatonit", "--"]' |
        build copied -
    check 'COPY --from=pidone / /usr/bin/ brings pidone and its names' $'catatonit /usr/bin/pidone\n=> 42' \
        "$(run_to_end "$run:copied" sh -c 'echo "$(cat /proc/1/comm) $(readlink /proc/1/exe)"; exit 42')"
}

check_names() {
    all_names_come_with_the_image
    entrypoints_by_other_names_work
    docker_run_init_works
}
