#!/usr/bin/env bash
# Runs pidone as the entrypoint of real containers, on a real Docker Engine and under runc, and checks what it promises there;
# builds and runs every example; and checks the Kubernetes manifests, and runs their containers.
#
#     docker/test.sh [PART...]      parts: containers names examples kubernetes runc; all, if none is named
#
# The binary is $PIDONE_BIN, or else that of `cargo build --release`. The engine is the one that `docker info` finds;
# if there is none, this script, as root, starts one for itself. With another one, `docker run --init` is SKIPPED, for which
# it would have to be started anew; with PIDONE_REQUIRE_PRIVILEGE=1 what is skipped has failed. Nothing is pulled: the images
# hold pidone and busybox. No container has a network, and everything made here is removed at the end. From a package registry
# comes one thing: the Kubernetes schemas, kept below target/.
set -euo pipefail
umask 022
binary=${PIDONE_BIN:+$(realpath "$PIDONE_BIN")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts=("$@")
[[ $# -gt 0 ]] || parts=(containers names examples kubernetes runc)

# shellcheck source-path=SCRIPTDIR/..
source docker/tests/lib.sh
source docker/tests/engine.sh
source docker/tests/containers.sh
source docker/tests/names.sh
source docker/tests/examples.sh
source docker/tests/kubernetes.sh
source docker/tests/runc.sh

# shellcheck disable=SC2034 # what is not used here is in docker/tests/
{
    tmp=$(mktemp -d /tmp/pidone-docker.XXXXXX) # not in $TMPDIR: a unix socket's path must be short
    run=pidone-test-$$-$RANDOM                 # label and part of the name of all that is made in an engine
    userland=$tmp/userland                     # a root directory with busybox in it
    scratch=$run:pidone                        # the image that docker/Dockerfile makes
    image=$run:userland                        # the same with the userland in it
    engine='' bundle='' holder='' finished='' passed=0 failed=0 skipped=0 milliseconds=0
}

main() {
    local part
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    for part in "${parts[@]}"; do
        declare -F "check_$part" >/dev/null || give_up "there is no part \"$part\""
    done
    require_tools
    if [[ ! $binary ]]; then
        cargo build --release
        binary=$PWD/target/x86_64-unknown-linux-musl/release/pidone
    fi
    engine_answers || start_engine
    build_images
    for part in "${parts[@]}"; do "check_$part"; done
    finished=yes
    ((failed == 0))
}

main
