import pytest

from exoctl import services
from exoctl.bus import Connection
from exod.errors import Outcome, Refusal, Refused
from exod.names import ROOT_PATH
from tests.exoctl.fake import FakeExod


def test_what_cannot_be_read_is_an_error_of_ours(exod: FakeExod) -> None:
    exod.introspection[f"{ROOT_PATH}/service/hello"] = "<node"
    bus = Connection(exod.address)
    with pytest.raises(Refused, match="internal error: introspection"):
        services.find(bus, "hello", "Greet")
    bus.close()


def test_other_refusals_are_not_taken_for_an_empty_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bus:
        def call(self, *_: object) -> None:
            raise Refused(Refusal("slow", "cannot answer: slow", outcome=Outcome.TIMED_OUT))

    with pytest.raises(Refused, match="slow"):
        list(services.methods(Bus(), "hello"))  # type: ignore[arg-type]
