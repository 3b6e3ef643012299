"""What a plugin publishes → a message to each plugin whose patterns select it, as far as exod said which these are.

Before exod has said so, what is published waits, bounded.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from exosdk import topics
from exosdk.links import LinkError
from exosdk.signature import MalformedError

KEPT = 64
"""Messages that wait for the routes; of more the oldest is dropped."""
_SELECTED_MAX = 256


class Publisher:
    """`send`: receiver, topic, data, type, priority. `ask`: kind, and who is given the answer."""

    def __init__(
        self,
        plugin: str,
        *,
        ask: Callable[[str, Callable[[Any, str], Any]], None],
        send: Callable[[str, str, Any, int, str], Any],
        note: Callable[[str], None],
    ) -> None:
        self._plugin, self._ask, self._send, self._note = plugin, ask, send, note
        self._routes: dict[str, tuple[str, ...]] | None = None
        self._asking: object = None
        self._selected: dict[tuple[str, int], tuple[str, ...]] = {}
        self._early: deque[tuple[str, bytes, int, str]] = deque(maxlen=KEPT)

    def publish(self, topic: str, data: Any, *, type_: int, priority: str) -> int:
        """To how many it was sent."""
        topics.check_topic(topic)
        if self._routes is None:
            self._early.append((topic, bytes(data), type_, priority))
            self._want()
            return 0
        return sum(self._sent(peer, topic, data, type_, priority) for peer in self._chosen(topic, type_))

    def _chosen(self, topic: str, type_: int) -> tuple[str, ...]:
        """Looked for once: the same few topics are published again and again."""
        chosen = self._selected.get((topic, type_))
        if chosen is None:
            whole, routes = f"{self._plugin}/{topic}", (self._routes or {}).items()
            chosen = tuple(peer for peer, patterns in routes if topics.matches(patterns, whole, type_=type_))
            if len(self._selected) >= _SELECTED_MAX:
                self._selected.clear()
            self._selected[topic, type_] = chosen
        return chosen

    def _sent(self, peer: str, topic: str, data: Any, type_: int, priority: str) -> bool:
        try:
            self._send(peer, topic, data, type_, priority)
        except LinkError as error:
            self._note(str(error))
            return False
        return True

    def _want(self) -> None:
        """Once; an answer to a plugin that was stopped meanwhile is nobody's."""
        if self._asking is None:
            asking = self._asking = object()
            try:
                self._ask("routes", lambda *answer: self._routed(*answer) if self._asking is asking else None)
            except MalformedError as error:
                self._asking = None
                self._note(str(error))

    def _routed(self, routes: Any, refused: str) -> None:
        """Refused, it is asked again when something is published; what waits goes on waiting."""
        self._asking = None
        self._selected.clear()
        if refused:
            self._routes = None
            self._note(refused)
            return
        self._routes = {receiver: tuple(patterns) for receiver, patterns in (routes or {}).items()}
        early, self._early = self._early, deque(maxlen=KEPT)
        for topic, data, type_, priority in early:
            self.publish(topic, data, type_=type_, priority=priority)

    def route(self, receiver: str, patterns: tuple[str, ...]) -> None:
        """`receiver` wants these now, and nothing else."""
        if self._routes is None:
            return
        self._routes.pop(receiver, None)
        if patterns:
            self._routes[receiver] = patterns
        self._selected.clear()

    def again(self) -> None:
        """Another exod is there, which does not know that it is to say what changes."""
        if self._routes is not None or self._early:
            self._want()

    def clear(self) -> None:
        self._routes = self._asking = None
        self._selected.clear()
        self._early.clear()
