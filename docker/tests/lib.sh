# Used by: all parts of docker/test.sh. Checks and their count, waiting, and containers.
# shellcheck shell=bash

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

# skip WHAT WHY: what cannot be checked here. With PIDONE_REQUIRE_PRIVILEGE=1 that is a failure.
skip() {
    skipped=$((skipped + 1))
    echo "SKIPPED $1: $2"
    if [[ ${PIDONE_REQUIRE_PRIVILEGE-} == 1 ]]; then
        failed=$((failed + 1))
        echo "FAILED $1: PIDONE_REQUIRE_PRIVILEGE is set, and it was not checked"
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
