#!/bin/bash
# Runs in the tree of an image: installs exod.deb, if it is there, and makes a machine of it that is like no other.
set -euo pipefail

# How the building machine reaches its archives, and with which passwords, is its own business.
rm -rf /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/apt/auth.conf.d/*

if [ -f exod.deb ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    DEBIAN_FRONTEND=noninteractive dpkg --install exod.deb
    rm /usr/sbin/policy-rc.d
fi
systemctl --quiet enable exod-image.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
# Each fires at once on a machine whose image is a week old, and none has work on one that was just written.
systemctl --quiet mask e2scrub_all.timer e2scrub_reap.service

# Where the firmware looks, and where bootctl does.
boot=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
install -D -m 644 $boot /boot/efi/EFI/BOOT/BOOTX64.EFI
install -D -m 644 $boot /boot/efi/EFI/systemd/systemd-bootx64.efi
mkdir -p /boot/efi/loader/entries /boot/efi/exod
printf 'timeout 1\n' >/boot/efi/loader/loader.conf
echo type1 >/boot/efi/loader/entries.srel
for kernel in /boot/vmlinuz-*; do
    kernel-install add "${kernel#/boot/vmlinuz-}" "$kernel"
done
sed -i '/^machine-id /d' /boot/efi/loader/entries/*.conf

# Made at the first boot.
: >/etc/machine-id
rm -f /etc/hostname /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /var/lib/systemd/random-seed
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
find /var/log /var/cache/apt /var/cache/ldconfig /tmp -mindepth 1 -type f -delete
mkdir -p /var/log/journal
