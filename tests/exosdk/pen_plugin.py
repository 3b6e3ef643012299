"""A plugin for the tests of messages: it writes down what it hears, and does what it is asked to over its links."""

from typing import Any

from exosdk import Context, hookimpl


class Pen:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.heard: list[str] = []

    @hookimpl
    def start(self, context: Context) -> None:
        context.subscribe("ada/*", lambda message: self.heard.append(f"{message.topic} {bytes(message.data).decode()}"))

    @hookimpl
    def on_message(self, type: int, sender: str, data: Any) -> Any:
        text = bytes(data).decode()
        self.heard.append(f"{type} {sender} {text}")
        return text.upper().encode()

    @hookimpl
    def link_lost(self, peer: str, unread: int) -> None:
        self.heard.append(f"lost {peer} {unread}")

    def read(self) -> list[str]:
        return self.heard

    def write(self, to: str, text: str) -> None:
        self.context.send(to, text.encode())

    def wait(self, seconds: float) -> str:
        found = self.context.receive(seconds)
        return bytes(found.data).decode() if found is not None else "nothing"
