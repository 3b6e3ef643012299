"""The package store: (plugin, version) → the bytes of its package, at `packages/PLUGIN/VERSION.exopkg`.

Refuses a file, directory or parent that others may write, and other bytes under a version that is already stored.
What is dropped lies in `packages/.trash` until it is restored or discarded; a crash never leaves half a file.
"""

import contextlib
import re
from pathlib import Path

from exod.errors import Refusal, Refused
from exod.names import is_name
from exod.state.directory import Directory
from exod.state.writer import Writer

PACKAGE_MAX = 64 << 20
_SUFFIX = ".exopkg"
_VERSION = re.compile(r"[0-9][0-9a-z.]{0,127}")


class Packages:
    """Implements the supervisor's port. One slot of trash for each version: a second drop replaces the first."""

    def __init__(self, root: Directory, trash: Directory, *, writer: Writer) -> None:
        self._root = root
        self._trash = trash
        self._writer = writer

    @classmethod
    async def open(cls, path: Path, *, writer: Writer) -> "Packages":
        """Open or make the store at `path`; raises Refused when others may write it."""
        root, trash = await writer.submit(lambda: _open(path))
        return cls(root, trash, writer=writer)

    async def put(self, plugin: str, version: str, data: bytes) -> None:
        await self._writer.submit(lambda: self._put(plugin, _file(plugin, version), data))

    async def get(self, plugin: str, version: str) -> bytes | None:
        return await self._writer.submit(lambda: self._get(plugin, _file(plugin, version)))

    async def drop(self, plugin: str, version: str) -> None:
        await self._writer.submit(lambda: self._drop(plugin, _file(plugin, version)))

    async def restore(self, plugin: str, version: str) -> None:
        await self._writer.submit(lambda: self._restore(plugin, _file(plugin, version)))

    async def discard(self, plugin: str, version: str) -> None:
        await self._writer.submit(lambda: self._trash.remove(f"{plugin}_{_file(plugin, version)}"))

    async def close(self) -> None:
        for directory in (self._trash, self._root):
            await self._writer.submit(directory.close)

    def _put(self, plugin: str, file: str, data: bytes) -> None:
        with self._root.child(plugin, make=True) as room:
            present = room.read(file, limit=PACKAGE_MAX)
            if present is None:
                room.replace(file, data)
            elif present == data:
                room.sync()  # whoever wrote it may have died before this
            else:
                raise Refused(_differs(plugin, file))

    def _get(self, plugin: str, file: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError), self._root.child(plugin) as room:
            return room.read(file, limit=PACKAGE_MAX)
        return None

    def _drop(self, plugin: str, file: str) -> None:
        with contextlib.suppress(FileNotFoundError), self._root.child(plugin) as room:
            room.move(file, to=self._trash, name_there=f"{plugin}_{file}")
        self._root.remove_empty(plugin)

    def _restore(self, plugin: str, file: str) -> None:
        if self._trash.has(f"{plugin}_{file}"):
            with self._root.child(plugin, make=True) as room:
                self._trash.move(f"{plugin}_{file}", to=room, name_there=file)


def _open(path: Path) -> tuple[Directory, Directory]:
    root = Directory.open(path, make=True)
    trash = root.child(".trash", make=True)
    for plugin in root.names():
        with root.child(plugin) as room:
            room.sweep()
    return root, trash


def _file(plugin: str, version: str) -> str:
    # Both were checked long before; here they become a path, so here they are checked once more.
    if not is_name(plugin) or _VERSION.fullmatch(version) is None:
        raise ValueError(f"internal error: {plugin!r} {version!r} is no file of the store")
    return version + _SUFFIX


def _differs(plugin: str, file: str) -> Refusal:
    version = file.removesuffix(_SUFFIX)
    sentence = f"cannot store {plugin} {version}: another package of this version is already stored"
    hint = f"give it a new version, or first: exoctl plugin remove {plugin}"
    return Refusal("version-differs", sentence, hint, {"plugin": plugin, "version": version})
