"""Settings in force: believed only where root alone may write them, and with uids of its own for each DIR."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from exod import configuration
from exod.brokers.network.own.rules import range_of
from exod.errors import Refusal
from exod.layout import Layout, development
from exod.settings import Settings


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = development(tmp_path)
    found.config.mkdir()
    return found


def test_settings_that_others_may_write_are_not_believed(layout: Layout) -> None:
    (layout.config / "exod.toml").write_text("job-days = 7\n")
    (layout.config / "exod.toml").chmod(0o666)
    assert isinstance(configuration.read_settings(layout), Refusal)


def test_each_development_directory_has_uids_of_its_own() -> None:
    one, other = (configuration._apart(Settings(), Path(path)) for path in ("/tmp/one", "/tmp/other"))
    assert not set(range(one.keeper_uid, one.uid_last + 1)) & {other.keeper_uid, other.data_uid, other.uid_first}
    assert len({one.keeper_uid, one.data_uid, one.uid_first}) == 3


def test_each_development_directory_has_a_network_of_its_own_unless_it_names_one() -> None:
    ranges = {configuration._apart(Settings(), Path(f"/tmp/{name}")).network_range for name in "abcdefgh"}
    assert len(ranges) == 8
    assert all(isinstance(range_of(one), IPv4Network) for one in ranges)
    assert configuration._apart(Settings(network_range="10.1.0.0/16"), Path("/tmp/a")).network_range == "10.1.0.0/16"


def test_uids_that_the_administrator_chose_stay(layout: Layout) -> None:
    chosen = Settings(uid_first=3000, uid_last=4000)
    assert configuration._apart(chosen, Path("/tmp/one")) is chosen
