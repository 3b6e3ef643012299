"""Trust levels: what each may have at most, what a host says instead, and the lower of it and an anchor's ceiling."""

from pathlib import Path
from random import Random

import pytest

from exoctl.trustfiles import anchor_file, everything
from exod.errors import Refusal
from exod.package import Package, parse
from exod.trust import levels
from exod.trust.gather import gather
from exod.trust.levels import DEFAULTS, NOTHING, Levels
from exod.trust.state import TrustState
from exod.trust.verify import Trust, VerifiedPackage, verify
from tests.builders import NOW, anchor_for, key, signed_package

NATIVE = "[sandbox]\nnative = true\n"
FILES = '[sandbox]\nfilesystem = ["read-only:/srv/a", "read-write:/srv/b"]\nprocesses = true\n'
HARDWARE = '[sandbox]\nhardware = ["usb:0403:6001"]\n'


def package(more: str = "", *, development: bool = False) -> Package:
    found = parse(signed_package(more=more, development=development))
    assert isinstance(found, Package)
    return found


def said(text: str) -> Levels:
    found = levels.parse(text.encode())
    assert not isinstance(found, Refusal), found
    return found


def judged(
    asked: str, *, level: str, of_level: Levels = DEFAULTS, ceiling: dict[str, tuple[str, ...]] | None = None
) -> VerifiedPackage | Refusal:
    dev = level == "dev"
    trust = Trust((anchor_for(level=level, ceiling=ceiling),), TrustState(), development=dev, levels=of_level)
    return verify(package(asked, development=dev), trust=trust, now=NOW)


@pytest.mark.parametrize(
    ("asked", "may"),
    [(FILES, {"vendor", "trusted", "dev"}), (NATIVE, {"vendor"}), (HARDWARE, {"vendor", "trusted"})],
    ids=["files", "native", "hardware"],
)
def test_each_level_has_a_ceiling_of_its_own(asked: str, may: set[str]) -> None:
    for level in DEFAULTS:
        assert isinstance(judged(asked, level=level), VerifiedPackage) is (level in may), level


def test_a_refusal_says_which_level_what_of_it_and_the_words_that_would_allow_it() -> None:
    narrow = said('[trusted]\nfilesystem = ["read-only:/srv/*"]\nprocesses = false')
    found = judged(FILES, level="trusted", of_level=narrow)
    assert isinstance(found, Refusal)
    assert found.code == "above-level"
    assert found.sentence == (
        "cannot load hello 1.0.0: signed by vendor of level trusted, "
        "whose ceiling does not allow filesystem:read-write:/srv/b, processes"
    )
    line = 'trusted = {filesystem = ["read-only:/srv/*", "read-write:/srv/b"], processes = true}'
    assert found.hint == f"in trust.d/levels.toml: {line}"
    assert found.evidence["level"] == "trusted"
    assert isinstance(judged(FILES, level="trusted", of_level=said(line)), VerifiedPackage)


def test_the_lower_of_level_and_anchor_holds() -> None:
    pool = ("filesystem:read-only:/srv/a", "filesystem:read-write:/srv/b", "processes")
    chance = Random(2)

    def some() -> dict[str, tuple[str, ...]]:
        kept = [one for one in pool if chance.random() < 0.7]
        files = tuple(one.removeprefix("filesystem:") for one in kept if one != "processes")
        return {"filesystem": files, "processes": ("true",) * ("processes" in kept)}

    seen = set()
    for _ in range(60):
        own, of_level = some(), some()
        found = judged(FILES, level="trusted", of_level={**DEFAULTS, "trusted": of_level}, ceiling=own)
        whole = [all((len(one["filesystem"]) == 2, one["processes"])) for one in (own, of_level)]
        code = found.code if isinstance(found, Refusal) else "accepted"
        assert code == ("signer-out-of-scope" if not whole[0] else "accepted" if whole[1] else "above-level")
        seen.add(code)
    assert len(seen) == 3


def test_what_a_host_does_not_name_keeps_its_default() -> None:
    found = said("[trusted]\nnative = true\n[dev]\nnetwork = []\n")
    assert found["vendor"] == DEFAULTS["vendor"] == everything()
    assert found["trusted"] == everything()
    assert found["dev"] == {**DEFAULTS["dev"], "network": ()}
    assert said("") == DEFAULTS


@pytest.mark.parametrize("text", ["[trusted", "[friend]\n", "[dev]\nnative = 1\n", "[dev]\nwings = true\n", "dev = 3"])
def test_from_a_file_that_cannot_be_read_nobody_may_have_anything(text: str) -> None:
    files = {"lab.toml": anchor_file(anchor_for(key("lab"))), levels.FILE: text.encode()}
    found = gather(files, state=TrustState())
    assert [one.code for one in found.refusals] == ["levels-malformed"]
    assert [one.name for one in found.anchors] == ["lab"]
    assert found.levels == NOTHING
    assert isinstance(judged("", level="trusted", of_level=NOTHING), VerifiedPackage), "what asks for nothing loads"
    assert isinstance(judged(FILES, level="vendor", of_level=NOTHING), Refusal)


def test_a_level_that_is_not_in_the_table_has_nothing() -> None:
    without = {level: ceiling for level, ceiling in DEFAULTS.items() if level != "trusted"}
    assert isinstance(judged(FILES, level="trusted", of_level=without), Refusal)


def test_the_page_shows_the_defaults() -> None:
    page = (Path(__file__).parents[3] / "docs/systems/trust.md").read_text()
    for level, ceiling in DEFAULTS.items():
        lacks = [kind for kind, entries in everything().items() if ceiling.get(kind, ()) != entries]
        assert f"| `{level}` | {', '.join(f'`{kind}`' for kind in sorted(lacks)) or 'nothing'} |" in page
