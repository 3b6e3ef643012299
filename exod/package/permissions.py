"""What a package asks to reach: the `[sandbox]` table, parsed.

Nothing here grants anything; `plan.confine` decides. A permission exod cannot enforce yet is refused there, by name.
"""

import re
from dataclasses import dataclass

from exod.package.fields import Checked, Field, Flag, List, Parsed, Table, Text

_FILE = re.compile(r"(read-only|read-write):((?:/[^/\x00-\x20\x7f-\U0010ffff\\]+)+)")
_HOST = r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\]"
_NETWORK = rf"(?:listen:(?:tcp|udp)|(?:tcp|udp):(?:{_HOST})):[1-9][0-9]{{0,4}}"
_HARDWARE = r"[a-z][a-z0-9-]*(?::[A-Za-z0-9._-]+)+"
_SETTING = re.compile(r"(?:read|write):[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.[a-z][a-z0-9_-]*")
_PEER = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*|\*"
_WORD = r"[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)*"
CUSTOM_MAX = 32
"""US-004's custom capabilities are a word of 32 bits."""
LIST_MAX = 64


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

    def asked(self) -> dict[str, tuple[str, ...]]:
        """Every permission asked for, in its manifest spelling: what is shown, compared and kept as accepted."""
        lists = {"filesystem": tuple(str(access) for access in self.filesystem), "network": self.network}
        lists |= {"ipc": self.ipc, "hardware": self.hardware, "processes": ("true",) * self.processes}
        lists |= {"ai": self.ai, "config": self.config, "custom": self.custom, "native": ("true",) * self.native}
        return {key: values for key, values in lists.items() if values}


def file_access(text: str) -> FileAccess | None:
    """`MODE:PATH` with an absolute path in one spelling: no `.`, `..`, empty element, space, control or non-ASCII."""
    match = _FILE.fullmatch(text)
    if not match or {".", ".."} & set(match[2].split("/")):
        return None
    return FileAccess(match[1], match[2])


def _endpoint(text: str) -> str | None:
    if not re.fullmatch(_NETWORK, text) or ".." in text or int(text.rpartition(":")[2]) > 65535:
        return None
    return text


_FILESYSTEM = Parsed(file_access, what="read-only:/PATH or read-write:/PATH", longest=1024)
_CONFIG = Checked(_SETTING.fullmatch, what="read:PLUGIN.KEY, read:system.KEY or write:PLUGIN.KEY", longest=160)
_PLACE = Parsed(_endpoint, what="tcp:[*.]HOST:PORT, udp:ADDRESS:PORT or listen:PROTOCOL:PORT")
_WORDS = List(Text(_WORD, what="a name such as gpu.compute"), most=LIST_MAX)

TABLE = Table(
    Field("filesystem", List(_FILESYSTEM, most=LIST_MAX), default=(), help="host files and directories, MODE:PATH"),
    Field("network", List(_PLACE, most=LIST_MAX), default=()),
    Field("ipc", List(Text(_PEER, what="a plugin's name, or *"), most=LIST_MAX), default=(), help="who it links with"),
    Field("hardware", List(Text(_HARDWARE, what="BUS:IDS such as usb:0403:6001"), most=LIST_MAX), default=()),
    Field("processes", Flag(), default=False, help="may fork processes of its own"),
    Field("ai", _WORDS, default=()),
    Field("config", List(_CONFIG, most=LIST_MAX), default=(), help="settings of plugins, or of the system"),
    Field("custom", List(Text(_WORD, what="a name"), most=CUSTOM_MAX), default=()),
    Field("native", Flag(), default=False, help="the package carries machine code"),
    build=Permissions,
)
