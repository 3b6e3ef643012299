#!/bin/bash
# wheels.sh CHROOT → prints a directory with wheels of all that vendor.lock names, for the Python of that chroot: fetched
# by name from the package index that this machine's pip is set up for, checked against the lock, built where there is
# no wheel. Lies in the cache beside the chroot.
set -euo pipefail
chroot=$1
deb=$(dirname "$(readlink -f "$0")")
cache=$(dirname "$chroot")
inputs=$({ basename "$chroot"; cat "$deb"/{vendor.lock,wheels.sh,libraries.txt}; } | sha256sum)
suite=$(basename "$chroot" | cut -d- -f2)
target=$cache/wheels-$suite-${inputs:0:12}
exec 9>"$cache/wheels-$suite.lock"
flock 9
if [ ! -d "$target" ]; then
    rm -rf "$target.new"
    find "$cache" -mindepth 1 -maxdepth 1 -name "wheels-$suite-*" -mtime +7 -exec rm -rf {} +
    mkdir "$target.new"
    echo "deb: fetching and building what Debian lacks" >&2
    settings=$(mktemp -d)
    trap 'rm -rf "$settings"' EXIT
    cp "$deb/vendor.lock" "$settings/"
    cp -L /etc/resolv.conf /etc/hosts "$settings/"
    [ ! -f /etc/pip.conf ] || cp -L /etc/pip.conf "$settings/etc-pip.conf"
    user=${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf
    [ ! -f "$user" ] || cp -L "$user" "$settings/user-pip.conf"
    # Index, certificates and proxies are this machine's; what a variable says of a place that is not in the chroot is
    # warned of by pip and does no harm.
    "$deb/enter.sh" "$chroot" "$target.new:/wheels" "$settings:/settings" /etc/ssl/certs:/etc/ssl/certs \
        /usr/share/ca-certificates:/usr/share/ca-certificates /usr/local/share/ca-certificates:/usr/local/share/ca-certificates -- \
        /bin/bash -euc '
            cp /settings/resolv.conf /settings/hosts /etc/
            [ ! -f /settings/etc-pip.conf ] || cp /settings/etc-pip.conf /etc/pip.conf
            [ ! -f /settings/user-pip.conf ] || export PIP_CONFIG_FILE=/settings/user-pip.conf
            export SOURCE_DATE_EPOCH=315532800 HOME=/root CFLAGS="-g0 -O2 -ffile-prefix-map=/tmp=."
            pip wheel -qq --disable-pip-version-check --no-cache-dir --no-deps --no-build-isolation \
                --require-hashes --wheel-dir /wheels -r /settings/vendor.lock' >&2
    mv "$target.new" "$target"
fi
touch "$target"
echo "$target"
