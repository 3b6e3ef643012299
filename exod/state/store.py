"""The state directory (`/var/lib/exod`) → everything that survives the daemon, opened together and closed in order.

Refuses to open when any part is refused; what was opened before it is closed again.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from exod.state.audit import Audit
from exod.state.datadirs import DataDirs
from exod.state.packages import Packages
from exod.state.registry import Registry
from exod.state.trustfile import TrustFile
from exod.state.writer import Writer


@dataclass(frozen=True, slots=True)
class Store:
    """Each part implements the supervisor's port of its name."""

    audit: Audit
    registry: Registry
    packages: Packages
    trust_file: TrustFile
    data: DataDirs

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, data_uid: int, on_degraded: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator["Store"]:
        """Open or make all parts below `path`, which must exist. Raises Refused or OSError.

        At the end what is queued is finished, the audit's closing record written, everything closed.
        """
        async with AsyncExitStack() as stack:
            writer = Writer()
            stack.push_async_callback(writer.close)
            # First: its lock says whether another exod works here, before anything of that one's is touched.
            registry = await Registry.open(path / "registry.sqlite", writer=writer)
            stack.push_async_callback(registry.close)
            audit = await Audit.open(
                path / "audit", writer=writer, on_degraded=on_degraded, remembered=lambda: registry.audited
            )
            registry.pin = audit.pin
            stack.push_async_callback(audit.close)
            packages = await Packages.open(path / "packages", writer=writer)
            stack.push_async_callback(packages.close)
            trust_file = await TrustFile.open(path / "trust", writer=writer)
            stack.push_async_callback(trust_file.close)
            data = await DataDirs.open(path / "data", uid=data_uid, writer=writer)
            stack.push_async_callback(data.close)
            yield cls(audit, registry, packages, trust_file, data)
