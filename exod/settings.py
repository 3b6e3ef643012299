"""`exod.toml`: every setting of the daemon, one row each; bytes → Settings, or the refusal that names the key.

Rows say name, default and help; the type is the default's. Settings that need a restart are marked, the rest take
effect on reload. Unknown keys are refused, so that a misspelt one never silently means its default.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from dataclasses import field as _field
from typing import Any

from exod.errors import Outcome, Refusal


def _row(help_: str, default: Any = None, *, restart: bool = True) -> Any:
    return _field(default=default, metadata={"help": help_, "restart": restart})


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds, sizes in bytes, ids as numbers."""

    uid_first: int = _row("first uid handed to instances; no account may use one of the range", 2147000000)
    uid_last: int = _row("last uid handed to instances", 2147065535)
    keeper_uid: int = _row("uid of the keeper, which holds no privilege", 2146999998)
    data_uid: int = _row("uid that owns plugins' data on disk", 2146999999)
    job_days: int = _row("days that finished jobs are kept", 30, restart=False)
    stop_seconds: float = _row("how long plugins may take to stop when the daemon stops", 10.0, restart=False)
    start_seconds: float = _row("how long a plugin may take to answer its start", 10.0, restart=False)
    revocation_required: bool = _row(
        "refuse every load while the revocation list is missing or stale", default=False, restart=False
    )
    zygote_forks: int = _row("instances forked from one zygote before it is replaced", 256, restart=False)
    log_bytes: int = _row("size at which a plugin's log is rotated", 1 << 20, restart=False)


def key(name: str) -> str:
    """The spelling in the file of the field `name`."""
    return name.replace("_", "-")


def parse(data: bytes) -> Settings | Refusal:
    """The settings in `data`, TOML; what it does not name keeps its default."""
    try:
        table = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        return _refuse(f"cannot read settings: {error}")
    rows = {key(row.name): row for row in fields(Settings)}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in rows:
            return _refuse(f'cannot read settings: unknown key "{name}"')
        row = rows[name]
        wanted: type = type(row.default)
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            return _refuse(f'cannot read settings: "{name}" wants {wanted.__name__}, not {type(value).__name__}')
        if isinstance(value, int | float) and value < 0:
            return _refuse(f'cannot read settings: "{name}" is negative')
        values[row.name] = value
    settings = Settings(**values)
    if settings.uid_first >= settings.uid_last:
        return _refuse('cannot read settings: "uid-first" is not below "uid-last"')
    return settings


def changes(old: Settings, new: Settings) -> Iterable[str]:
    """A sentence for each setting that differs, saying which wait for a restart."""
    for row in fields(Settings):
        before, after = getattr(old, row.name), getattr(new, row.name)
        if before != after:
            waits = " (needs a restart)" if row.metadata["restart"] else ""
            yield f"{key(row.name)}: {before} → {after}{waits}"


def table() -> Mapping[str, tuple[Any, str]]:
    """Every key with its default and its line of help, in the order of the file."""
    return {key(row.name): (row.default, row.metadata["help"]) for row in fields(Settings)}


def _refuse(sentence: str) -> Refusal:
    return Refusal("settings-invalid", sentence, "exoctl daemon check-config", outcome=Outcome.USAGE)
