#!/bin/bash
# bootstrap.sh SUITE TARGET PACKAGES [OPTION…] → TARGET is a Debian of these packages (comma between two) and what they
# need, from this host's archives; OPTION is mmdebstrap's. Takes no lock.
set -euo pipefail
suite=$1 target=$2 packages=$3
shift 3
sources=$(dirname "$(readlink -f "$0")")/sources.sh

list=$("$sources" "$suite")
options=$(mktemp)
trap 'rm -f "$options"' EXIT
"$sources" --options >"$options"
# As its own pid 1: an interrupted build leaves no process and no mount.
unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root --variant=minbase \
    --aptopt="$options" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --setup-hook='[ ! -d /etc/apt/auth.conf.d ] || cp -r /etc/apt/auth.conf.d "$1/etc/apt/"' \
    --include="$packages" "$@" "$suite" "$target.new" - <<<"$list" >&2
mv "$target.new" "$target"
