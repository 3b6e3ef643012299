"""What a plugin is given: configuration, permissions, clock, timers, log, state directory, signals, and messages.

Made by the runner in a sandbox and by `exosdk.testing` in a test; it does no input or output of its own.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from exosdk import wire
from exosdk.log import Log, Seldom
from exosdk.signature import MalformedError, snake_case, split
from exosdk.timers import Timer, Timers

if TYPE_CHECKING:
    from exosdk.mail import Mail
    from exosdk.message import Message
    from exosdk.remote import Proxy

# What is about messages is imported by who sends some: the zygote has it loaded, and pages that an instance does not
# touch are nobody's memory.
Value = bool | int | float | str
Then = Callable[[Any, str], Any]
"""Called with the value and "", or with None and the reason there is none."""
_DATA_REQUEST, _EVENT_NOTIFY = 3, 5
_QUESTIONS_MAX = 64
_NO_ROOM = "cannot take the connection: too many files are open already"


class Clock(Protocol):
    """Wall time in seconds since the epoch, and seconds that only go forward; the module `time` is one."""

    def time(self) -> float: ...
    def monotonic(self) -> float: ...


class Guest(Protocol):
    """What has turns of its own between two calls of the plugin, such as another event loop.

    wait: seconds until it has something to do by itself, None for never. stop: the plugin was.
    """

    def wait(self) -> float | None: ...
    def turn(self) -> None: ...
    def stop(self) -> None: ...


class Context:
    """One for the life of an instance. `state_dir` is "" where the plugin keeps nothing; else it survives restarts.

    `caller` is the bus name and uid of whoever called the method that is running, and ("", 0) between calls.
    """

    def __init__(
        self,
        go: wire.Go,
        *,
        state_dir: str,
        send: Callable[[wire.Up], None],
        clock: Clock = time,
        log: Log | None = None,
    ) -> None:
        self.plugin = go.plugin
        self.version = go.version
        self.config: Mapping[str, Value] = MappingProxyType(dict(go.config))
        self.permissions: Mapping[str, tuple[str, ...]] = MappingProxyType(dict(go.permissions))
        self.state_dir = state_dir
        self.clock = clock
        self.log = log or Log()
        self.caller = ("", 0)
        self._services = go.services
        self._send = send
        self._timers = Timers()
        self._dirty: dict[str, set[str]] = {}
        self._asked: dict[int, Then] = {}
        self._number = 0
        self._protocol = go.protocol
        self._patience = go.call_time
        self._guests: list[Guest] = []
        self._listen: Callable[[int], None] = lambda _descriptor: None
        self._mail = self._make_mail() if go.protocol >= 3 and "ipc" in go.permissions else None

    def every(self, seconds: float, function: Callable[[], Any]) -> Timer:
        """Call `function` again and again, between calls of the plugin's methods, until `stop` or `Timer.cancel`."""
        return self._timers.every(seconds, function, now=self.clock.monotonic())

    def emit(self, signal: str, *arguments: Any) -> None:
        """Send a declared signal: `context.emit("Greeted", "Ada")`. ValueError when it is not what was declared."""
        service, wanted = self._declared_signal(signal)
        if len(arguments) != wanted:
            raise MalformedError(f"the signal {signal} takes {wanted} arguments, not {len(arguments)}")
        self._send(wire.Emit(service, signal, wire.pack(arguments)))

    def changed(self, *properties: str) -> None:
        """Say that declared properties have new values; they are read and sent when the running call is over."""
        for name in properties:
            self._dirty.setdefault(self._declared_property(name), set()).add(name)

    def read_setting(self, key: str, then: Then) -> None:
        """Ask for `PLUGIN.KEY` or `system.KEY`, with `read:` and it in `config`; `then` is called between two calls."""
        self._ask("read", key, None, then)

    def write_setting(self, key: str, value: Value, then: Then) -> None:
        """Change another plugin's setting, with `write:` and its `PLUGIN.KEY` in `config`."""
        self._ask("write", key, value, then)

    def connect(self, host: str, port: int, then: Then) -> None:
        """Ask for a TCP connection, with `tcp:HOST:PORT` in `network`; `then` is called with a `socket.socket`."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._ask("connect", place, None, lambda end, refused: then(end, refused or ("" if end else _NO_ROOM)))

    # --- messages: with the other plugin's name in `ipc`, and this one's in its own ----------------------------------

    def link(self, to: str, *, priority: str = "normal", full: str = "error", slots: int = 0, arena: int = 0) -> None:
        """Have a link made before the first message, and say what becomes of one that finds no room: "error" raises
        FullError, "block" waits as long as a call may take, "drop-oldest" drops what waits longest.

        slots: of 64 bytes, a power of two. arena: bytes for what is longer than 512, a power of two. 0: as exod likes.
        """
        self._post().link(to, priority=priority, full=full, slots=slots, arena=arena)

    def send(
        self,
        to: str,
        data: Any,
        *,
        type: int = _DATA_REQUEST,
        priority: str = "normal",
        seconds: float | None = None,
    ) -> int:
        """Send bytes (or what has a buffer) to a plugin; returns the message's id. `seconds`: it is dropped when it was
        not read by then. Raises LinkError, or FullError where there is no room.
        """
        return self._post().send(to, data, type_=type, priority=priority, seconds=seconds)

    def request(
        self,
        to: str,
        data: Any,
        then: Then,
        *,
        type: int = _DATA_REQUEST,
        priority: str = "normal",
        seconds: float | None = None,
    ) -> int:
        """As `send`; `then` is called once, with the answer's bytes and "", or with None and the reason there is none:
        `instance-lost: …`, `request-timeout: …`, or what the other said.
        """
        return self._post().request(to, data, then, type_=type, priority=priority, seconds=seconds)

    def receive(self, seconds: float) -> "Message | None":
        """The next message that no hook took, waited for so long. Other calls of the plugin wait meanwhile."""
        return self._post().receive(seconds)

    def broadcast(
        self,
        plugin_type: str,
        data: Any,
        then: Then | None = None,
        *,
        type: int = _EVENT_NOTIFY,
        priority: str = "normal",
    ) -> None:
        """Send to every running plugin of that type it may link with; `then` gets their names."""
        self._post().broadcast(plugin_type, data, then, type_=type, priority=priority)

    def publish(self, topic: str, data: Any, *, type: int = _EVENT_NOTIFY, priority: str = "normal") -> int:
        """Send to whoever subscribed to `PLUGIN/topic`; returns how many. What a subscriber has no room for waits, and
        the oldest of it is dropped.
        """
        return self._post().publish(topic, data, type_=type, priority=priority)

    def subscribe(self, what: str | int, function: "Callable[[Message], Any]") -> None:
        """Call `function` with each message that is published to a topic: `hostpulse/*`, `*/temperature`, or with a
        message type. To be asked for in `start`; ends at `stop`.
        """
        self._post().subscribe(what, function)

    def service(self, plugin: str, *, seconds: float | None = None) -> "Proxy":
        """Another plugin's: `context.service("echo").Greet("Ada", then=told)`."""
        from exosdk.remote import Proxy

        return Proxy(plugin, request=self._post().request, seconds=seconds)

    def _post(self) -> "Mail":
        if self._mail is None:
            from exosdk.links import LinkError

            raise LinkError("cannot reach another plugin: the permission ipc was not granted")
        return self._mail

    def _make_mail(self) -> "Mail":
        from exosdk.mail import Mail

        return Mail(
            self.plugin,
            ask=self._ask,
            tell=lambda kind, key, value: self._send(wire.Want(0, kind, key, wire.pack(value))),
            clock=self.clock,
            patience=self._patience,
            note=Seldom(lambda text: self.log.warning("%s", text), monotonic=self.clock.monotonic),
        )

    def _ask(self, kind: str, key: str, value: Any, then: Then) -> None:
        if self._protocol < 2:
            raise MalformedError("this exod answers no questions")
        if len(self._asked) >= _QUESTIONS_MAX:
            raise MalformedError(f"{_QUESTIONS_MAX} questions are open already")
        self._number += 1
        self._send(wire.Want(self._number, kind, key, wire.pack(value)))
        self._asked[self._number] = then

    def _declared_signal(self, signal: str) -> tuple[str, int]:
        for service in self._services:
            for declared in service.signals:
                if declared.name == signal:
                    return service.name, len(split(declared.arguments))
        raise MalformedError(f"no service declares the signal {signal}")

    def _declared_property(self, name: str) -> str:
        for service in self._services:
            if any(declared.name == name for declared in service.properties):
                return service.name
        raise MalformedError(f"no service declares the property {name}")


