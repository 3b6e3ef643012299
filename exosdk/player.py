"""The plugin of the rehearsal: it does a little of everything that plugins do."""

from typing import Any

from exosdk import Context, hookimpl


class Player:
    def __init__(self, context: Context) -> None:
        self._context = context
        self.count = 0
        self.volume = 1.0

    @hookimpl
    def start(self) -> None:
        self._context.every(0.01, self.tick)

    @hookimpl
    def stop(self) -> None:
        self.count = 0

    @hookimpl
    def configure(self, values: dict[str, Any]) -> None:
        self.volume = float(len(values))

    @hookimpl
    def health(self) -> str:
        return ""

    def tick(self) -> None:
        self.count += 1
        self._context.changed("Count")

    def say(self, text: str, times: int) -> str:
        self._context.emit("Said", text)
        return text * times
