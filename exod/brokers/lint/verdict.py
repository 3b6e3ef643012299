"""A package and the administrator's policy → what the lint found, or a refusal: the supervisor's port.

What was found is remembered by the caller beside the package, with the version of the rules: equal bytes under equal
rules are not read again. A reader that dies, stays silent or babbles has found something that cannot be analysed.
"""

import asyncio
import hashlib
import sys
from pathlib import Path

from exod.brokers.lint.asking import asked, worth_reading
from exod.brokers.lint.findings import Finding, finding, parse, ranked, refusal
from exod.brokers.lint.job import AT, END, pack
from exod.brokers.lint.reading import Reader
from exod.errors import Outcome, Refusal, Refused
from exod.package.archive import Tree
from exod.package.manifest import Manifest
from exod.plan.policy import Policy


class Lint:
    """Implements the supervisor's Lint. `uid`: of the worker, and nobody else's."""

    def __init__(self, *, uid: int) -> None:
        self._reader = Reader(uid=uid)
        self._version = ""

    async def examine(self, manifest: Manifest, tree: Tree, *, policy: Policy, known: str) -> str:
        """The version of the rules, then a line for each finding: what `known` has to be next time. Raises Refused."""
        if policy.lint == "off":
            return known
        self._version = self._version or await asyncio.to_thread(version)
        if known.partition("\n")[0] == self._version:
            found = [one for one in map(parse, known.splitlines()[1:]) if one is not None]
        else:
            found = await self._read(manifest, tree)
        said = refusal(manifest.name, manifest.version, found)
        if said is not None and policy.lint == "refuse":
            raise Refused(said)
        return "\n".join([self._version, *map(str, found)])

    async def close(self) -> None:
        await self._reader.close()

    async def _read(self, manifest: Manifest, tree: Tree) -> list[Finding]:
        files = worth_reading(tree)
        answer = await self._reader.read(pack(asked(manifest), files))
        if not answer:
            sentence = f"cannot load {manifest.name} {manifest.version}: the reader of its code does not start here"
            hint = f'exoctl doctor; meanwhile lint = "off" in plugins.d/{manifest.name}.toml'
            raise Refused(Refusal("lint-silent", sentence, hint, outcome=Outcome.FAILED))
        return heard(answer.splitlines(), files)


def heard(lines: list[str], files: dict[str, bytes]) -> list[Finding]:
    """What is fit to be believed of an answer; one that is not whole is a finding where it ends."""
    paths, place = list(files), 0
    for line in lines:
        if line.startswith(AT) and line[1:].isdigit():
            place = min(int(line[1:]), len(paths) - 1)
    found = [one for one in map(parse, lines) if one is not None and one.path in files]
    if lines[-1:] != [END]:
        found.append(
            finding(paths[place], 1, "unreadable", "whoever tried to read it died of it, or did not come to an end")
        )
    return ranked(found)


def version() -> str:
    """Of the rules: the code that they are, and the Python whose syntax they know."""
    digest = hashlib.sha256(repr(sys.version_info[:3]).encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return f"rules {digest.hexdigest()[:16]}"
