#!/bin/bash
# tree.sh SUITE KIND PACKAGE… → prints a directory with a Debian of these packages and what they need, as root unpacks
# it. Lies in the cache, named by what it is made of and by the week: an image has the archive's updates of last week.
set -euo pipefail
suite=$1 kind=$2
shift 2
here=$(dirname "$(readlink -f "$0")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/exod/image

inputs=$({ echo "$suite" "$@"; date +%G-%V; cat "$here"/{tree.sh,../deb/{bootstrap,sources}.sh}; } | sha256sum)
target=$cache/tree-$suite-$kind-${inputs:0:12}
mkdir -p -m 700 "$cache"
exec 9>"$cache/tree-$suite-$kind.lock"
flock 9
if [ ! -d "$target" ]; then
    rm -rf "$cache/tree-$suite-$kind-"*
    echo "image: making a Debian $suite" >&2
    "$here/../deb/bootstrap.sh" "$suite" "$target" "$(IFS=,; echo "$*")"
fi
echo "$target"
