"""`trust/state.json` ↔ TrustState: what a registry put back from a backup cannot forget (PACKAGE.md, Trust).

Refuses a file that is missing, corrupt, writable by others, or older than the registry says: then every load is refused
until the operator recovers it. Only a registry that has never seen a generation may start without one.
"""

from pathlib import Path

from exod.errors import Refusal, Refused
from exod.state.directory import Directory
from exod.state.writer import Writer
from exod.trust import state as encoding
from exod.trust.state import TrustState

_FILE = "state.json"


class TrustFile:
    """Implements the supervisor's port; remembers the newest generation it has seen and never writes an older one."""

    def __init__(self, directory: Directory, *, writer: Writer) -> None:
        self._directory = directory
        self._writer = writer
        self._newest = 0

    @classmethod
    async def open(cls, path: Path, *, writer: Writer) -> "TrustFile":
        """Open or make the directory `path`; raises Refused when others may write it."""
        directory = await writer.submit(lambda: Directory.open(path, make=True))
        return cls(directory, writer=writer)

    async def load(self, *, generation: int) -> TrustState | Refusal:
        """The state on disk; `generation` is the registry's, 0 before the first owner was ever pinned."""
        return await self._writer.submit(lambda: self._load(generation))

    async def save(self, state: TrustState) -> None:
        await self._writer.submit(lambda: self._save(state))

    async def close(self) -> None:
        await self._writer.submit(self._directory.close)

    def _load(self, generation: int) -> TrustState | Refusal:
        try:
            data = self._directory.read(_FILE, limit=encoding.MAX_BYTES)
        except Refused as refused:
            return refused.refusal
        if data is None:
            return self._first(generation)
        state = encoding.decode(data, at_least=max(generation, self._newest))
        if isinstance(state, TrustState):
            self._newest = state.generation
        return state

    def _first(self, generation: int) -> TrustState | Refusal:
        if max(generation, self._newest) > 0:
            sentence = f"cannot read trust state: there is no file, but the registry knows generation {generation}"
            return Refusal("trust-state-missing", sentence, "exoctl key recover")
        self._save(TrustState())
        return TrustState()

    def _save(self, state: TrustState) -> None:
        if state.generation < self._newest:
            raise ValueError(f"internal error: trust state {state.generation} would replace {self._newest}")
        self._directory.replace(_FILE, encoding.encode(state))
        self._newest = state.generation
