#!/usr/bin/env bash
# Makes what a release of pidone consists of, below DIR (by default target/dist), and checks that it comes out the same again:
#
#     docker/release.sh [--quick] [DIR]
#
#     pidone-VERSION-ARCH-linux-musl.tar.gz   binary, man page, completions, README, examples, licences; for x86_64, aarch64
#     pidone-ARCH                             the binary alone, by both names of each architecture
#     pidone_VERSION_ARCH.deb                 for amd64 and arm64
#     pidone-VERSION-ARCH.cdx.json            what each binary is made of (SBOM), CycloneDX 1.5
#     SHA256SUMS
#
# Who maintains the packages is $DEBFULLNAME <$DEBEMAIL>, by default The pidone authors <pidone@example.org>.
#
# Everything is built twice, in directories of different names and lengths with different cargo homes, and compared byte for
# byte. The binary for aarch64 is tried under qemu-aarch64-static where that is there. --quick builds aarch64 once, and tries it
# less. The packages are tried where they are unpacked: whether links lead somewhere, and whether shells find their completions,
# as far as these shells are there; and docker/build.sh builds for both. What goes in is what git knows of; the time of everything
# is that of the last commit, or $SOURCE_DATE_EPOCH.
#
# Debian: rustup, gcc, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user-static, dpkg, perl, jq; bash-completion, zsh, fish,
# man-db.
set -euo pipefail
umask 022
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=docker/package/emulated.sh
source docker/package/emulated.sh
# shellcheck source=docker/package/unpacked.sh
source docker/package/unpacked.sh

quick='' out=target/dist
for word; do
    case $word in
        --quick) quick=1 ;;
        -*) echo 'usage: docker/release.sh [--quick] [DIR]' >&2 && exit 2 ;;
        *) out=$word ;;
    esac
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
maintainer="${DEBFULLNAME:-The pidone authors} <${DEBEMAIL:-pidone@example.org}>"
export SOURCE_DATE_EPOCH version maintainer

give_up() {
    echo "docker/release.sh: $*" >&2
    exit 1
}
step() { printf -- '--- %s ---\n' "$*"; }

# The sources in a place of their own: PLACE
copy_sources() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
        tar --create --null --files-from=- | tar --extract --directory="$1"
}

# No path of this machine is to stand in the binary. SOURCES HOME: options for rustc, as a list of TOML's.
remapping() {
    local commit library
    commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
    library=$(rustc --print sysroot)/lib/rustlib/src/rust
    printf "['--remap-path-prefix=%s=/pidone', '--remap-path-prefix=%s=/cargo', '--remap-path-prefix=%s=/rustc/%s']" \
        "$1" "$2" "$library" "$commit"
}

# PLACE ARCH HOME: the path of the binary.
build() {
    local place="$1" target="$2-unknown-linux-musl" home="$3"
    (
        cd "$place"
        # Options for a target are added to those of .cargo/config.toml; RUSTFLAGS would replace them.
        env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_HOME="$home" CARGO_TARGET_DIR="$place/target" \
            RUSTC_BOOTSTRAP=1 cargo build --quiet --profile shipped --config .cargo/shipped.toml --locked --offline \
            --target "$target" \
            --config "target.$target.rustflags=$(remapping "$place" "$home")" \
            --config "target.aarch64-unknown-linux-musl.linker='aarch64-linux-gnu-gcc'"
    )
    echo "$place/target/$target/shipped/pidone"
}

# PREFIX ZSH: what stands below /usr, or /usr/local for which the .tar.gz is; zsh looks elsewhere in each.
lay_out() {
    local share=$1/share
    install -D -m 644 docker/package/pidone.1 "$share/man/man1/pidone.1"
    install -D -m 644 docker/package/pidone.bash "$share/bash-completion/completions/pidone"
    install -D -m 644 docker/package/_pidone "$share/zsh/$2/_pidone"
    install -D -m 644 docker/package/pidone.fish "$share/fish/vendor_completions.d/pidone.fish"
    lay_out_documentation "$share/doc/pidone"
}

# DIR: README, and what one reads beside it. Its links to sources, which are not there, become plain text.
lay_out_documentation() {
    mkdir -p "$1"
    git ls-files -z docker/Dockerfile docker/examples docker/kubernetes examples benches/chart.svg src/pid1.md |
        tar --create --null --files-from=- | tar --extract --directory="$1"
    chmod -R u=rwX,go=rX "$1"
    # shellcheck disable=SC2016 # Perl's
    doc=$1 perl -pe 's{(?<!!)\[([^]]+)\]\((?!\w+:|#)([^)]+)\)}{-e "$ENV{doc}/$2" ? $& : $1}ge' README.md >"$1/README.md"
}

# TEMPLATE: with each @NAME@ made the value of that variable.
fill_in() {
    # shellcheck disable=SC2016 # Perl's
    perl -pe 's/\@([A-Z]+)\@/$ENV{lc $1} \/\/ die "$1 is not set"/ge' "$1"
}

