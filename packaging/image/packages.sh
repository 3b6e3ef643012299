#!/bin/bash
# packages.sh SUITE KERNEL DEB [LIST…] → the packages of an image, one a line: those of packages.txt and of LIST, the
# kernel, and the first of every alternative that DEB depends on.
set -euo pipefail
suite=$1 kernel=$2 deb=$3
shift 3
{
    cat "$(dirname "$(readlink -f "$0")")/packages.txt" "$@"
    echo "$kernel"
    # Parts of other packages there.
    [ "$suite" = bookworm ] || printf "systemd-boot-efi\nsystemd-repart\n"
    dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed -nE 's/^ *([a-z0-9][a-z0-9.+-]*).*/\1/p'
} | sort -u
