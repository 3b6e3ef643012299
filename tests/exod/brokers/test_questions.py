"""How often one plugin may ask; that an answer to one that is gone is nobody's is shown by each broker."""

import pytest

from exod.brokers.questions import USES, Uses
from exod.errors import Refused


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
