"""Several filters in one zygote: a request chooses by a number, and gets no other."""

from pathlib import Path

import pytest

from exod.errors import Refused
from exod.sandbox import _spawn, frames, seccomp
from tests.exod.sandbox.rig import Rig, ending

ONE, TWO = bytes(8), bytes(24)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        bytes(12),
        frames.arm(7, 9, []),
        frames.arm(7, 9, [ONE]),
        frames.arm(7, 9, [ONE, b""]),
        frames.arm(7, 9, [ONE, bytes(12)]),
        frames.arm(7, 9, [bytes(8 * 4097)]),
        frames.arm(7, 9, [ONE] * 34),
        frames.arm(7, 9, [ONE, TWO]) + b"\0",
        b"\0" + frames.arm(7, 9, [ONE, TWO]),
        *(frames.arm(7, 9, [ONE, TWO])[:cut] for cut in (11, 12, 15, 23, 25, 51)),
    ],
)
def test_what_is_not_exactly_an_arming_message_arms_nothing(said: bytes) -> None:
    with pytest.raises(ValueError, match="not an arming message"):
        _spawn.accept(said)


async def test_each_instance_has_the_filter_that_its_request_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "PROFILES", ((), ("unix",)))
    monkeypatch.setattr(seccomp, "profile", lambda *_, **__: 0)
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        plain = await rig.start(1)
        monkeypatch.setattr(seccomp, "profile", lambda *_, **__: 1)
        granted = await rig.start(2)
        with plain.end, granted.end:
            assert "Operation not permitted" in plain.ask("socket.socket(socket.AF_UNIX)")
            assert granted.ask("socket.socket(socket.AF_UNIX).family == socket.AF_UNIX") == "True"
            assert "Operation not permitted" in granted.ask("socket.socket(socket.AF_INET)")


async def test_a_filter_that_the_zygote_does_not_have_is_no_request(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "profile", lambda *_, **__: len(seccomp.PROFILES))
    launch = rig.launch(3)
    await rig.host.prepare(launch)
    with pytest.raises(Refused, match="fork failed: Invalid argument"):
        await rig.host.spawn(launch)
