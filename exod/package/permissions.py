"""What a package asks to reach: the `[sandbox]` table, parsed.

Nothing here grants anything; `plan.confine` decides. A permission exod cannot enforce yet is refused there, by name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileAccess:
    """One entry of `filesystem`, such as `read-only:/etc/os-release`."""

    mode: str
    path: str

    def __str__(self) -> str:
        return f"{self.mode}:{self.path}"


@dataclass(frozen=True, slots=True)
class Permissions:
    """US-004's six capabilities, its 32-bit custom word (as names), and machine code."""

    filesystem: tuple[FileAccess, ...] = ()
    network: tuple[str, ...] = ()
    ipc: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    processes: bool = False
    ai: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    native: bool = False
    strict: bool = True
