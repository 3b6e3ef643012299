"""D-Bus signatures and member names as Python sees them: complete types, arity, `GetAll` → `get_all`.

The package's parser has already judged the signatures; here they are only split.
"""

import re

_WORDS = (re.compile(r"(?<=[a-z0-9])(?=[A-Z])"), re.compile(r"(?<=[A-Z])(?=[A-Z][a-z])"))
_PYTHON = {**dict.fromkeys("ynqiuxt", "int"), "b": "bool", "d": "float", "s": "str", "o": "str", "g": "str"}


class MalformedError(ValueError):
    """Bytes or text that break the channel's rules; the sentence says which."""


def split(signature: str) -> list[str]:
    """The complete types of a signature: `sa{sv}(ii)` → `s`, `a{sv}`, `(ii)`."""
    found, position = [], 0
    while position < len(signature):
        end = _end(signature, position)
        found.append(signature[position:end])
        position = end
    return found


def _end(signature: str, position: int) -> int:
    depth = 0
    for index in range(position, len(signature)):
        letter = signature[index]
        depth += (letter in "({") - (letter in ")}")
        if depth == 0 and letter != "a":
            return index + 1
    raise MalformedError(f"the signature {signature!r} is not complete")


def snake_case(member: str) -> str:
    """The Python name of a D-Bus member: `Greet` → `greet`, `CPUUsage` → `cpu_usage`."""
    for boundary in _WORDS:
        member = boundary.sub("_", member)
    return member.lower()


def python_type(complete: str) -> str:
    """The name of the builtin that a type arrives as; empty for what has none (arrays, structs, variants)."""
    return "bytes" if complete == "ay" else _PYTHON.get(complete, "")
