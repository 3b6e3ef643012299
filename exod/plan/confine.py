"""VerifiedPackage + policy → Confinement, or a refusal that names the permission exod cannot or may not grant.

Pure: reads no file and no clock. The sandbox builds exactly what a Confinement says, and shows of it are computed from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exod.package.limits import Limits
from exod.package.options import Value
from exod.package.services import Service


@dataclass(frozen=True, slots=True)
class Confinement:
    """All that one instance may reach. `files` are single host files, bound read-only at the same path."""

    plugin: str
    version: str
    type: str
    digest: str
    signer: str
    level: str
    entry: str
    files: tuple[str, ...]
    limits: Limits
    services: tuple[Service, ...]
    config: Mapping[str, Value]
    permissions: Mapping[str, tuple[str, ...]]
    critical: bool = False
    strict: bool = True
