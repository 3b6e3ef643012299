#!/bin/bash
# sources.sh SUITE → apt sources of that Debian suite, from the archives that this machine already uses for its own:
# same servers, other code name. sources.sh --options → how apt reaches them (proxies, retries, checks of dates).
set -euo pipefail

if [ "${1:?a suite, or --options}" = --options ]; then
    exec apt-config dump --no-empty --format '%f "%v";%n' Acquire::http Acquire::https Acquire::Retries \
        Acquire::ForceIPv4 Acquire::ForceIPv6 Acquire::Check-Valid-Until Acquire::Check-Date
fi

own=$(. /etc/os-release && echo "$VERSION_CODENAME")
targets() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 'Component: main' |
        awk -v own="$own" '$2 == own || $2 == own "-updates" || $2 == own "-security"' | sort -u
}
found=$(targets)
if [ -z "$found" ]; then
    echo "cannot find Debian's archives: apt has no source for $own main" >&2
    echo "  try: apt-get update" >&2
    exit 1
fi
echo "$found" | sed -E "s/^(\S+) $own(\S*) main$/deb \1 $1\2 main/"