# TREE: everything in it gets the time of the release.
date_tree() {
    find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# BINARY ARCH DIR
make_tarball() {
    local name=pidone-$version-$2-linux-musl
    local tree=$tmp/tarball/$name
    rm -rf "$tmp/tarball"
    lay_out "$tree" site-functions
    install -D -m 755 "$1" "$tree/bin/pidone"
    install -m 644 LICENSE-APACHE LICENSE-MIT "$tree/share/doc/pidone"
    date_tree "$tree"
    tar --create --directory="$tmp/tarball" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner \
        --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip --no-name --best >"$3/$name.tar.gz"
}

# BINARY DEBIAN-ARCH DIR
make_deb() {
    local tree=$tmp/deb control=docker/package/debian
    rm -rf "$tree"
    lay_out "$tree/usr" vendor-completions
    install -D -m 755 "$1" "$tree/usr/bin/pidone"
    install -m 644 $control/copyright "$tree/usr/share/doc/pidone/copyright"
    install -D -m 644 $control/lintian-overrides "$tree/usr/share/lintian/overrides/pidone"
    date=$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH") fill_in $control/changelog \
        >"$tree/usr/share/doc/pidone/changelog"
    gzip --no-name --best "$tree/usr/share/man/man1/pidone.1" "$tree/usr/share/doc/pidone/changelog"
    mkdir -p "$tree/DEBIAN"
    size=$(du --summarize --block-size=1024 --apparent-size "$tree/usr" | cut -f 1) architecture=$2 \
        fill_in $control/control >"$tree/DEBIAN/control"
    (cd "$tree" && find usr -type f -print0 | sort --zero-terminated | xargs -0 md5sum >DEBIAN/md5sums)
    date_tree "$tree"
    dpkg-deb --root-owner-group -Zxz --build "$tree" "$3/pidone_${version}_$2.deb" >/dev/null
}

# BINARY ARCH DIR
package() {
    local -A debian=([x86_64]=amd64 [aarch64]=arm64)
    install -D -m 755 "$1" "$3/pidone-$2"
    install -m 755 "$1" "$3/pidone-${debian[$2]}"
    make_tarball "$1" "$2" "$3"
    make_deb "$1" "${debian[$2]}" "$3"
}

# A second home of cargo's, with the same sources of other crates in it.
second_home() {
    mkdir "$tmp/another-home"
    ln -s "$home/registry" "$tmp/another-home/registry"
}

home=${CARGO_HOME:-$HOME/.cargo}
rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl 2>/dev/null ||
    give_up 'rustup has no target for aarch64'
rustup component add rust-src 2>/dev/null || give_up 'rustup has no rust-src'
cargo fetch --quiet --locked
# What the standard library is made of.
RUSTC_BOOTSTRAP=1 cargo fetch --quiet --locked -Z build-std --target x86_64-unknown-linux-musl
second_home
rm -rf "$out"
mkdir -p "$out" "$tmp/again"
copy_sources "$tmp/first"
copy_sources "$tmp/second/with/a/longer/name"

for arch in x86_64 aarch64; do
    step "$arch: build"
    binary=$(build "$tmp/first" $arch "$home")
    package "$binary" $arch "$out"
    if strings -a "$binary" | grep -F -e "$tmp" -e "$home" -e "$PWD"; then
        give_up 'a path of this machine stands in the binary'
    fi
    if [[ $arch == x86_64 || ! $quick ]]; then
        step "$arch: the same again, elsewhere"
        binary=$(build "$tmp/second/with/a/longer/name" $arch "$tmp/another-home")
        package "$binary" $arch "$tmp/again"
    fi
done
for file in "$tmp"/again/*; do
    cmp "$file" "$out/${file##*/}" || give_up "not the same when built again: ${file##*/}"
done
echo "the same, byte for byte: $(cd "$tmp/again" && echo *)"

step 'what it is made of'
for arch in x86_64 aarch64; do
    target=$arch-unknown-linux-musl
    cargo metadata --format-version 1 --locked --offline --filter-platform "$target" |
        perl docker/package/sbom.pl "$out/pidone-$arch" "$target" Cargo.lock "$(cargo tree --locked --offline --edges normal \
            --prefix none --target "$target")" >"$out/pidone-$version-$arch.cdx.json"
    jq --raw-output '.components[] | "\(.name) \(.version)"' "$out/pidone-$version-$arch.cdx.json" | xargs
done

step 'the packages, unpacked'
try_unpacked "$out"

step 'docker/build.sh, for both architectures'
try_build_script "$out"

step 'aarch64 under emulation'
try_emulated "$out/pidone-aarch64" "$out/pidone-x86_64" "$quick"

(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum) >"$tmp/sums"
install -m 644 "$tmp/sums" "$out/SHA256SUMS"
ls -l "$out"
