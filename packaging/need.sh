#!/bin/bash
# need.sh LIST… installs what is missing of the Debian packages that the files LIST name, one a line. Asks apt only then.
set -euo pipefail
missing=$(comm -23 <(sort -u "$@") <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii *//p' | sort -u))
[ -n "$missing" ] || exit 0
echo "setup: installing $(echo $missing)"
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
