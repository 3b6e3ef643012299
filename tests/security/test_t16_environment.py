"""THREATS 16: what decides how an interpreter starts does not come from whoever starts exod, nor from a package."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exod.sandbox.rig import Rig, ending, keeper_pid


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    for name, value in (("LD_PRELOAD", "/none.so"), ("PYTHONPATH", str(tmp_path)), ("PYTHONHOME", "/none")):
        monkeypatch.setenv(name, value)
    (tmp_path / "json").mkdir()
    (tmp_path / "json/__init__.py").write_text("raise SystemExit('taken over')\n")
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        yield rig


async def test_variables_of_the_loader_and_the_interpreter_reach_nobody(rig: Rig) -> None:
    peer = await rig.start()
    zygote = rig.host._cells[1].zygote
    assert zygote is not None
    for pid in (keeper_pid(rig), zygote.pid, peer.pid):
        names = {word.partition("=")[0] for word in environment(pid)}
        assert names <= {"", "LC_CTYPE"}
    peer.end.close()


def environment(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


async def test_a_module_of_a_package_never_stands_in_for_the_interpreters(rig: Rig) -> None:
    peer = await rig.start(tree={"code/json/__init__.py": (b"raise SystemExit('taken over')\n", False)})
    with peer.end:
        assert peer.ask("__import__('json').__file__").startswith("'/usr/lib/python3")
        assert peer.ask("sys.flags.isolated, sys.flags.no_site") == "(1, 1)"


async def test_links_cannot_be_made_where_an_instance_can_write(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        assert "PermissionError" in peer.ask("os.symlink('/plugin', '/tmp/link')")
        assert peer.ask("open('/tmp/a', 'w').close()") == "None"
        assert "PermissionError" in peer.ask("os.link('/tmp/a', '/tmp/b')")


async def test_the_tmp_of_an_instance_is_nobody_elses(rig: Rig) -> None:
    peer = await rig.start()
    with peer.end:
        peer.ask("open('/tmp/mine', 'w').close()")
        assert "mine" not in os.listdir("/tmp")
