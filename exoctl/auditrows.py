"""Records of the audit log as people read them: one row each, the sentence first where there is one."""

from collections.abc import Mapping
from typing import Any

from exoctl import times

HEAD = ("TIME", "RECORD", "SOURCE", "EVENT", "WHAT")
_SAID = ("sentence", "hint", "code")


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "seq" not in row:
        return ("", "", "", "no record", str(row["text"]))
    return (times.shown(int(row["time"])), str(row["seq"]), row["source"], row["event"], _what(row["fields"]))


def _what(fields: Mapping[str, str]) -> str:
    rest = [f"{name}={value}" for name, value in fields.items() if value and name not in _SAID]
    return " ".join([fields.get("sentence", ""), *rest]).strip()
