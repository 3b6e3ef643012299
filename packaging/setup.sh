#!/bin/bash
# Makes .venv and everything it stands on, on a bare Debian as root. When nothing changed since the stamp was written,
# it returns at once: neither apt nor pip is asked, because finding out from them takes longer than the work.
set -euo pipefail
cd "$(dirname "$0")/.."

python=/usr/bin/python3
wanted() { { cat packaging/apt.txt packaging/requirements.lock packaging/setup.sh; pwd; readlink -f $python; } | sha256sum; }

stamp=.venv/stamp
if [ -f $stamp ] && [ "$(wanted)" = "$(cat $stamp)" ]; then exit 0; fi

packaging/need.sh packaging/apt.txt

echo "setup: making .venv"
[ -x .venv/bin/python ] && [ "$(readlink -f .venv/bin/python)" = "$(readlink -f $python)" ] || rm -rf .venv
$python -m venv --system-site-packages .venv
# systemd-python and setuptools are the only ones that build from source; both want the setuptools that is already there.
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r packaging/requirements.lock

site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pwd >"$site/exod.pth"
for command in exod exoctl; do
    printf '#!%s/.venv/bin/python -I\nimport sys\n\nfrom %s.__main__ import main\n\nsys.exit(main())\n' "$PWD" $command >.venv/bin/$command
    chmod 755 .venv/bin/$command
done
.venv/bin/python -m compileall -q "$site" || true
wanted >$stamp
