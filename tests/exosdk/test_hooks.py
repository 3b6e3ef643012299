"""Which hooks there are, and how an implementation is found."""

import pytest

from exod.names import PLUGIN_TYPES
from exosdk import hooks, wire
from exosdk.hooks import hookimpl


def test_every_plugin_has_the_hooks_of_the_life_cycle() -> None:
    assert hooks.allowed("custom") == {
        "start", "stop", "suspend", "resume", "health", "configure", "export_state", "import_state", "on_message",
        "link_lost",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("plugin_type", "hook"),
    [
        ("ai-model", "infer"),
        ("web-extension", "handle_url"),
        ("p2p-protocol", "receive"),
        ("prompt-processor", "process_prompt"),
        ("system-optimizer", "propose"),
        ("device-driver", "device_added"),
    ],
)
def test_a_type_adds_its_own(plugin_type: str, hook: str) -> None:
    assert plugin_type in PLUGIN_TYPES
    assert hook in hooks.allowed(plugin_type)
    assert hook not in hooks.allowed("custom")


def test_the_api_level_is_the_one_exod_serves() -> None:
    from exod.names import API_LEVEL

    assert wire.API_LEVEL == API_LEVEL


class Plugin:
    looked_at = False

    @property
    def figure(self) -> int:
        type(self).looked_at = True
        return 1

    @hookimpl
    def start(self) -> str:
        return "started"

    def stop(self) -> str:
        return "not a hook: it has no mark"


def test_an_implementation_may_leave_out_arguments() -> None:
    manager = hooks.manager()
    manager.register(Plugin())
    assert manager.hook.start(context=object()) == "started"


def test_only_marked_methods_are_hooks() -> None:
    manager = hooks.manager()
    manager.register(Plugin())
    assert manager.hook.stop() is None


def test_looking_for_hooks_runs_no_property_of_the_plugin() -> None:
    hooks.manager().register(Plugin())
    assert not Plugin.looked_at
