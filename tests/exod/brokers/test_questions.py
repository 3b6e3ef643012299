"""How often one plugin may ask; that an answer to one that is gone is nobody's is shown by each broker."""

from typing import Any, cast

import pytest

from exod.brokers.questions import USES, Uses, give
from exod.errors import Refused
from exod.supervisor.ports import Want
from exosdk import wire


def test_one_plugin_may_ask_so_often_a_second_and_another_as_often() -> None:
    now = [7.9]
    uses = Uses(lambda: now[0])
    for _ in range(USES):
        uses.count("a", what="ask")
    with pytest.raises(Refused, match="cannot ask: 32 questions a second are answered"):
        uses.count("a", what="ask")
    uses.count("b", what="ask")
    now[0] = 8.0
    uses.count("a", what="ask")


class Line:
    """Takes what a message holds."""

    def __init__(self) -> None:
        self.said: list[wire.Down] = []

    def line(self) -> "Line":
        return self

    def tell(self, frame: wire.Down) -> bool:
        wire.encode(frame)
        self.said.append(frame)
        return True


@pytest.mark.parametrize(
    ("value", "refused", "said"),
    [
        (None, "cannot ask: " + "x" * wire.MAX_FRAME, ("cannot ask: " + "x" * 300)[:300]),
        ("x" * wire.MAX_FRAME, "", "cannot answer: it is more than a message holds"),
    ],
    ids=["refusal", "value"],
)
def test_an_answer_that_no_message_holds_is_a_shorter_refusal(value: Any, refused: str, said: str) -> None:
    asker = Line()
    give(cast(Any, asker), Want(7, "read", "a.b", None), value, refused)
    assert asker.said == [wire.Given(7, wire.NOTHING, said)]
