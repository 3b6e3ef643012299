#!/bin/bash
# alone.sh COMMAND… runs COMMAND beside a libvirt of its own: its network, its processes, its directories. For where no
# libvirt runs as a service, or where the one that does is not to be touched. Nothing of it is left when COMMAND ends,
# machines included. ALONE=DIR keeps its disks in DIR instead of below /var/tmp.
#   apt: dnsmasq-base iptables libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system swtpm-tools
set -euo pipefail
if [ "${EXOD_ALONE:-}" != yes ]; then
    work=$(mktemp -d "${ALONE:-/var/tmp}/exod-libvirt.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    EXOD_ALONE=yes unshare --mount --propagation private --net --pid --fork --kill-child "$0" "$work" "$@"
    exit
fi
work=$1
shift

mount -t proc proc /proc
# The one from before shows the network from before, and libvirt sets up its bridges through it.
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "$work"/{state,cache,log,swtpm}
mount --bind "$work/state" /var/lib/libvirt
mount --bind "$work/cache" /var/cache/libvirt
mount --bind "$work/log" /var/log/libvirt
mkdir -p /run/libvirt /var/log/swtpm "$work"/state/{images,dnsmasq,qemu/swtpm}
mount -t tmpfs exod-libvirt /run/libvirt
mount --bind "$work/swtpm" /var/log/swtpm
mount -t tmpfs exod-libvirt /etc/libvirt
mkdir -p /etc/libvirt/qemu/networks /etc/libvirt/storage
printf 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n' >/etc/libvirt/libvirtd.conf
cat >/etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
swtpm_user = "root"
swtpm_group = "root"
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
END

ip link set lo up
libvirtd >"$work/log/libvirtd" 2>&1 &
end=$((SECONDS + 60))
until virsh --quiet --connect qemu:///system uri >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { tail -5 "$work/log/libvirtd" >&2; echo "cannot run a libvirt alone: it does not answer" >&2; exit 1; }
done
"$@"
