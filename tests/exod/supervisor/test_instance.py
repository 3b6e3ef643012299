"""An instance's end in words, and its walls seen from both sides."""

import pytest

from exod.errors import Refused
from exod.plan.confine import LAYERS, Layer
from exod.supervisor.instance import check_walls, describe
from exod.supervisor.ports import Caller, Exit
from tests.simulation.house import House, played

OUTSIDE = {"Seccomp": "2", "uid": "2147000001"}
INSIDE = {"Seccomp": "2", "uid": "1000", "denied.socket": "EPERM"}


def test_walls_that_agree_and_deny_are_accepted() -> None:
    assert check_walls("hello", inside=INSIDE, outside=OUTSIDE) is None


@pytest.mark.parametrize(
    ("inside", "outside", "word"),
    [
        (INSIDE | {"denied.socket": "allowed"}, OUTSIDE, "socket was not denied"),
        (INSIDE | {"Seccomp": "0"}, OUTSIDE, "Seccomp is 0 inside and 2 outside"),
        ({}, OUTSIDE, "did not report"),
        (INSIDE, {}, "nothing was seen"),
    ],
)
def test_a_wall_that_is_open_disputed_or_unseen_is_refused(
    inside: dict[str, str], outside: dict[str, str], word: str
) -> None:
    found = check_walls("hello", inside=inside, outside=outside)
    assert found is not None
    assert (found.code, word in found.sentence) == ("walls-open", True)


@pytest.mark.parametrize(
    ("probe", "holders"), [("socket", {Layer.SECCOMP}), ("setuid", {Layer.SECCOMP, Layer.CAPABILITIES})]
)
def test_a_probe_may_get_through_only_where_the_layer_that_holds_it_is_left_out(
    probe: str, holders: set[Layer]
) -> None:
    inside = INSIDE | {f"denied.{probe}": "allowed"}
    for layer in Layer:
        found = check_walls("hello", inside=inside, outside=OUTSIDE, layers=LAYERS - {layer})
        assert (found is None) is (layer in holders)


@pytest.mark.parametrize("probe", ["host-file", "procfs", "plugin-write", "signal", "another"])
def test_a_probe_that_many_layers_hold_never_gets_through(probe: str) -> None:
    inside = INSIDE | {f"denied.{probe}": "allowed"}
    for layer in Layer:
        assert check_walls("hello", inside=inside, outside=OUTSIDE, layers=LAYERS - {layer}) is not None


@pytest.mark.parametrize("cause", ["exited", "signal", "seccomp", "oom", "lost", "ended", "something new"])
def test_every_way_to_end_has_words(cause: str) -> None:
    assert describe(Exit(1, cause, 9)).startswith(("it ", "the ", "exod "))


@played
async def test_an_instance_that_is_gone_has_no_line(house: House) -> None:
    await house.load()
    instance = house.supervisor._roster.instances[1]
    assert instance.line() is instance.channel
    instance.exit = Exit(1, "signal", 9)
    with pytest.raises(Refused, match="signal 9"):
        instance.line()
    instance.exit, instance.channel = None, None
    with pytest.raises(Refused, match="no channel"):
        instance.line()
    instance.hang_up()


@played
async def test_the_oldest_open_call_tells_whom_it_serves(house: House) -> None:
    await house.load()
    instance = house.supervisor._roster.instances[1]
    assert instance.serving is None
    instance.calls = [Caller(":1.1", 7), Caller(":1.2", 8)]
    assert instance.serving == 7
