"""The plugin of the fleet: it counts, in memory alone, how often it was given each number; names → signed packages."""

import time

from exoctl.trustfiles import anchor_file
from tests.builders import anchor_for, key, manifest_toml, signed_package

INTERFACE, SERVICE = "org.exoos.Tally1", "tally"
_MORE = f"""
[config]
word = {{type = "string", default = "", maximum = 40, help = "anything"}}

[services.{SERVICE}]
interface = "{INTERFACE}"
access = "any"
methods.Count = {{in = "t", out = "t"}}
methods.Report = {{out = "s"}}
methods.Missing = {{in = "at", out = "at"}}
signals.Counted = "t"
signals.Beat = "t"
"""
_CODE = b"""
import json
import os

from exosdk import hookimpl


class Tally:
    def __init__(self, context):
        self._context = context
        self._seen = {}
        self._beats = 0
        self._token = os.urandom(8).hex()

    @hookimpl
    def start(self):
        self._context.every(0.5, self._beat)

    def _beat(self):
        self._beats += 1
        self._context.emit("Beat", self._beats)

    def count(self, number):
        self._seen[number] = self._seen.get(number, 0) + 1
        self._context.emit("Counted", number)
        return number if self._seen[number] == 1 else 0

    def report(self):
        return json.dumps([self._token, len(self._seen), sum(self._seen.values()), self._beats])

    def missing(self, numbers):
        return [number for number in numbers if number not in self._seen]
"""


def package(name: str, *, critical: bool = False) -> bytes:
    manifest = manifest_toml(name=name, entry="tally:Tally", more=_MORE)
    if critical:
        manifest = manifest.replace(b"[entry]", b"critical = true\n[entry]", 1)
    return signed_package(issued=int(time.time()), manifest=manifest, extra={"code/tally.py": _CODE})


def trust() -> bytes:
    """The file for trust.d that lets the packages in."""
    return anchor_file(anchor_for(key(), scope=("tally-",), level="trusted"))
