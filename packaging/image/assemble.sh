#!/bin/bash
# assemble.sh TREE WORK DISK NAME → the file DISK from TREE, which stays as it is, with files/ laid over it and the scripts
# WORK/*.sh run in it, in their order, from WORK itself. Kernel and initrd are left in WORK.
set -euo pipefail
if [ "${EXOD_ASSEMBLING:-}" != yes ]; then
    # Mounts and processes of its own: whatever ends it leaves nothing behind.
    EXOD_ASSEMBLING=yes exec unshare --mount --propagation private --pid --fork --kill-child "$0" "$@"
fi
tree=$1 work=$2 disk=$3 name=$4
here=$(dirname "$(readlink -f "$0")")

above=$work/above root=$work/root
mkdir "$above" "$root"
mount -t tmpfs -o mode=755 exod-image "$above"
mkdir "$above"/{upper,below}
mount -t overlay -o "lowerdir=$tree,upperdir=$above/upper,workdir=$above/below" exod-image "$root"

# git keeps one bit of a mode, and whoever checked out owns the files.
tar -C "$here/files" --owner=0 --group=0 --mode=u+rw,go+rX,go-w -c . | tar -C "$root" --no-overwrite-dir -x
mkdir -p "$root/run/image" "$root/boot/efi" "$work/esp"
mount --bind "$work" "$root/run/image"
# A file system of its own here as well: kernel-install writes paths from its top.
mount -t tmpfs -o mode=755 exod-image "$work/esp"
mount --bind "$work/esp" "$root/boot/efi"
mount -t proc proc "$root/proc"
for script in "$work"/*.sh; do
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$root" /bin/bash -c 'cd /run/image; exec bash "$0"' \
        "$(basename "$script")"
done
umount "$root/proc" "$root/run/image" "$root/boot/efi"
rmdir "$root/run/image"
cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/initrd"
"$here/disk.sh" "$root" "$work/esp" "$disk" "$name"
