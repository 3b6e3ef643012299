"""What an instance reports of its walls."""

import errno
import os

from exosdk import walls


def refuse() -> None:
    raise PermissionError(errno.EPERM, "no")


def strange() -> None:
    raise OSError(0, "no number")


def test_what_was_seen_is_told_beside_what_was_tried() -> None:
    report = walls.report({"Seccomp": 2}, probes={"denied.a": refuse, "denied.b": lambda: None, "denied.c": strange})
    assert report["Seccomp"] == "2"
    assert (report["denied.a"], report["denied.b"], report["denied.c"]) == ("EPERM", "allowed", "0")
    assert report["uid"] == " ".join(map(str, os.getresuid()))


def test_without_walls_the_probes_say_so() -> None:
    report = walls.report({})
    assert report["denied.procfs"] == "allowed"
    assert report["denied.host-file"] == "allowed"
    assert {name for name in report if name.startswith("denied.")} == set(walls._PROBES)
