#!/bin/sh
# Runs in: the build stage of docker/Dockerfile, in the sources. Puts pidone and the links by its other names into DIR.
#
#     build.sh ARCH DIR
#
# ARCH is amd64, arm64, or empty for this machine's own. For another one Debian's cross compiler links; nothing is emulated.
set -eu

host=$(uname -m)
case $1 in
    '') machine=$host ;;
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) echo "pidone is made for amd64 and arm64, not for $1" >&2 && exit 1 ;;
esac

# build MACHINE: leaves the binary in target/MACHINE-unknown-linux-musl/shipped.
build() {
    rustup target add "$1-unknown-linux-musl"
    # The standard library is built, too.
    rustup component add rust-src
    RUSTC_BOOTSTRAP=1 cargo build --profile shipped --config .cargo/shipped.toml --locked --bin pidone \
        --target "$1-unknown-linux-musl"
}

build "$host"
if [ "$machine" != "$host" ]; then
    if ! command -v "$machine-linux-gnu-gcc" >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends "gcc-$(echo "$machine" | tr _ -)-linux-gnu"
    fi
    export "CARGO_TARGET_$(echo "$machine" | tr '[:lower:]' '[:upper:]')_UNKNOWN_LINUX_MUSL_LINKER=$machine-linux-gnu-gcc"
    build "$machine"
fi

# The links are made by a pidone that runs here, beside itself: so they hold its name alone, and the other may take its place.
mkdir -p "$2"
cp "target/$host-unknown-linux-musl/shipped/pidone" "$2/pidone"
"$2/pidone" install-names "$2"
[ "$machine" = "$host" ] || cp "target/$machine-unknown-linux-musl/shipped/pidone" "$2/pidone"
