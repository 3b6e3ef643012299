"""One kill -9 of the real daemon for each verb (`make soak` does every point), and what the judge of them sees."""

from pathlib import Path

import pytest

from tests import kills

# The point at which most is half done: what the step did outside is there, what follows from it is not.
WORST = {
    "load": "in:spawn",
    "load-undone": "in:undo-store-package",
    "start": "after:start",
    "unload": "in:end-instance",
    "remove": "in:unregister",
    "config": "in:set-config",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> kills.Stage:
    stage = kills.Stage(tmp_path_factory.mktemp("kills"))
    stage.build()
    return stage


@pytest.mark.slow
@pytest.mark.parametrize("story", kills.STORIES, ids=lambda story: story.name)
def test_a_daemon_killed_in_the_middle_leaves_all_of_it_or_none(stage: kills.Stage, story: kills.Story) -> None:
    points, before, after = stage.points(story)
    assert WORST[story.name] in points
    outcome = stage.kill_at(story, WORST[story.name], before=before, after=after)
    assert outcome == kills.Outcome(story.name, WORST[story.name], killed=True)


BEFORE = {kills.BYSTANDER: ["1.0.0", "running", {}], kills.SUBJECT: ["1.0.0", "loaded", {}]}
AFTER = BEFORE | {kills.SUBJECT: ["1.0.0", "running", {}]}


@pytest.mark.parametrize("now", [BEFORE, AFTER])
def test_all_or_nothing_is_right(now: dict[str, object]) -> None:
    assert judged(now) == kills.Outcome("start", "before:start", killed=True)


def test_a_state_in_between_is_a_violation() -> None:
    assert judged(BEFORE | {kills.SUBJECT: ["1.0.0", "error", {}]}).violations


def test_a_plugin_that_had_nothing_to_do_with_it_may_not_suffer() -> None:
    assert judged({kills.SUBJECT: BEFORE[kills.SUBJECT]}).lost


def judged(now: dict[str, object]) -> kills.Outcome:
    outcome = kills.Outcome("start", "before:start", killed=True)
    kills.judge(outcome, now, before=BEFORE, after=AFTER)
    return outcome


def test_a_package_that_only_one_of_store_and_registry_knows_is_seen(tmp_path: Path) -> None:
    stored = tmp_path / "lib/packages/echo"
    stored.mkdir(parents=True)
    (stored / "1.0.0.exopkg").touch()
    rows = [{"name": "hostpulse", "versions": ["2.0.0"]}]
    assert kills.unsound(tmp_path, rows) == [
        "echo/1.0.0.exopkg is stored and not registered",
        "hostpulse/2.0.0.exopkg is registered and not stored",
    ]
