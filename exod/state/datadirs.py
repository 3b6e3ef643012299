"""Plugins' data: a name → the directory `data/NAME`, which belongs to the one uid that owns all data on disk.

Refuses a directory in its place that is not that uid's, and anything others may write above it. What a plugin put
inside is hostile: removed without recursion (`removal`). How much it takes is counted by others.
"""

import asyncio
import os
import stat
import threading
from pathlib import Path

from exod.errors import Refused
from exod.names import is_name
from exod.state.directory import Directory, insecure
from exod.state.removal import remove_tree
from exod.state.writer import Writer


class DataDirs:
    """Implements the supervisor's port. `drop` moves into `.trash`; `discard` empties it through `.gone`."""

    def __init__(self, root: Directory, trash: Directory, gone: Directory, *, uid: int, writer: Writer) -> None:
        self._root = root
        self._trash = trash
        self._gone = gone
        self._uid = uid
        self._writer = writer
        self._emptying = threading.Lock()

    @classmethod
    async def open(cls, path: Path, *, uid: int, writer: Writer) -> "DataDirs":
        """Open or make `path`; what an interrupted `discard` left is removed. Raises Refused."""
        root, trash, gone = await writer.submit(lambda: _open(path))
        dirs = cls(root, trash, gone, uid=uid, writer=writer)
        await asyncio.to_thread(dirs._empty_gone)
        return dirs

    async def make(self, plugin: str) -> None:
        """The plugin's directory, 0700; one that is there is judged and kept."""
        await self._writer.submit(lambda: self._make(_name(plugin)))

    async def drop(self, plugin: str) -> None:
        await self._writer.submit(lambda: self._drop(_name(plugin)))

    async def restore(self, plugin: str) -> None:
        """Bring back what was dropped, in place of what was made since; nothing when nothing was dropped."""
        await self._writer.submit(lambda: self._restore(_name(plugin)))
        await asyncio.to_thread(self._empty_gone)

    async def discard(self, plugin: str) -> None:
        """Forget what was dropped. Removal runs beside the writer: a plugin may leave a million files."""
        await self._writer.submit(lambda: self._bury(_name(plugin), self._trash))
        await asyncio.to_thread(self._empty_gone)

    async def close(self) -> None:
        for directory in (self._gone, self._trash, self._root):
            await self._writer.submit(directory.close)

    def _make(self, plugin: str) -> None:
        self._root.judge()
        if self._root.has(plugin):
            self._judge(plugin)
            return
        # Under another name until it has its owner: a crash leaves no directory that the plugin could not write.
        fresh = f".{plugin}.making"
        self._root.remove_empty(fresh)
        os.mkdir(fresh, 0o700, dir_fd=self._root.fd)
        os.chown(fresh, self._uid, self._uid, dir_fd=self._root.fd, follow_symlinks=False)
        self._root.move(fresh, to=self._root, name_there=plugin)

    def _judge(self, plugin: str) -> None:
        status = os.stat(plugin, dir_fd=self._root.fd, follow_symlinks=False)
        path = f"{self._root.path}/{plugin}"
        if not stat.S_ISDIR(status.st_mode):
            raise Refused(insecure(path, "is a link or no directory"))
        if status.st_uid != self._uid or stat.S_IMODE(status.st_mode) & 0o077:
            raise Refused(insecure(path, f"is not private to uid {self._uid}"))

    def _drop(self, plugin: str) -> None:
        if self._root.has(plugin):
            self._bury(plugin, self._trash)
            self._root.move(plugin, to=self._trash, name_there=plugin)

    def _restore(self, plugin: str) -> None:
        if self._trash.has(plugin):
            self._bury(plugin, self._root)
            self._trash.move(plugin, to=self._root, name_there=plugin)

    def _bury(self, plugin: str, where: Directory) -> None:
        """Move what lies there out of the way, to be removed: rename(2) replaces no directory that is not empty."""
        number = len(os.listdir(self._gone.fd))
        while self._gone.has(f"{plugin}-{number}"):
            number += 1
        where.move(plugin, to=self._gone, name_there=f"{plugin}-{number}")

    def _empty_gone(self) -> None:
        with self._emptying:
            for name in os.listdir(self._gone.fd):
                remove_tree(name, within=self._gone.fd)


def _open(path: Path) -> tuple[Directory, Directory, Directory]:
    root = Directory.open(path, make=True)
    return root, root.child(".trash", make=True), root.child(".gone", make=True)


def _name(plugin: str) -> str:
    if not is_name(plugin):
        raise ValueError(f"internal error: {plugin!r} names no plugin")
    return plugin
