#!/bin/bash
# box.sh → build/image/exod_SUITE.box for Vagrant's libvirt provider: the image of packaging/image without exod, with all
# that exod depends on and Vagrant's user. SUITE and KERNEL as there. Nothing is done when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/packaging/vagrant image=$PWD/packaging/image out=$PWD/build/image
suite=${SUITE:-bookworm} kernel=${KERNEL:-linux-image-cloud-amd64}
box=$out/exod_$suite.box

refuse() { echo "cannot make a box: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || refuse "unpacking a Debian needs root; run it with sudo"
packaging/need.sh "$image/apt.txt"
deb=${DEB:-$(ls build/deb/"$suite"/exod_*.deb)} || refuse "there is no package; run: make deb SUITE=$suite"
mkdir -p "$out"
exec 8>"$out/.lock"
flock 8
tree=$("$image/tree.sh" "$suite" box $("$image/packages.sh" "$suite" "$kernel" "$deb" "$here/packages.txt"))
stamp=$({ echo "$tree"; tar -C "$here/.." --sort=name --mtime=@0 --owner=0 --group=0 -c image vagrant; } | sha256sum)
[ ! -f "$box" ] || [ "$stamp" != "$(cat "$box.stamp" 2>/dev/null)" ] || { echo "$box"; exit 0; }
rm -f "$box.stamp"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ssh-keygen -q -t ed25519 -N '' -C vagrant -f "$work/key"
cp "$image/furnish.sh" "$work/50-furnish.sh"
cp "$here/user.sh" "$work/60-user.sh"
echo "box: making exod_$suite.box" >&2
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$image/assemble.sh" "$tree" "$work" "$work/disk" "exod box $suite" >"$out/box.log" 2>&1 || {
    tail -20 "$out/box.log" >&2
    refuse "the end of build/image/box.log says why"
}
qemu-img convert -O qcow2 "$work/disk" "$work/box.img"
bytes=$(stat -c %s "$work/disk")
printf '{"provider": "libvirt", "format": "qcow2", "virtual_size": %d}\n' $(((bytes + (1 << 30) - 1) >> 30)) >"$work/metadata.json"
cp "$here/Vagrantfile.box" "$work/Vagrantfile"
tar -C "$work" --owner=0 --group=0 -c metadata.json Vagrantfile box.img vmlinuz initrd key | gzip -1 >"$box.part"
mv "$box.part" "$box"
echo "$stamp" >"$box.stamp"
echo "$box"
