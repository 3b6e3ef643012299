#!/bin/bash
# Runs in the chroot: inside.sh SUITE VERSION turns /build/exod and /wheels into /build/exod_VERSION_ARCH.deb.
set -euo pipefail
suite=$1 version=$2
cd /build/exod
here=packaging/deb
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# The bytecode and C extensions below /usr/lib/exod are of one minor version of Python.
depends="python3:any (>= $python~), python3:any (<< 3.$((${python#*.} + 1))~)" vendored=""
while read -r project package least; do
    found=$(LC_ALL=C apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
    if [ "$project" = - ] || { [ -n "$found" ] && dpkg --compare-versions "$found" ge "$least"; }; then
        depends="$depends, $package (>= $least)"
    else
        vendored="$vendored $(grep -oE "^$project==[^ ]+" $here/vendor.lock)"
    fi
done < <(grep -vE '^(#|$)' $here/libraries.txt)

cp -r packaging/debian debian
cp systemd/exod.sysusers systemd/exod.tmpfiles debian/
ls generated/man/* >debian/exod.manpages
echo "$depends" >debian/depends
echo "$vendored" >debian/vendored
cat >debian/changelog <<END
exod ($version) $suite; urgency=medium

  * Release $version.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
END
dpkg-buildpackage --build=binary --unsigned-source --unsigned-changes --no-check-builddeps
lintian --no-tag-display-limit --fail-on error,warning ../exod_*.changes
