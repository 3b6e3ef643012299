from pathlib import Path

import pytest

from exoctl import devkey, scaffold
from exod.errors import Refused
from exod.package import manifest
from exod.trust import anchors


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    top = tmp_path / "dev"
    for place in (top, top / "keys", top / "etc", top / "etc/trust.d"):
        place.mkdir(mode=0o700)
    (top / devkey.MARKER).write_text("")
    return top


def test_the_key_is_made_once_and_kept_to_ourselves(dev: Path) -> None:
    first = devkey.key(str(dev))
    assert devkey.key(str(dev)).key_id == first.key_id
    assert {path.stat().st_mode & 0o777 for path in (dev / "keys").iterdir()} == {0o600}


def test_a_passphrase_without_its_key_is_replaced(dev: Path) -> None:
    (dev / "keys/try.pass").write_text("left over")
    assert devkey.key(str(dev)).key_id == devkey.key(str(dev)).key_id


def test_the_anchor_covers_this_plugin_and_what_it_offers(dev: Path) -> None:
    parsed = manifest.parse(scaffold.files("hello", kind="custom")["package.toml"].encode())
    assert isinstance(parsed, manifest.Manifest)
    key = devkey.key(str(dev))
    assert devkey.trust(str(dev), key, parsed)
    assert not devkey.trust(str(dev), key, parsed)
    anchor = anchors.parse((dev / "etc/trust.d/try-hello.toml").read_bytes(), name="try-hello")
    assert isinstance(anchor, anchors.Anchor)
    assert (anchor.level, anchor.scope.names, anchor.scope.interfaces) == ("dev", ("hello",), ("org.example.Hello1",))


def spoil_mode(dev: Path) -> None:
    dev.chmod(0o755)


def spoil_keys(dev: Path) -> None:
    (dev / "keys").chmod(0o711)


def spoil_marker(dev: Path) -> None:
    (dev / devkey.MARKER).unlink()


def spoil_place(dev: Path) -> None:
    (dev / "keys").rmdir()


def spoil_link(dev: Path) -> None:
    (dev / "keys").rename(dev / "real")
    (dev / "keys").symlink_to("real")


@pytest.mark.parametrize("spoil", [spoil_mode, spoil_keys, spoil_marker, spoil_place, spoil_link])
def test_a_directory_that_exod_did_not_make_is_not_used(dev: Path, spoil: object) -> None:
    assert devkey.directory(str(dev)) == str(dev)
    spoil(dev)  # type: ignore[operator]
    with pytest.raises(Refused, match="cannot try a plugin in"):
        devkey.directory(str(dev))


def test_without_a_development_daemon_nothing_is_tried() -> None:
    with pytest.raises(Refused, match="EXOD_DEV_DIR is not set"):
        devkey.directory(None)
