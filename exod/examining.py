"""The doctor's process: its worker, and what it has to ask of the rooms that a broker does not know."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from exod.brokers.doctor import worker
from exod.brokers.doctor.host import Ports
from exod.configuration import read_settings
from exod.sandbox.groups import place
from exod.state import etcdir
from exod.state.store import Store


def main() -> int:
    return worker.main(sys.argv[1:], Ports(read_settings, place, etcdir.read_directory, record))


def record(state: Path, fields: Mapping[str, str]) -> None:
    async def write() -> None:
        async with Store.open(state, data_uid=0) as store:
            store.audit.write("daemon", fields)

    asyncio.run(write())
