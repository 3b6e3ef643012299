"""Files that a plugin was granted to write, where exod's own unit may write next to nothing (ProtectSystem=strict)."""

import time

import pytest

from exoctl.trustfiles import anchor_file
from exosdk.testing.vm import CommandFailed, Machine
from tests import builders
from tests.vm.exod import Exod, refused

CODE = b"""import os


class Hello:
    def __init__(self, context):
        pass

    def write(self, path: str, text: str) -> str:
        try:
            with open(path, "w") as file:
                file.write(text)
        except OSError as error:
            return error.strerror
        return "written"
"""
MORE = """[sandbox]
filesystem = ["read-write:{place}"]
[services.writer]
interface = "org.example.Writer1"
access = "root"
methods.Write = {{in = "ss", out = "s"}}
"""


def load(vm: Machine, exod: Exod, place: str) -> None:
    """A plugin that may write below `place`."""
    manifest = builders.manifest_toml(name="writer", more=MORE.format(place=place))
    data = builders.signed_package(issued=int(time.time()) - 3_600, manifest=manifest, extra={"code/hello.py": CODE})
    vm.put("/etc/exod/trust.d/tests.toml", anchor_file(builders.anchor_for(scope=("writer",))))
    vm.run("systemctl reload exod.service")
    vm.put("/root/writer.exopkg", data)
    exod.ctl("plugin", "load", "/root/writer.exopkg")


def write(exod: Exod, path: str, text: str) -> str:
    return str(exod.call("writer", "Write", path, text))


OWN = (
    "useradd --system carol; install -d -o carol -g carol /srv/out; echo theirs >/srv/out/roots; echo beside >/srv/file"
)


@pytest.mark.destructive
def test_what_is_written_lies_on_the_host_and_belongs_to_the_owner_of_the_grant(vm: Machine, exod: Exod) -> None:
    vm.run(OWN)
    unit = vm.run("systemctl show --property=ProtectSystem --property=ReadWritePaths exod.service").out
    assert sorted(unit.split()) == ["ProtectSystem=strict", "ReadWritePaths=/run/exod"]
    load(vm, exod, "/srv/out")
    assert write(exod, "/srv/out/new", "from inside") == "written"
    assert vm.run("stat --format='%U %G' /srv/out/new; cat /srv/out/new").out == "carol carol\nfrom inside"
    assert write(exod, "/srv/out/roots", "taken") == "Permission denied"
    assert write(exod, "/srv/file", "taken") == "Read-only file system"
    assert vm.run("cat /srv/out/roots /srv/file").out == "theirs\nbeside\n"
    pid = exod.pid("writer")
    vm.run("systemctl restart exod.service")
    exod.await_state("writer", "running")
    assert (write(exod, "/srv/out/new", "after a restart"), exod.pid("writer")) == ("written", pid)
    assert vm.run("cat /srv/out/new").out == "after a restart"
    exod.remove("writer")
    assert vm.run("cat /srv/out/new; grep -c /srv /proc/mounts", check=False).out == "after a restart0\n"


@pytest.mark.destructive
def test_a_disk_that_was_mounted_after_exod_began_is_granted_unless_the_host_has_it_read_only(
    vm: Machine, exod: Exod
) -> None:
    vm.run("fallocate --length 8M /root/disk; mkfs.ext4 -q /root/disk; mount -o loop /root/disk /srv")
    vm.run(OWN)
    load(vm, exod, "/srv/out")
    assert write(exod, "/srv/out/new", "from inside") == "written"
    assert vm.run("stat --format=%U /srv/out/new; cat /srv/out/new").out == "carol\nfrom inside"
    exod.remove("writer")
    vm.run("umount /srv; mount -o loop,ro /root/disk /srv")
    with pytest.raises(CommandFailed) as caught:
        load(vm, exod, "/srv/out")
    assert refused(caught.value)["sentence"] == "cannot grant /srv/out: it is mounted read-only"
    vm.run("install -d -o carol -g carol /var/tmp/out")
    with pytest.raises(CommandFailed) as caught:
        load(vm, exod, "/var/tmp/out")
    assert "another /var/tmp than the host (PrivateTmp=)" in refused(caught.value)["sentence"]
