"""`exod.toml`: every setting of the daemon, one row each; bytes → Settings, or the refusal that names the key.

Rows say name, help, default and bounds; the type is the default's. Settings that need a restart are marked, the rest
take effect on reload. Unknown keys are refused, so that a misspelt one never silently means its default.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from dataclasses import field as _field
from typing import Any

from exod.errors import Outcome, Refusal

_UID_MAX = (1 << 32) - 2
"""The largest uid of Linux; the one above means "none" to setresuid(2) and chown(2)."""


def _row(help_: str, default: Any, *, least: float = 0, most: float = math.inf, restart: bool = True) -> Any:
    return _field(default=default, metadata={"help": help_, "least": least, "most": most, "restart": restart})


def _uid(help_: str, default: int) -> Any:
    """Never 0: a slip of the pen must not make root of a plugin."""
    return _row(help_, default, least=1, most=_UID_MAX)


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds, sizes in bytes, ids as numbers."""

    uid_first: int = _uid("first uid handed to instances; no account may use one of the range", 2147000000)
    uid_last: int = _uid("last uid handed to instances", 2147065535)
    keeper_uid: int = _uid("uid of the keeper, which holds no privilege", 2146999998)
    data_uid: int = _uid("uid that owns plugins' data on disk", 2146999999)
    lint_uid: int = _uid("uid of what reads the code of packages, which holds no privilege", 2146999997)
    resolver_uid: int = _uid("uid of what asks for addresses of names, and lays plugins' own networks", 2146999996)
    network_range: str = _row("private range of plugins' own networks: /8, /12, /16, /20, /24 or /28", "10.239.0.0/16")
    network_visitors: str = _row("network of those who may come to what plugins listen on; none but this host", "")
    job_days: int = _row("days that finished jobs are kept", 30, restart=False)
    stop_seconds: float = _row("how long plugins may take to stop when the daemon stops", 10.0, restart=False)
    start_seconds: float = _row("how long a plugin may take to answer its start", 10.0, restart=False)
    revocation_required: bool = _row(
        "refuse every load while the revocation list is missing or stale", default=False, restart=False
    )
    zygote_forks: int = _row("instances forked from one zygote before it is replaced", 256, least=1)
    log_bytes: int = _row("size at which a log is rotated", 1 << 20, least=4096)


def key(name: str) -> str:
    """The spelling in the file of the field `name`."""
    return name.replace("_", "-")


def parse(data: bytes | Refusal | None) -> Settings | Refusal:
    """The settings in `data`, TOML; what it does not name keeps its default, and so does all where there is none.

    Refusal: why the file could not be read.
    """
    if not isinstance(data, bytes):
        return data or Settings()
    try:
        table = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        return _refuse(str(error))
    rows = {key(row.name): row for row in fields(Settings)}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in rows:
            return _refuse(f'unknown key "{name}"')
        row = rows[name]
        found = float(value) if isinstance(row.default, float) and type(value) is int else value
        if problem := _misfit(found, default=row.default, limits=row.metadata):
            return _refuse(f'"{name}" {problem}')
        values[row.name] = found
    settings = Settings(**values)
    conflict = _conflict(settings)
    return _refuse(conflict) if conflict else settings


def _misfit(value: Any, *, default: Any, limits: Mapping[str, Any]) -> str:
    """What is wrong with `value`; empty when it fits."""
    wanted = type(default)
    if type(value) is not wanted:
        return f"wants {wanted.__name__}, not {type(value).__name__}"
    if wanted in (bool, str):
        return ""
    if not math.isfinite(value):
        return "is not finite"
    if value < limits["least"]:
        return f"is below {limits['least']}"
    return f"is above {limits['most']}" if value > limits["most"] else ""


def _conflict(settings: Settings) -> str:
    """Instances, keeper, data, the lint and the resolver are kept apart by nothing but their uids."""
    first, last = settings.uid_first, settings.uid_last
    if first >= last:
        return '"uid-first" is not below "uid-last"'
    ours = {key(name): getattr(settings, name) for name in ("keeper_uid", "data_uid", "lint_uid", "resolver_uid")}
    for name, uid in ours.items():
        if first <= uid <= last:
            return f'"{name}" lies between "uid-first" and "uid-last"'
    return "" if len({*ours.values()}) == len(ours) else f"two of {', '.join(ours)} are the same"


def changes(old: Settings, new: Settings) -> Iterable[str]:
    """A sentence for each setting that differs, saying which wait for a restart."""
    for row in fields(Settings):
        before, after = getattr(old, row.name), getattr(new, row.name)
        if before != after:
            waits = " (needs a restart)" if row.metadata["restart"] else ""
            yield f"{key(row.name)}: {before} → {after}{waits}"


def _refuse(reason: str) -> Refusal:
    sentence = f"cannot read settings: {reason}"
    return Refusal("settings-invalid", sentence, "exoctl daemon check-config", outcome=Outcome.USAGE)
