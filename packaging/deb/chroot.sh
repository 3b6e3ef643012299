#!/bin/bash
# chroot.sh SUITE → prints the directory of a chroot of SUITE with the packages of chroot.txt, made if it is not there.
# Lies in the cache, named by all that it is made from; a half-made one has another name and is swept up later.
set -euo pipefail
suite=${1:?a suite}
here=$(dirname "$(readlink -f "$0")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/exod/deb

inputs=$({ echo "$suite"; dpkg --print-architecture; cat "$here"/{chroot.txt,chroot.sh,sources.sh}; } | sha256sum)
target=$cache/chroot-$suite-${inputs:0:12}
mkdir -p "$cache"
exec 9>"$cache/chroot-$suite.lock"
flock 9
if [ ! -d "$target" ]; then
    rm -rf "$cache/chroot-$suite-"*.new
    # Another checkout may be building in one of the others.
    find "$cache" -mindepth 1 -maxdepth 1 -name "chroot-$suite-*" -mtime +7 -exec rm -rf {} +
    echo "deb: making a chroot of $suite" >&2
    sources=$("$here/sources.sh" "$suite")
    "$here/sources.sh" --options >"$cache/apt-options"
    # The lists stay: what the suite has is asked for at every build. Not synced: a half-made chroot is thrown away anyway.
    mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt/lists \
        --aptopt="$cache/apt-options" --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --setup-hook='[ ! -d /etc/apt/auth.conf.d ] || cp -r /etc/apt/auth.conf.d "$1/etc/apt/"' \
        --include="$(paste -sd, "$here/chroot.txt")" "$suite" "$target.new" - <<<"$sources" >&2
    mv "$target.new" "$target"
fi
touch "$target"
echo "$target"
