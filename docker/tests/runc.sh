# Part of docker/test.sh: an OCI bundle with pidone as its process, run by runc without an engine.
# shellcheck shell=bash
# What stands in single quotes is for the shell in the bundle to expand.
# shellcheck disable=SC2016

# What is left as `runc spec` makes it: the namespaces, three capabilities, a read-only root, masked paths.
readonly EDIT='
import json, sys
path, cgroup, *command = sys.argv[1:]
with open(path) as file:
    config = json.load(file)
config["process"]["terminal"] = False
config["process"]["args"] = ["/pidone", "--", *command]
config["linux"]["cgroupsPath"] = cgroup
with open(path, "w") as file:
    json.dump(config, file)
'

# runc is called in namespaces of their own, as the engine is: with the process that holds them everything of it ends.
make_bundle() {
    bundle=$tmp/bundle
    mkdir "$bundle"
    cp -a "$userland" "$bundle/rootfs"
    install -m 755 "$binary" "$bundle/rootfs/pidone"
    runc spec --bundle "$bundle"
    isolated bash -euc '
        read -r pid _ </proc/self/stat # from the outer /proc, so the outer PID
        mount -t proc proc /proc
        echo "$pid" >"$1/holder.pid"
        exec sleep infinity
    ' sh "$bundle" >"$tmp/runc.log" 2>&1 &
    holder=$!
    eventually test -s "$bundle/holder.pid"
}

# Ignoring statuses: the holder may be gone already, or not have come to writing down its PID; and it is killed.
stop_bundle() {
    local pid
    pid=$(cat "$bundle/holder.pid" 2>/dev/null) || :
    kill -KILL "${pid:-$holder}" 2>/dev/null || :
    wait "$holder" 2>/dev/null || :
    remove_cgroups "$run-runc" || :
    bundle=''
}

in_runc() {
    nsenter --target "$(cat "$bundle/holder.pid")" --mount --pid --net runc --root "$bundle/state" "$@"
}

# run_bundle ID ARG...: what the process of the bundle prints with these words after pidone, and "=> STATUS".
run_bundle() {
    local status=0
    /usr/bin/python3 -c "$EDIT" "$bundle/config.json" "/$run-runc/$1" "${@:2}"
    in_runc run --bundle "$bundle" "$1" 2>&1 </dev/null || status=$?
    echo "=> $status"
}

start_bundle() {
    : >"$bundle/$1.output"
    run_bundle "$@" >"$bundle/$1.output" &
}

bundle_has_printed() {
    [[ $(<"$bundle/$1.output") == *"$2"* ]]
}

statuses_come_through_runc() {
    check 'runc: the exit status comes through' $'parent 1\n=> 42' "$(run_bundle status sh -c 'echo "parent $PPID"; exit 42')"
    check 'runc: killed by SIGKILL is 137' '=> 137' "$(run_bundle killed sh -c 'kill -KILL $$')"
    check 'runc: not found is 127' $'pidone: *missing*\n=> 127' "$(run_bundle missing missing)"
}

runc_kill_reaches_the_workload() {
    start_bundle deaf sh -c 'echo "ready, $PPID"; while :; do sleep 1; done'
    eventually bundle_has_printed deaf ready
    check 'runc: PID 1 is pidone' 'pidone /pidone' \
        "$(in_runc exec deaf sh -c 'echo "$(cat /proc/1/comm) $(readlink /proc/1/exe)"' 2>&1 </dev/null)"
    in_runc kill deaf TERM
    eventually bundle_has_printed deaf '=>'
    check 'runc kill ends by SIGTERM a shell loop that has no handler' $'ready, 1\n=> 143' "$(<"$bundle/deaf.output")"

    start_bundle handler sh -c 'trap "echo term; exit 7" TERM; trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done'
    eventually bundle_has_printed handler ready
    in_runc kill handler USR1
    eventually bundle_has_printed handler usr1
    in_runc kill handler TERM
    eventually bundle_has_printed handler '=>'
    check 'runc kill: SIGUSR1 and SIGTERM each arrive once' $'ready\nusr1\nterm\n=> 7' "$(<"$bundle/handler.output")"
}

zombies_are_reaped_under_runc() {
    check 'runc: 300 orphans are adopted and reaped' $'parent 1, its children: 301\nleft: 1, zombies: 0\n=> 0' \
        "$(run_bundle orphans sh -c "$ORPHANS")"
}

check_runc() {
    if ((EUID != 0)); then
        skip runc 'it takes root here'
        return 0
    fi
    make_bundle
    statuses_come_through_runc
    runc_kill_reaches_the_workload
    zombies_are_reaped_under_runc
    stop_bundle
}
