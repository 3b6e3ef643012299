"""The port: what the lint says of a package under the administrator's policy, and what it believes of its reader."""

from collections.abc import AsyncIterator

import pytest

from exod.brokers.lint import verdict
from exod.brokers.lint.verdict import Lint, heard, version
from exod.errors import Refused
from exod.package.manifest import Manifest
from exod.plan.policy import Policy
from tests import uids
from tests.simulation.packages import Kit, manifest

HELLO: Manifest = manifest(Kit())
BAD = {"code/a.py": (b"import exod\nimport socket\n", False)}
FOUND = "code/a.py:1: daemon-internals: import of exod\ncode/a.py:2: network: socket without `network`"
FILES = {"code/a.py": b"", "code/b.py": b""}


@pytest.fixture
async def lint() -> AsyncIterator[Lint]:
    found = Lint(uid=uids.LINT)
    yield found
    await found.close()


@pytest.mark.slow
async def test_an_error_refuses_unless_the_administrator_accepts_it(lint: Lint) -> None:
    with pytest.raises(Refused, match=r"cannot load hello 1\.0\.0: the lint found code/a\.py:1 daemon-internals"):
        await lint.examine(HELLO, BAD, policy=Policy(), known="")
    assert await lint.examine(HELLO, BAD, policy=Policy(lint="warn"), known="") == f"{version()}\n{FOUND}"


async def test_off_means_that_nobody_looks(lint: Lint) -> None:
    assert await lint.examine(HELLO, BAD, policy=Policy(lint="off"), known="what was known") == "what was known"
    assert lint._reader._worker.line is None


async def test_what_equal_rules_said_is_not_asked_again_but_still_judged(lint: Lint) -> None:
    known = f"{version()}\n{FOUND}"
    assert await lint.examine(HELLO, BAD, policy=Policy(lint="warn"), known=known) == known
    with pytest.raises(Refused):
        await lint.examine(HELLO, BAD, policy=Policy(), known=known)
    assert lint._reader._worker.line is None


@pytest.mark.slow
async def test_what_other_rules_said_is_asked_again(lint: Lint) -> None:
    said = await lint.examine(HELLO, BAD, policy=Policy(lint="warn"), known="rules of yesterday")
    assert said == f"{version()}\n{FOUND}"


async def test_a_host_where_no_reader_starts_says_so(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_job: bytes) -> str:
        return ""

    monkeypatch.setattr(lint._reader, "read", silent)
    with pytest.raises(Refused) as refused:
        await lint.examine(HELLO, BAD, policy=Policy(), known="")
    assert refused.value.refusal.code == "lint-silent"


def test_an_answer_that_is_not_whole_is_a_finding_where_it_ends() -> None:
    [one] = heard([">0", ">1"], FILES)
    assert (one.path, one.rule, one.error) == ("code/b.py", "unreadable", True)


def test_nothing_is_believed_of_files_that_are_not_there() -> None:
    lines = [">0", ">99", "code/a.py:1: network: x", "code/z.py:1: network: x", "babble", "."]
    assert [str(one) for one in heard(lines, FILES)] == ["code/a.py:1: network: x"]


def test_a_compromised_reader_cannot_point_beyond_the_package() -> None:
    [one] = heard([">99999"], FILES)
    assert one.path == "code/b.py"


def test_the_version_is_that_of_the_rules_and_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    now = version()
    assert now == version()
    monkeypatch.setattr(verdict.sys, "version_info", (3, 99, 0))
    assert version() != now
