#!/bin/bash
# build.sh → build/deb/SUITE/exod_VERSION_ARCH.deb of this working tree.
#   SUITE    bookworm (default) or trixie
#   KEY      directory with vendor.key, vendor.pub and passphrase: who signs the first-party plugins. Default: a key of
#            this user's, made once, outside the tree
#   OUT      instead of build/deb
#   VERSION  of the package, where it is not setup.cfg's: for tests of upgrades
# Nothing is done when nothing changed. SOURCE_DATE_EPOCH is the time of the last commit to what goes in.
set -euo pipefail
cd "$(dirname "$0")/../.."
deb=$PWD/packaging/deb
suite=${SUITE:-bookworm}
version=${VERSION:-$(sed -n 's/^version = //p' setup.cfg)}
key=$(readlink -m "${KEY:-${XDG_DATA_HOME:-$HOME/.local/share}/exod/vendor-key}")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/exod/deb
out=$(readlink -m "${OUT:-build/deb}")/$suite
inputs=(exod exosdk exoctl plugins packaging/{bin,deb,debian} systemd etc docs/man docs/completions docs/{__main__,generate}.py setup.py setup.cfg LICENSE)

packaging/need.sh "$deb/apt.txt"

files() { git ls-files -z --cached --others --exclude-standard -- "${inputs[@]}" | sort -zu; }
"$deb/key.sh" "$key"
stamp=$({ echo "$suite $version"; cat "$key/vendor.pub"; git log -1 --format=%ct -- "${inputs[@]}"
    files | xargs -0 sha256sum 2>/dev/null; files | xargs -0 stat -c '%a' 2>/dev/null; } | sha256sum)
mkdir -p "$out"
exec 8>"$out/.lock"
flock 8
[ "$stamp" != "$(cat "$out/.stamp" 2>/dev/null)" ] || exit 0
rm -f "$out/.stamp"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct -- "${inputs[@]}")
export SOURCE_DATE_EPOCH
chroot=$("$deb/chroot.sh" "$suite")
wheels=$("$deb/wheels.sh" "$chroot")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/exod" "$work/exod/first-party"
files | tar -c --null -T - --ignore-failed-read 2>/dev/null | tar -x -C "$work/exod"
"$deb/sign.sh" "$key" "$work/exod/first-party"
sed -i "s/^version = .*/version = $version/" "$work/exod/setup.cfg"
sed -i "s/^__version__ = .*/__version__ = \"$version\"/; s/^BUILT = .*/BUILT = $SOURCE_DATE_EPOCH/" "$work/exod/exod/__init__.py"
# On this side too: it imports the commands, and the chroot need not have all that they import.
PYTHONPATH=$work/exod .venv/bin/python -B -P -m docs "$work/exod/generated"

echo "deb: building exod $version for $suite"
"$deb/enter.sh" "$chroot" "$work:/build" "$wheels:/wheels" -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" /bin/bash /build/exod/packaging/deb/inside.sh "$suite" "$version" >"$out/build.log" 2>&1 || {
    tail -40 "$out/build.log" >&2
    echo "cannot build the package: the end of $out/build.log says why" >&2
    exit 1
}
rm -f "$out"/*.deb
mv "$work"/*.deb "$out/"
echo "$stamp" >"$out/.stamp"
ls "$out"/*.deb
