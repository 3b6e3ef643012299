"""Plugins that do with messages what they are told, on a daemon that trusts them."""

import itertools
import time
from ast import literal_eval
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exosdk.testing.daemon import Daemon
from tests.acceptance import forged
from tests.acceptance.workshop import ROOT, Workshop

PATIENCE = 120.0
TALKER = ROOT / "tests/acceptance/talker"


@contextmanager
def opened(directory: Path, *, allow: tuple[str, ...] = ("ipc=*",)) -> Iterator["Talkers"]:
    """On a daemon of their own in `directory`, whose vendor's plugins may have `allow`."""
    (directory / "work").mkdir(parents=True)
    with Daemon(directory / "dev") as daemon:
        shop = Workshop(daemon, directory / "work")
        shop.key("vendor", scope="copy-*", allow=allow)
        yield Talkers(shop, directory)


class Talkers:
    """Copies of the talker, each told what to do by a line of Python."""

    def __init__(self, shop: Workshop, directory: Path) -> None:
        self.shop, self._directory, self._rooms = shop, directory, itertools.count()
        self._packages: dict[str, str] = {}

    def load(self, name: str, *changes: tuple[str, str], policy: str = "") -> None:
        room = forged.renamed(TALKER, self._directory / f"{next(self._rooms)}" / name, name=name)
        manifest = room / "package.toml"
        text = manifest.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        manifest.write_text(text)
        self.policy(name, policy)
        self._packages[name] = str(self.shop.package(room, key="vendor"))
        self.again(name)

    def again(self, name: str) -> None:
        self.shop.daemon.exoctl("plugin", "load", self._packages[name])

    def policy(self, name: str, text: str) -> None:
        """Its one method runs what it is given, which the lint calls an error."""
        place = self.shop.daemon.directory / f"etc/plugins.d/{name}.toml"
        place.write_text(f'lint = "off"\n{text}')
        self.shop.reload()

    def run(self, name: str, line: str) -> Any:
        return literal_eval(self.shop.daemon.exoctl("plugin", "call", name, "Run", line))

    def until(self, name: str, line: str, reached: Callable[[Any], bool] = bool) -> Any:
        """Asks again and again: each question takes a process, which is pause enough."""
        until = time.monotonic() + PATIENCE
        while not reached(found := self.run(name, line)):
            if time.monotonic() > until:
                raise TimeoutError(f"{name}: {line} is {found!r}")
        return found

    def links(self) -> list[tuple[str, str, str]]:
        return [(row["from"], row["to"], row["priority"]) for row in self.shop.daemon.exoctl("link", "list")]

    @contextmanager
    def two(self) -> Iterator["Talkers"]:
        """copy-one and copy-two, each of which may talk to any."""
        self.load("copy-one")
        self.load("copy-two")
        yield self
        self.gone("copy-one", "copy-two")

    def gone(self, *names: str) -> None:
        for name in names:
            self.shop.daemon.exoctl("plugin", "remove", name, "--purge")
