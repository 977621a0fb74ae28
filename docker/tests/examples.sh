# Part of docker/test.sh: docker/examples/, each built as its header says, and run.
# shellcheck shell=bash
# What stands in single quotes is for the shell in the container to expand.
# shellcheck disable=SC2016

example() {
    build "$1" "docker/examples/$1"
}

a_shell_service_stops_at_once() {
    example shell-service
    start shell-service "$run:shell-service"
    eventually has_printed shell-service serving
    check 'shell-service: the parent is PID 1' 'serving; my parent is 1' "$(output shell-service)"
    check_stop shell-service 'shell-service'
    # The service alone, for comparison: it is PID 1 itself, deaf to SIGTERM.
    start shell-service-alone --entrypoint /service.sh "$run:shell-service"
    eventually has_printed shell-service-alone serving
    docker stop -t 1 "$run-shell-service-alone" >/dev/null
    check 'shell-service without pidone has to be killed' $'serving; my parent is 0\n=> 137' "$(outcome shell-service-alone)"
}

serves() {
    docker exec "$run-$1" wget -q -O - "http://127.0.0.1:80/" >"$tmp/served" 2>/dev/null
}

a_service_drops_to_a_user() {
    local script='pid=$(pidof httpd); stat -c "%U" /www; cat /proc/1/comm; echo "parent of httpd: $(ps -o pid,ppid | grep "^ *$pid " | xargs)"
        grep -hE "^(Uid|Gid|Groups|CapEff|NoNewPrivs):" "/proc/$pid/status" | xargs'
    example drop-user
    start drop-user --mount "type=volume,src=$run-www,dst=/www,volume-label=$run=" "$run:drop-user"
    eventually serves drop-user
    check 'drop-user: the server serves' hello "$(cat "$tmp/served")"
    check 'drop-user: it is www-data with one capability, its volume too, and PID 1 is pidone' \
        $'www-data\npidone\nparent of httpd: * 1\nUid: 33 33 33 33 Gid: 33 33 33 33 Groups: 33 CapEff: 0000000000000400 NoNewPrivs: 1' \
        "$(docker exec "$run-drop-user" sh -c "$script" 2>&1)"
    check_stop drop-user 'drop-user'
}

has_reaped() {
    (($(output "$1" | grep -c 'reaped .*exited with') >= $2))
}

orphans_of_cron_are_reaped() {
    example cron
    start cron --env INTERVAL=0.1 "$run:cron"
    eventually has_reaped cron 200
    check 'cron: of 200 orphans and more none is left a zombie for long' 'in time' \
        "$( (eventually docker exec "$run-cron" sh -c '! grep -ls "^State:.Z" /proc/[0-9]*/status') >/dev/null && echo in time)"
    check 'cron: the log says how each ended' '*reaped*exited with 9*' "$(output cron)"
    check_stop cron 'cron'
}

several_processes_stop_gracefully() {
    example graceful-stop
    start graceful-stop "$run:graceful-stop"
    eventually has_printed graceful-stop 'one: ready'
    eventually has_printed graceful-stop 'two: ready'
    docker stop -t 30 "$run-graceful-stop" >/dev/null
    # "Terminated" is what a shell says of the `sleep` that it was waiting for.
    check 'graceful-stop: main first, then the workers, all to their end, and its status' \
        $'*main: last request answered\nworker *: work saved\nworker *: work saved\n=> 0' \
        "$(outcome graceful-stop | grep -vx Terminated)"
}

compose_brings_signal_and_time() {
    local project=${run//[^a-z0-9]/} files
    # For here: no network, nothing pulled, and labels to find it all by.
    printf '%s\n' 'services:' "  server: {network_mode: none, image: '$run:compose', labels: ['$run=']," \
        "    build: {network: none, labels: ['$run=']}}" \
        "  helper: {network_mode: none, labels: ['$run=']}" >"$tmp/compose.yaml"
    files=(-p "$project" -f docker/examples/compose/compose.yaml -f "$tmp/compose.yaml")
    PIDONE=$scratch BASE=$run:busybox quietly compose "${files[@]}" up --detach
    local server helper
    server=$(compose "${files[@]}" ps -q server) helper=$(compose "${files[@]}" ps -q helper)
    docker rename "$server" "$run-compose-server" && docker rename "$helper" "$run-compose-helper"
    eventually has_printed compose-server ready
    check 'compose: stop_signal and stop_grace_period are in force' 'SIGQUIT, 30' \
        "$(docker inspect -f '{{.Config.StopSignal}}, {{.Config.StopTimeout}}' "$run-compose-server")"
    check 'compose: PID 1 of both is pidone' 'pidone, docker-init' "$(for name in server helper; do
        docker exec "$run-compose-$name" cat /proc/1/comm; done | xargs | sed 's/ /, /')"
    PIDONE=$scratch BASE=$run:busybox quietly compose "${files[@]}" stop
    check 'compose: the server ends by SIGQUIT, gracefully' $'server: ready\nserver: last request answered\n=> 0' "$(outcome compose-server)"
    check 'compose: the helper ends by SIGTERM' '=> 143' "$(outcome compose-helper)"
}

hardened_needs_nothing() {
    local script='echo "$PPID $(id -u) $(grep -h -E "CapEff|NoNewPrivs" /proc/1/status | xargs)"; touch /x 2>/dev/null; echo $?
        trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
    docker/examples/hardened/run.sh --detach=true --rm=false --network none --name "$run-hardened" "$run:shell-service" sh -c "$script" >/dev/null
    eventually has_printed hardened ready
    docker stop "$run-hardened" >/dev/null
    check 'hardened: no capability, no user of rank, nothing to write to; and it stops as it wants to' \
        $'1 65534 CapEff: 0000000000000000 NoNewPrivs: 1\n1\nready\nterm\n=> 3' "$(outcome hardened)"
}

another_init_is_pid_1() {
    local options=(--cap-add SYS_ADMIN --cap-add SYS_BOOT --security-opt apparmor=unconfined)
    example other-init
    start platform "$image" sleep 1000000
    options+=(--pid "container:$run-platform")
    check 'other-init: BusyBox init does not want to be anything but PID 1' $'init: must be run as PID 1\n=> 1' \
        "$(run_to_end "${options[@]}" --entrypoint /bin/init "$run:other-init")"
    start other-init "${options[@]}" "$run:other-init"
    eventually has_printed other-init 'service:'
    check 'other-init: where the platform has PID 1, it is PID 1 of a namespace of its own' \
        $'the init is up\nservice: my parent is 1' "$(output other-init)"
    docker stop "$run-other-init" >/dev/null
    check 'other-init: docker stop brings it down in order' $'*the init goes down\n*rebooted*\n=> 0' "$(outcome other-init)"
}

check_examples() {
    a_shell_service_stops_at_once
    a_service_drops_to_a_user
    orphans_of_cron_are_reaped
    several_processes_stop_gracefully
    compose_brings_signal_and_time
    hardened_needs_nothing
    another_init_is_pid_1
    # The one that is missing here, init-path, is what the engine runs with: see docker/tests/names.sh.
}
