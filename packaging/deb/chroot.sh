#!/bin/bash
# chroot.sh SUITE → prints the directory of a chroot of SUITE with the packages of chroot.txt, made if it is not there.
# Lies in the cache, named by all that it is made from; a half-made one has another name and is swept up later.
set -euo pipefail
suite=${1:?a suite}
here=$(dirname "$(readlink -f "$0")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/exod/deb

inputs=$({ echo "$suite"; dpkg --print-architecture; cat "$here"/{chroot.txt,{chroot,bootstrap,sources}.sh}; } | sha256sum)
target=$cache/chroot-$suite-${inputs:0:12}
mkdir -p "$cache"
exec 9>"$cache/chroot-$suite.lock"
flock 9
if [ ! -d "$target" ]; then
    rm -rf "$cache/chroot-$suite-"*.new
    # Another checkout may be building in one of the others.
    find "$cache" -mindepth 1 -maxdepth 1 -name "chroot-$suite-*" -mtime +7 -exec rm -rf {} +
    echo "deb: making a chroot of $suite" >&2
    # The lists stay: what the suite has is asked for at every build. Not synced: a half-made chroot is thrown away anyway.
    "$here/bootstrap.sh" "$suite" "$target" "$(paste -sd, "$here/chroot.txt")" --skip=cleanup/apt/lists --dpkgopt=force-unsafe-io
fi
touch "$target"
echo "$target"
