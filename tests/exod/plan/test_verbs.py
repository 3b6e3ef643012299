"""What each verb would do, in which order, and what its undo is given."""

from dataclasses import replace

from exod.plan import verbs
from exod.plan.steps import Plan, StepKind
from exod.plan.verbs import Present
from tests.exod.plan.samples import CANDIDATE, PRESENT

NONE = Present("hello")
RUNNING = replace(PRESENT, state="running", instance=7, desired="running", enabled=True)


def kinds(plan: Plan) -> list[str]:
    return [step.kind.value for step in plan.steps]


def test_a_fresh_load_goes_in_the_order_of_the_architecture() -> None:
    up = verbs.bring_up("hello", version="1.0.0", digest="d", instance=1, goal="running")
    plan = verbs.joined(verbs.install(NONE, CANDIDATE), up, verbs.desire(NONE, "running", fresh="{}"))
    assert kinds(plan) == [
        "store-package",
        "pin-owner",
        "register",
        "make-data",
        "reserve-instance",
        "prepare-sandbox",
        "spawn",
        "check-walls",
        "go",
        "offer-services",
        "start",
        "set-desired",
    ]
    assert plan.no_return is None


def test_loading_without_start_ends_in_loaded() -> None:
    plan = verbs.bring_up("hello", version="1.0.0", digest="d", instance=1, goal="loaded")
    assert kinds(plan)[-1] == "offer-services"


def test_restoring_a_suspended_plugin_starts_it_first() -> None:
    plan = verbs.bring_up("hello", version="1.0.0", digest="d", instance=1, goal="suspended")
    assert kinds(plan)[-2:] == ["start", "suspend"]


def test_an_upgrade_by_the_owner_keeps_the_data() -> None:
    plan = verbs.install(PRESENT, replace(CANDIDATE, version="1.1.0", digest="cd" * 32, mark="1.1.0", keeps_data=True))
    assert kinds(plan) == ["store-package", "pin-owner", "register", "make-data"]
    assert plan.steps[-1].data["had"] is True


def test_a_new_owner_never_receives_the_old_owners_data() -> None:
    plan = verbs.tidy(verbs.install(PRESENT, replace(CANDIDATE, owner="b" * 64)))
    assert kinds(plan) == ["store-package", "pin-owner", "register", "drop-data", "make-data", "discard"]
    assert plan.steps[-1].data["data"] is True
    assert plan.no_return == 5


def test_the_same_owner_and_mark_are_not_pinned_again() -> None:
    plan = verbs.install(PRESENT, replace(CANDIDATE, keeps_data=True))
    assert "pin-owner" not in kinds(plan)


def test_a_package_that_is_there_is_not_undone_by_removing_it() -> None:
    step = verbs.install(PRESENT, CANDIDATE).steps[0]
    assert (step.data["had"], step.data["replaces"]) == (True, "")


def test_a_replaced_package_is_moved_aside_and_forgotten_at_the_end() -> None:
    plan = verbs.tidy(verbs.install(PRESENT, replace(CANDIDATE, digest="cd" * 32, keeps_data=True)))
    assert plan.steps[0].data["replaces"] == "ab" * 32
    assert plan.steps[-1].kind is StepKind.DISCARD
    assert plan.steps[-1].data["versions"] == "1.0.0"


def test_a_plan_that_moves_nothing_aside_needs_no_tidying() -> None:
    plan = verbs.install(NONE, replace(CANDIDATE, keeps_data=True))
    assert verbs.tidy(plan) is plan


def test_unload_stops_hides_and_ends_and_there_is_no_way_back_from_the_end() -> None:
    plan = verbs.unload(RUNNING)
    assert kinds(plan) == ["stop", "withdraw-services", "end-instance", "set-desired"]
    assert plan.steps[plan.no_return or 0].kind is StepKind.END_INSTANCE
    assert plan.steps[0].data["must"] is False


def test_a_suspended_plugin_is_not_woken_to_be_unloaded() -> None:
    assert kinds(verbs.unload(replace(RUNNING, state="suspended")))[0] == "withdraw-services"


def test_unload_of_a_failed_plugin_only_clears_up() -> None:
    assert kinds(verbs.unload(replace(RUNNING, state="error", instance=0))) == ["end-instance", "set-desired"]


def test_remove_of_a_running_plugin_moves_everything_aside_before_it_forgets() -> None:
    plan = verbs.remove(RUNNING, purge=True)
    assert kinds(plan) == [
        "stop",
        "withdraw-services",
        "end-instance",
        "drop-package",
        "drop-data",
        "unregister",
        "discard",
    ]
    assert plan.no_return == 2


def test_remove_of_an_unloaded_plugin_can_be_undone_until_it_forgets() -> None:
    plan = verbs.remove(PRESENT, purge=False)
    assert kinds(plan) == ["drop-package", "unregister", "discard"]
    assert plan.no_return == 2


def test_remove_takes_every_version() -> None:
    two = replace(PRESENT, stored={"1.0.0": '{"v":0}', "1.1.0": '{"v":1}'})
    plan = verbs.remove(two, purge=False)
    assert kinds(plan).count("drop-package") == 2
    assert plan.steps[-1].data["versions"] == "1.0.0,1.1.0"


def test_moves_between_loaded_running_and_suspended_remember_the_wish() -> None:
    assert kinds(verbs.move(replace(RUNNING, desired="loaded"), StepKind.START)) == ["start", "set-desired"]
    assert kinds(verbs.move(RUNNING, StepKind.STOP)) == ["stop", "set-desired"]
    assert kinds(verbs.move(RUNNING, StepKind.SUSPEND)) == ["suspend", "set-desired"]
    assert kinds(verbs.move(replace(RUNNING, desired="suspended"), StepKind.RESUME)) == ["resume", "set-desired"]


def test_a_wish_that_is_recorded_already_is_no_step() -> None:
    assert verbs.desire(RUNNING, "running", enabled=True).steps == ()
    assert verbs.desire(RUNNING, "running", enabled=False).steps[0].data["enabled"] is False


def test_configuration_names_keys_and_keeps_the_old_values_for_the_undo() -> None:
    step = verbs.configure(replace(RUNNING, config='{"a":1}'), values='{"a":2}', keys=["a"]).steps[0]
    assert step.data["old_values"] == '{"a":1}'
    assert step.describe() == "set the configuration of hello: a"
