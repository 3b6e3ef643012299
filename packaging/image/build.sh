#!/bin/bash
# build.sh → build/image/exod_VERSION_SUITE.FORMAT: a disk that boots by UEFI into a Debian with exod.
#   SUITE    bookworm (default) or trixie
#   FORMAT   raw (default; sparse) or qcow2
#   KERNEL   linux-image-cloud-amd64 (default): for virtual machines; linux-image-amd64: has drivers for hardware
#   DEB      the package in it, instead of the one in build/deb/SUITE
# Nothing is done when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/packaging/image out=$PWD/build/image
suite=${SUITE:-bookworm} format=${FORMAT:-raw} kernel=${KERNEL:-linux-image-cloud-amd64}

refuse() { echo "cannot make an image: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || refuse "unpacking a Debian needs root; run it with sudo"
[ "$(dpkg --print-architecture)" = amd64 ] || refuse "its boot loader is amd64's"
[[ $format =~ ^(raw|qcow2)$ ]] || refuse "FORMAT is $format; it can be raw or qcow2"
packaging/need.sh "$here/apt.txt"
deb=${DEB:-$(ls build/deb/"$suite"/exod_*.deb)} || refuse "there is no package; run: make deb SUITE=$suite"
version=$(dpkg-deb -f "$deb" Version)
image=$out/exod_${version}_$suite.$format

mkdir -p "$out"
exec 8>"$out/.lock"
flock 8
tree=$("$here/tree.sh" "$suite" host $("$here/packages.sh" "$suite" "$kernel" "$deb"))
stamp=$({ echo "$tree"; cat "$deb"; tar -C "$here" --sort=name --mtime=@0 --owner=0 --group=0 -c .; } | sha256sum)
[ ! -f "$image" ] || [ "$stamp" != "$(cat "$image.stamp" 2>/dev/null)" ] || { echo "$image"; exit 0; }
rm -f "$image.stamp"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$deb" "$work/exod.deb"
cp "$here/furnish.sh" "$work/50-furnish.sh"
echo "image: making exod_${version}_$suite.$format" >&2
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$here/assemble.sh" "$tree" "$work" "$out/part" "exod $version $suite" >"$out/build.log" 2>&1 || {
    tail -20 "$out/build.log" >&2
    refuse "the end of build/image/build.log says why"
}
[ "$format" = raw ] || { qemu-img convert -c -O qcow2 -o compression_type=zstd "$out/part" "$out/part.$format"; mv "$out/part.$format" "$out/part"; }
mv "$out/part" "$image"
echo "$stamp" >"$image.stamp"
echo "$image"
