"""A hello of plain JSON, then each message is an expression whose repr (or error, after `!`) is the answer."""

import json
import os
import socket
import sys


def warm() -> None:
    """As the SDK's runner has it."""


def main(fd: int, instance: int, nonce: bytes, walls: dict[str, str]) -> None:
    end = socket.socket(fileno=fd)
    end.send(json.dumps({"instance": instance, "nonce": nonce.hex(), "walls": walls}).encode())
    known: dict[str, object] = {"os": os, "sys": sys, "socket": socket, "end": end}
    while question := end.recv(65536):
        try:
            answer = repr(eval(question, known))
        except BaseException as error:
            answer = f"!{error!r}"
        end.send(answer.encode(errors="replace")[:60000])
    os._exit(0)
