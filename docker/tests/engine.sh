# Used by: docker/test.sh. The engine, the images, and their removal.
# shellcheck shell=bash

# The older builder is in every engine and client. BuildKit may be missing, or look for images elsewhere.
export DOCKER_BUILDKIT=0
export COMPOSE_DOCKER_CLI_BUILD=0

engine_answers() {
    timeout 20 docker info >/dev/null 2>&1
}

require_tools() {
    local missing=()
    engine_answers || { command -v docker && command -v dockerd; } >/dev/null || missing+=(docker.io iptables)
    # Being in an image without libraries, busybox must be static.
    [[ -x /bin/busybox ]] && ! ldd /bin/busybox >/dev/null 2>&1 || missing+=(busybox-static)
    compose version >/dev/null 2>&1 || missing+=(docker-compose)
    command -v runc >/dev/null || missing+=(runc)
    /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    ((${#missing[@]} == 0)) || give_up "something is missing: apt-get install --no-install-recommends ${missing[*]}"
}

# The plugin of newer clients, or the program of its own that Debian has.
compose() {
    if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

# isolated ARG...: runs a command in namespaces of its own, which make everything vanish with it: processes, mounts,
# devices and rules of the network. It is killed when this script is, however that happens.
isolated() {
    exec setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child "$@"
}

# What the engine writes below /etc, /opt and /run vanishes as well. The files of the init-path example are put where it says.
start_engine() {
    ((EUID == 0)) || give_up 'no Docker Engine answers, and to start one takes root'
    export DOCKER_HOST=unix://$tmp/docker.sock
    mkdir "$tmp/engine"
    install -m 755 "$binary" "$tmp/docker-init"
    # shellcheck disable=SC2016 # for the shell inside
    isolated bash -euc '
        dir=$1/engine
        read -r pid _ </proc/self/stat # from the outer /proc, so the outer PID
        echo "$pid" >"$1/engine.pid"
        mount -t proc proc /proc
        mount -t tmpfs tmpfs "$dir" # overlays may not lie upon the overlay of a container
        for place in etc opt run usr/local/bin; do
            mkdir -p "$dir/$place" "$dir/$place.work"
            mount -t overlay -o "lowerdir=/$place,upperdir=$dir/$place,workdir=$dir/$place.work" overlay "/$place"
        done
        install -m 755 "$1/docker-init" /usr/local/bin/docker-init
        install -D -m 644 docker/examples/init-path/daemon.json /etc/docker/daemon.json
        exec dockerd --host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" \
            --bridge none --iptables=false --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$2"
    ' sh "$tmp" "$run" >"$tmp/engine.log" 2>&1 &
    engine=$!
    (eventually engine_answers) || give_up "the engine does not start: $(tail -n 20 "$tmp/engine.log")"
}

# dockerd is PID 1 of its namespace, and unshare waits for it: after that no process is left.
stop_engine() {
    local pid
    pid=$(cat "$tmp/engine.pid")
    if kill -0 "$engine" 2>/dev/null; then kill -KILL "${pid:-$engine}"; fi
    wait "$engine" 2>/dev/null # ignoring its status: it was killed
    remove_cgroups "$run"
}

# remove_cgroups NAME: with those below it.
remove_cgroups() {
    find /sys/fs/cgroup -depth -type d \( -path "*/$1" -o -path "*/$1/*" \) -exec rmdir {} +
}

# --- The images ---

# build TAG ARG...: `docker build ARG...`, without network and registry.
build() {
    quietly docker build --network none --force-rm --no-cache --build-arg "PIDONE=$scratch" --build-arg "BASE=$run:busybox" \
        --label "$run=" -t "$run:$1" "${@:2}"
}

# What stands for the image "busybox" everywhere: the same program, from this machine.
make_userland() {
    mkdir -p "$userland"/{bin,etc,root}
    mkdir -m 1777 "$userland/tmp"
    for applet in $(/bin/busybox --list); do ln -s busybox "$userland/bin/$applet"; done
    cp --remove-destination /bin/busybox "$userland/bin/busybox"
    touch "$userland/not-runnable"
    printf '%s\n' root:x:0:0::/root:/bin/sh www-data:x:33:33::/var/www:/bin/false guest:x:65534:4321::/srv:/bin/sh \
        >"$userland/etc/passwd"
    printf '%s\n' www-data:x:33: team:x:77:guest >"$userland/etc/group"
    tar -c -C "$userland" . | quietly docker import --change "LABEL $run=" --change 'CMD ["sh"]' - "$run:busybox"
}

# In place of the image with Rust: its `cargo build` hands out the binary.
make_stand_in_for_rust() {
    local stand_in=$tmp/stand-in
    cp -a "$userland" "$stand_in"
    install -m 755 "$binary" "$stand_in/pidone"
    printf '#!/bin/sh\n' >"$stand_in/bin/rustup"
    # shellcheck disable=SC2016 # for the shell in the image
    printf '#!/bin/sh\n%s\n' 'for target; do :; done; mkdir -p "target/$target/shipped" && cp /pidone "target/$target/shipped/"' >"$stand_in/bin/cargo"
    chmod 755 "$stand_in/bin/"{cargo,rustup}
    tar -c -C "$stand_in" . | quietly docker import --change "LABEL $run=" - "$run:rust"
}

build_images() {
    make_userland
    make_stand_in_for_rust
    # The second time for the first stage alone, to see what has come into it.
    tar -c --exclude=./target --exclude=./.git . >"$tmp/context.tar"
    build pidone -f docker/Dockerfile --build-arg "RUST_IMAGE=$run:rust" - <"$tmp/context.tar"
    build sources -f docker/Dockerfile --build-arg "RUST_IMAGE=$run:rust" --target build - <"$tmp/context.tar"
    printf 'FROM %s\nCOPY . /\n' "$scratch" | build userland -f - "$userland"
}

# --- At the end ---

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    set +e
    if [[ ! $finished && $((passed + failed)) -gt 0 ]]; then
        check 'all checks are made' 'to the end' "status $status, with these containers:
$(timeout 20 docker ps -a --filter "label=$run" --format '{{.Names}}: {{.Command}}: {{.Status}}')"
    fi
    if engine_answers; then remove_what_was_made || status=1; fi
    if [[ $bundle ]]; then stop_bundle || status=1; fi
    if [[ $engine ]]; then stop_engine || status=1; fi
    rm -rf "$tmp" || status=1
    if ((passed + failed > 0)); then echo "$passed passed, $failed failed, $skipped skipped"; fi
    exit "$status"
}

# Containers before their volumes and images.
remove_what_was_made() {
    timeout 20 docker ps -aq --filter "label=$run" | xargs -r timeout 60 docker rm -f >/dev/null &&
        timeout 20 docker volume ls -q --filter "label=$run" | xargs -r timeout 60 docker volume rm >/dev/null &&
        timeout 60 docker image prune -af --filter "label=$run" >/dev/null
}
