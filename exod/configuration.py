"""`exod.toml` as it is in force: a Layout → Settings, with uids of its own for each development directory."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from exod import settings
from exod.errors import Refusal
from exod.layout import Layout
from exod.settings import Settings
from exod.state.etcdir import read_file

_DEV_UIDS, _DEV_RANGE, _DEV_PLACES = 2_000_000_000, 65_536, 1_500


def read_settings(layout: Layout) -> Settings | Refusal:
    """The settings in force: exod.toml, or the defaults where there is none."""
    chosen = settings.parse(read_file(layout.config / "exod.toml"))
    return _apart(chosen, layout.run.parent) if layout.development and isinstance(chosen, Settings) else chosen


def _apart(chosen: Settings, directory: Path) -> Settings:
    """uids of this DIR alone, unless its exod.toml names some: who shares a uid may signal the other's processes."""
    usual = Settings()
    if (chosen.uid_first, chosen.keeper_uid, chosen.data_uid) != (usual.uid_first, usual.keeper_uid, usual.data_uid):
        return chosen
    place = int.from_bytes(hashlib.sha256(os.fsencode(directory)).digest()[:2], "big") % _DEV_PLACES
    at = _DEV_UIDS + place * _DEV_RANGE
    own = chosen.network_range.replace(usual.network_range, f"10.{240 + place // 256}.{place % 256}.0/24")
    ours = replace(chosen, keeper_uid=at, data_uid=at + 1, lint_uid=at + 2, resolver_uid=at + 3, network_range=own)
    return replace(ours, uid_first=at + 256, uid_last=at + _DEV_RANGE - 1)
