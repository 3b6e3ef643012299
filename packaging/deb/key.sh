#!/bin/bash
# key.sh DIR → DIR has a key to sign first-party plugins with; made if DIR is not there. Never inside the tree.
set -euo pipefail
directory=${1:?a directory}
[ ! -f "$directory/vendor.pub" ] || exit 0
if [ -e "$directory" ]; then
    echo "cannot sign first-party plugins: $directory has no vendor.pub" >&2
    exit 1
fi
echo "deb: making a key in $directory"
umask 077
new=$(mktemp -d -p "$(mkdir -p "$(dirname "$directory")" && dirname "$directory")" .vendor-key.XXXXXX)
trap 'rm -rf "$new"' EXIT
head -c 24 /dev/urandom | base64 >"$new/passphrase"
.venv/bin/exoctl key new "$new/vendor.key" --name exod --passphrase-file "$new/passphrase" >/dev/null
mv -T "$new" "$directory"
