"""Several filters in one zygote: a request chooses by a number, and gets no other."""

from pathlib import Path

import pytest

from exod.errors import Refused
from exod.sandbox import frames, seccomp
from tests.exod.sandbox.rig import Rig, ending


def test_what_arms_a_zygote_is_read_as_it_was_said() -> None:
    said = frames.arm(7, 9, 2, [b"one-----", b"another program-"])
    assert frames.armed(said) == (7, 9, 2, (b"one-----", b"another program-"))
    assert frames.armed(frames.arm(7, 9, 2, [])) == (7, 9, 2, ())


def test_what_is_cut_short_or_long_arms_nothing() -> None:
    said = frames.arm(7, 9, 2, [b"one-----", b"another program-"])
    whole = {16, 28}
    assert {cut for cut in range(len(said)) if frames.armed(said[:cut]) is not None} == whole
    assert frames.armed(said + b"\0") is frames.armed(b"\0" + said) is None


async def test_each_instance_has_the_filter_that_its_request_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "PROFILES", ((), ("unix",)))
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        plain = await rig.start(1)
        monkeypatch.setattr(seccomp, "PLAIN", 1)
        granted = await rig.start(2)
        with plain.end, granted.end:
            assert "Operation not permitted" in plain.ask("socket.socket(socket.AF_UNIX)")
            assert granted.ask("socket.socket(socket.AF_UNIX).family == socket.AF_UNIX") == "True"
            assert "Operation not permitted" in granted.ask("socket.socket(socket.AF_INET)")


async def test_a_filter_that_the_zygote_does_not_have_is_no_request(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "PLAIN", len(seccomp.PROFILES))
    launch = rig.launch(3)
    await rig.host.prepare(launch)
    with pytest.raises(Refused, match="fork failed: Invalid argument"):
        await rig.host.spawn(launch)