def reconfigure(context: Context, values: Mapping[str, Value]) -> None:
    context.config = MappingProxyType(dict(values))


def given(context: Context, frame: wire.Given, descriptors: tuple[int, ...] = ()) -> None:
    """The answer to a question, with the connection that came along; one to none that is open is nobody's."""
    then, descriptor = context._asked.pop(frame.id, None), descriptors[0] if descriptors else -1
    value = _connection(descriptor, context._patience) if descriptor >= 0 else wire.unpack(frame.value)
    if then is not None:
        then(value, frame.refused)
    elif descriptor >= 0:
        value.close()


def _connection(descriptor: int, patience: float) -> Any:
    """Imported when it is needed: few plugins are granted a connection, and none pays for the others."""
    import socket

    end = socket.socket(fileno=descriptor)
    end.settimeout(patience)
    return end


def abandon(context: Context) -> None:
    """Another exod is there, which knows of no question."""
    asked, context._asked = context._asked, {}
    with ExitStack() as rest:  # each is told, whatever another raises
        if context._mail is not None:
            rest.callback(context._mail.restarted)
        for then in reversed(asked.values()):
            rest.callback(then, None, "exod was restarted before it answered")


def timers(context: Context) -> Timers:
    return context._timers


def admit(context: Context, guest: Guest, descriptor: int) -> None:
    """It has a turn whenever its `descriptor` can be read, too."""
    context._guests.append(guest)
    context._listen(descriptor)


def guests(context: Context) -> Sequence[Guest]:
    return context._guests


def hear_for(context: Context, listen: Callable[[int], None]) -> None:
    """Who waits for descriptors is told of each that there is."""
    context._listen = listen


def mail(context: Context) -> "Mail | None":
    """None without the permission."""
    return context._mail


def flush(context: Context, plugin: object) -> None:
    """Send the properties that were said to have changed, each service's in one message, with the values of now."""
    dirty, context._dirty = context._dirty, {}
    for service, names in dirty.items():
        values = {name: getattr(plugin, snake_case(name)) for name in sorted(names)}
        context._send(wire.Changed(service, wire.pack(values)))
