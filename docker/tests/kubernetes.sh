# Part of docker/test.sh: docker/kubernetes/, checked against the schemas of Kubernetes, and its containers run as a kubelet would.
# shellcheck shell=bash
# What stands in single quotes is for the shell in the container to expand.
# shellcheck disable=SC2016

# The schemas of all versions are in the package: once it is there, no network is needed.
readonly VALIDATOR=kubernetes-validate==1.37.0
readonly VERSIONS=(1.28 1.37)
python=target/kubernetes/bin/python3

install_validator() {
    if [[ ! -e target/kubernetes/$VALIDATOR ]]; then
        rm -rf target/kubernetes
        quietly /usr/bin/python3 -m venv target/kubernetes
        quietly target/kubernetes/bin/pip --quiet --disable-pip-version-check install --no-compile "$VALIDATOR"
        touch "target/kubernetes/$VALIDATOR"
    fi
}

validate() {
    local status=0
    "$python" -m kubernetes_validate --strict --quiet -k "$1" "${@:2}" 2>&1 || status=$?
    echo "=> $status"
}

manifests_are_valid() {
    local version
    for version in "${VERSIONS[@]}"; do
        check "the manifests are valid in Kubernetes $version" '=> 0' "$(validate "$version" docker/kubernetes/*.yaml)"
    done
    sed 's/command:/comand:/' docker/kubernetes/debug.yaml >"$tmp/wrong.yaml"
    check 'a manifest with a misspelt member is not' $'*comand*\n=> 1' "$(validate 1.37 "$tmp/wrong.yaml")"
}

# By a namespace with the Pod Security Standard "restricted". Each member that is needed there is missed when it is not there.
manifests_are_restricted() {
    local manifest member
    for manifest in docker/kubernetes/*.yaml; do
        check "${manifest##*/} is allowed where the standard is \"restricted\"" '' \
            "$("$python" docker/tests/restricted.py "$manifest" 2>&1)"
    done
    for member in runAsNonRoot allowPrivilegeEscalation seccompProfile capabilities; do
        sed "/^ *$member:/d" docker/kubernetes/entrypoint.yaml >"$tmp/unrestricted.yaml"
        check "without $member it is not" "service: $member*" \
            "$("$python" docker/tests/restricted.py "$tmp/unrestricted.yaml" 2>&1)"
    done
}

# start_pod MANIFEST ARG...: its init containers one after the other, then the others, each as CONTAINER; with further options.
start_pod() {
    local line words
    # An emptyDir is writable for everyone.
    while IFS= read -r line; do
        quietly docker run --rm --network none --mount "type=volume,src=$line,dst=/volume,volume-label=$run=" "$run:busybox" \
            chmod 1777 /volume
    done < <(pod "$1" volumes)
    while IFS= read -r line; do
        eval "words=($line)"
        check "$1.yaml: the init container ${words[0]} ends well" '=> 0' "$(run_to_end "${words[@]:1}")"
    done < <(pod "$1" init)
    while IFS= read -r line; do
        eval "words=($line)"
        start "${words[0]}" "${@:2}" "${words[@]:1}"
    done < <(pod "$1" main)
}

pod() {
    "$python" docker/tests/pod.py "$run" "docker/kubernetes/$1.yaml" "$2" || give_up "$1.yaml is not understood"
}

remove_containers() {
    local name
    for name in "$@"; do docker rm -f "$run-$name" >/dev/null; done
}

entrypoint_in_a_pod() {
    start_pod entrypoint
    eventually has_printed service serving
    check 'entrypoint.yaml: the parent is PID 1' 'serving; my parent is 1' "$(output service)"
    local before=$EPOCHREALTIME
    docker stop -t 50 "$run-service" >/dev/null
    local milliseconds=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
    check "entrypoint.yaml: it goes on for 5 s, and ends by SIGTERM then ($milliseconds ms)" $'*\n=> 143, 1' \
        "$(outcome service), $((milliseconds >= 5000 && milliseconds < 7000))"
    remove_containers service
}

injection_without_touching_the_image() {
    build injector -f docker/kubernetes/injector.Dockerfile docker/kubernetes
    start_pod injection
    eventually has_printed app parent
    check 'injection.yaml: the image has no pidone, and PID 1 is it' 'my parent is 1, pidone /inject/pidone' \
        "$(output app), $(docker exec "$run-app" sh -c 'cat /proc/1/comm; ls /pidone 2>/dev/null; readlink /proc/1/exe' | xargs)"
    check_stop app 'what is injected into'
    remove_containers app
}

# All PID 1 has ever reaped is in its log: -v.
has_reaped_sleeps() {
    (($(output "$1" | grep -c 'reaped .*sleep') >= $2))
}

pidone_is_the_pause_container() {
    build pause -f docker/kubernetes/pause.Dockerfile docker/kubernetes
    start pause -e PIDONE_OPTIONS=-v "$run:pause"
    start_pod shared-pause --pid "container:$run-pause"
    eventually has_printed service serving
    eventually has_reaped_sleeps pause 4
    check 'shared-pause.yaml: PID 1 is pidone, and reaps the orphans of a container without an init' 'pidone 0' \
        "$(docker exec "$run-careless" sh -c 'echo "$(cat /proc/1/comm) $(grep -c "^State:.Z" /proc/1/status)"')"
    check "shared-pause.yaml: a container's pidone is not PID 1" 'serving; my parent is [2-9]*' "$(output service)"
    check_stop service 'a container of the pod'
    docker kill "$run-careless" >/dev/null
    docker stop "$run-pause" >/dev/null
    check 'shared-pause.yaml: the pause container ends by SIGTERM' $'*\n=> 0' "$(outcome pause)"
    remove_containers service careless
}

# As `kubectl debug --target=app --profile=general` does: in the PID namespace of app, with CAP_SYS_PTRACE.
debugging_session() {
    start_pod debug
    eventually has_printed app ready
    check 'debug.yaml: inspect names PID 1 of the other container, and why SIGTERM does nothing' \
        $'1 (sh)*SIGTERM *default *dropped*\n=> 0' \
        "$(run_to_end --pid "container:$run-app" --cap-add SYS_PTRACE --entrypoint /pidone "$scratch" inspect 1)"
    check 'debug.yaml: so it does without a capability, for the same user' $'1 (sh)*SIGTERM *default *dropped*\n=> 0' \
        "$(run_to_end --pid "container:$run-app" --user 65534 --cap-drop ALL --security-opt no-new-privileges \
            --entrypoint /pidone "$scratch" inspect 1)"
    remove_containers app
}

check_kubernetes() {
    install_validator
    manifests_are_valid
    manifests_are_restricted
    docker image inspect "$run:shell-service" >/dev/null 2>&1 || build shell-service docker/examples/shell-service
    entrypoint_in_a_pod
    injection_without_touching_the_image
    pidone_is_the_pause_container
    debugging_session
}
