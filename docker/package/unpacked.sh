# shellcheck shell=bash disable=SC2016,SC2154 # for another shell to expand; set where it is read in
# For docker/release.sh: what was packed, as whoever unpacks it finds it; and the script that builds in an image, without one.

# DIR
try_unpacked() {
    local tree=$tmp/unpacked who=() name file
    mkdir -p "$tree/tarball" "$tree/deb"
    tar --extract --gzip --directory="$tree/tarball" --strip-components=1 --file="$1/pidone-$version-x86_64-linux-musl.tar.gz"
    dpkg-deb --extract "$1/pidone_${version}_amd64.deb" "$tree/deb"
    for name in tarball/share deb/usr/share; do links_lead_somewhere "$tree/$name/doc/pidone"; done
    for file in "$1"/*.deb; do
        [[ $(dpkg-deb --field "$file" Maintainer) == "$maintainer" ]] || give_up "$file is not maintained by $maintainer"
    done
    for name in bash zsh fish man; do
        if command -v $name >/dev/null && [[ $name != bash || -e /usr/share/bash-completion/bash_completion ]]; then
            who+=("$name")
        else
            echo "NOT TRIED: $name (Debian: bash-completion, zsh, fish, man-db)"
        fi
    done
    put_in_place "$tree/deb/usr" /usr "${who[@]}"
    put_in_place "$tree/tarball" /usr/local "${who[@]}"
}

# DIR: each relative link of its README.
links_lead_somewhere() {
    local link count=0
    while read -r link; do
        [[ -e $1/$link ]] || give_up "in ${1#"$tmp"/}, README has a link to $link, which is not there"
        count=$((count + 1))
    done < <(grep -oP '\]\((?!\w+:|#)\K[^)#]+' "$1/README.md")
    ((count >= 15)) || give_up "README has $count links"
}

# TREE PREFIX WHO...: laid over PREFIX in a mount namespace, by a pidone of the release. Where the kernel has no overlay, it is
# said. What README says for fish and the .tar.gz is done, too.
put_in_place() {
    local around=(--isolate) home=$tmp/home
    if (($(id -u) != 0)); then around+=(--map-root); fi
    mkdir -p "$home"
    if [[ " ${*:3} " == *' fish '* ]]; then around+=(--tmpfs /etc/fish/completions); fi
    HOME=$home PATH=/usr/local/bin:/usr/bin:/bin "$out/pidone-x86_64" "${around[@]}" -- sh -euc '
        mount -t overlay -o "lowerdir=$1:$2" overlay "$2" || { echo "NOT TRIED in $2: no overlay"; exit; }
        if [ -d /etc/fish/completions ] && [ "$2" = /usr/local ]; then eval "$3"; fi
        place=$2
        shift 3
        docker/package/installed.sh "$@"
        echo "below $place: $* find what is theirs"
    ' sh "$1" "$2" "$(sed -n 's/^sudo \(install .* \/etc\/fish\/completions \/usr\/local\/.*\.fish\) .*/\1/p' README.md)" \
        "${@:3}" || give_up "what is unpacked in $2 is not found"
}

# DIR: in such a directory as the first stage of docker/Dockerfile has, and for both architectures, of which one is not ours.
try_build_script() {
    local stage=$tmp/stage arch words
    mkdir "$stage"
    # The COPY lines of that stage.
    while read -r -a words; do
        case ${words[-1]} in
            ./) cp "${words[@]:0:${#words[@]}-1}" "$stage" ;;
            *) cp -r "${words[0]}" "$stage/${words[1]}" ;;
        esac
    done < <(sed -n '/^FROM scratch/q; s/^COPY //p' docker/Dockerfile)
    for arch in arm64 amd64; do
        (cd "$stage" && CARGO_NET_OFFLINE=true timeout 600 sh ./build.sh $arch "$stage/$arch" >"$stage/log" 2>&1) ||
            give_up "build.sh $arch: $(tail -n 20 "$stage/log")"
        [[ $(readlink "$stage/$arch/tini") == pidone ]] || give_up "build.sh $arch makes no links"
    done
    [[ $("$stage/amd64/pidone" --version) == "pidone $version" ]] || give_up 'build.sh amd64: what it built does not run'
    readelf --file-header "$stage/arm64/pidone" | grep -q 'Machine:.*AArch64' || give_up 'build.sh arm64: built something else'
    (! sh docker/build.sh riscv64 "$stage/no" 2>&1) | grep -q 'not for riscv64' || give_up 'build.sh riscv64 is not refused'
    echo 'amd64 and arm64, with links'
}
