"""Services of other plugins, called over links: a proxy's method → a request, and its answer → the method's result.

Types are as declared for D-Bus, both ways, checked by whoever offers the service.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from exosdk import nesting, wire
from exosdk.message import DATA_REQUEST, Kind
from exosdk.signature import MalformedError


class Proxy:
    """`context.service("echo").Greet("Ada", then=told)`; with several services, `service("echo/greeter")`."""

    def __init__(self, to: str, *, request: Callable[..., int], seconds: float | None = None) -> None:
        self._plugin, _, self._service = to.partition("/")
        self._request, self._seconds = request, seconds

    def __getattr__(self, method: str) -> Callable[..., int]:
        if not method[:1].isupper():
            raise AttributeError(f"{method} is no name of a D-Bus method")

        def call(*arguments: Any, then: Callable[[Any, str], Any] = lambda _value, _refused: None) -> int:
            """`then` gets the result, several as a list, None for none; or None and the reason there is none."""
            data = bytes(wire.pack([self._service, method, list(arguments)]))
            how = {"type_": DATA_REQUEST, "priority": "normal", "seconds": self._seconds, "kind": Kind.CALL}
            return self._request(self._plugin, data, lambda answer, refused: _told(then, answer, refused), **how)

        return call


def _told(then: Callable[[Any, str], Any], answer: Any, refused: str) -> None:
    if refused:
        then(None, refused)
        return
    try:
        results = plain(answer)
    except MalformedError as error:
        then(None, f"the answer cannot be read: {error}")
        return
    if not isinstance(results, list):
        then(None, "the answer is no list of results")
    else:
        then(results[0] if len(results) == 1 else results or None, "")


def plain(data: Any) -> Any:
    """Copied first: what was lent may change while it is looked at."""
    whole = bytes(data)
    nesting.check(whole)
    return wire.unpack(msgspec.Raw(whole))
