"""The tutorial plugin: one service with methods, a signal, properties, settings, and a state that survives restarts."""

import json
import os

from exosdk import Context, hookimpl


class Echo:
    """`count` is how often it has echoed, ever; `volume` is how often a text is repeated, and callers may set it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._notes: dict[str, str] = {}
        self._volume = 1
        self.count = 0

    @hookimpl
    def start(self) -> None:
        self._read()
        self._context.log.info("echo %s, %d echoes so far", self._context.version, self.count)

    @hookimpl
    def stop(self) -> None:
        self._write()

    @hookimpl
    def configure(self) -> None:
        self._context.log.info("the prefix is now %r", self._context.config["prefix"])

    @hookimpl
    def health(self) -> str:
        return "" if self._context.state_dir else "nothing is kept: there is no state directory"

    @hookimpl
    def export_state(self) -> bytes:
        return json.dumps({"count": self.count, "notes": self._notes}).encode()

    @hookimpl
    def import_state(self, state: bytes) -> None:
        kept = json.loads(state)
        self.count, self._notes = kept["count"], kept["notes"]

    # The service `echo`, as package.toml declares it.

    def echo(self, text: str) -> str:
        answer = " ".join([f"{self._context.config['prefix']}{text}"] * self._volume)
        self.count += 1
        self._context.changed("Count")
        self._context.emit("Echoed", answer)
        return answer

    def remember(self, name: str, text: str) -> None:
        if len(self._notes) >= self._context.config["notes"] and name not in self._notes:
            raise ValueError(f"{len(self._notes)} notes are kept already")
        self._notes[name] = text
        self._write()

    def recall(self, name: str) -> str:
        return self._notes[name]

    @property
    def volume(self) -> int:
        return self._volume

    @volume.setter
    def volume(self, volume: int) -> None:
        if not 1 <= volume <= 10:
            raise ValueError("the volume goes from 1 to 10")
        self._volume = volume

    # The state directory survives restarts and upgrades; a rename is what makes a write whole,
    # and what flushes its directory makes it last: an answer is a promise, also when the power goes.

    def _path(self) -> str:
        return os.path.join(self._context.state_dir, "echo.json")

    def _read(self) -> None:
        if self._context.state_dir and os.path.exists(self._path()):
            with open(self._path(), "rb") as file:
                self.import_state(file.read())

    def _write(self) -> None:
        if not self._context.state_dir:
            return
        with open(f"{self._path()}.new", "wb") as file:
            file.write(self.export_state())
            file.flush()
            os.fsync(file.fileno())
        os.rename(f"{self._path()}.new", self._path())
        directory = os.open(self._context.state_dir, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
