"""Registry rows ↔ JSON, as steps carry them: canonical, so that equal rows are equal text."""

import json
from dataclasses import asdict

from exod.supervisor.ports import PluginRecord, VersionRecord


def plugin_text(record: PluginRecord) -> str:
    return dump_values(asdict(record) | {"config": dict(record.config)})


def plugin_row(text: str) -> PluginRecord:
    return PluginRecord(**json.loads(text))


def version_text(record: VersionRecord) -> str:
    return dump_values(asdict(record))


def version_row(text: str) -> VersionRecord:
    return VersionRecord(**json.loads(text))


def version_rows(text: str) -> list[VersionRecord]:
    return [VersionRecord(**row) for row in json.loads(text)]


def permissions(text: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(entries) for name, entries in json.loads(text).items()}


def dump_values(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
