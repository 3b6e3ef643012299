import pytest

from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


@pytest.mark.parametrize(("options", "part"), [((), "exod"), (("--keeper",), "keeper")])
def test_it_names_the_part_and_says_that_it_runs_anew(
    exod: FakeExod, exoctl: Exoctl, options: tuple[str, ...], part: str
) -> None:
    exod.answers["Reexecute"] = lambda *_: []
    assert exoctl("daemon", "reexec", *options).out == f"{part} runs anew; plugins go on running\n"
    assert exoctl("--json", "daemon", "reexec", *options).json == {"reexecuted": part}
    assert [arguments for *_, member, arguments in exod.calls if member == "Reexecute"] == [[part]] * 2


def test_a_dry_run_asks_nobody(exod: FakeExod, exoctl: Exoctl) -> None:
    (step,) = exoctl("--json", "daemon", "reexec", "--dry-run", "--keeper").json["steps"]
    assert step == "replace the program of keeper, and leave every plugin running"
    assert exod.calls == []


def test_without_authority_nothing_is_executed(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("Reexecute", Refusal("not-authorized", "cannot re-execute: no", outcome=Outcome.NOT_AUTHORIZED))
    assert exoctl("--json", "daemon", "reexec").code == 5
