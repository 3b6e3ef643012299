#!/bin/bash
# enter.sh CHROOT [SOURCE:TARGET…] -- COMMAND… → runs COMMAND in a copy-on-write view of CHROOT, with directories of the
# host bound in. All mounts are in a namespace of their own and everything else in memory: whatever ends it leaves
# nothing behind.
set -euo pipefail
if [ "${EXOD_ENTERED:-}" != "$$" ]; then
    # exec keeps the number; --fork would not, so the namespace of processes is one of its own below.
    export EXOD_ENTERED=$$
    exec unshare --mount --propagation private "$0" "$@"
fi
unset EXOD_ENTERED
chroot=$1
shift
binds=()
while [ "$1" != -- ]; do binds+=("$1"); shift; done
shift

work=$(mktemp -d)
trap 'umount -l "$work" 2>/dev/null; rmdir "$work"' EXIT
mount -t tmpfs -o mode=755 exod-build "$work"
mkdir "$work"/{upper,below,root}
mount -t overlay -o "lowerdir=$chroot,upperdir=$work/upper,workdir=$work/below" exod-build "$work/root"
root=$work/root
for bind in "${binds[@]}"; do
    [ -e "${bind%%:*}" ] || continue # not every machine has every place
    mkdir -p "$root${bind##*:}"
    mount --rbind "${bind%%:*}" "$root${bind##*:}"
done
for device in null zero full random urandom; do
    [ -e "$root/dev/$device" ] || touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
[ -e "$root/dev/fd" ] || ln -s /proc/self/fd "$root/dev/fd"
# As its own pid 1: when this command ends, so does all that it started.
unshare --pid --fork --kill-child --mount bash -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' - "$root" "$@"
