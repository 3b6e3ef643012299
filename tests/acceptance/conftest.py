"""One real daemon per module of tests, with both first-party plugins signed by a trusted vendor."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exosdk.testing.daemon import Daemon
from tests.acceptance.workshop import Workshop


@dataclass(frozen=True)
class Host:
    """A running exod, who builds for it, and the packages it may load, by name."""

    daemon: Daemon
    shop: Workshop
    packages: dict[str, Path]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("acceptance")
    work = directory / "work"
    work.mkdir()
    with Daemon(directory / "dev") as daemon:
        shop = Workshop(daemon, work)
        shop.key("vendor", scope="echo,hostpulse,copy-*")
        names = ("echo", "hostpulse")
        yield Host(daemon, shop, {name: shop.plugin(name, key="vendor") for name in names})
