"""The hooks a plugin may implement, as pluggy specifications, and the manager that knows them.

An implementation may leave out arguments it does not need. What a hook raises is told to whoever asked for the hook:
a plugin whose `start` raises does not start.
"""

from typing import Any, Protocol

import pluggy

_PROJECT = "exosdk"
hookspec = pluggy.HookspecMarker(_PROJECT)
hookimpl = pluggy.HookimplMarker(_PROJECT)
_once = hookspec(firstresult=True)


class Lifecycle(Protocol):
    """For every plugin."""

    @_once
    def start(self, context: Any) -> None:
        """From loaded to running: begin to work. Timers made here end at `stop`."""

    @_once
    def stop(self) -> None:
        """From running to loaded: end all work. Afterwards every timer is gone."""

    @_once
    def suspend(self) -> None:
        """About to be frozen; no code runs until `resume`."""

    @_once
    def resume(self) -> None:
        """Thawed. Wall time has passed."""

    @_once
    def health(self) -> str:
        """Empty when all is well, else one sentence that says what is degraded."""

    @_once
    def configure(self, values: dict[str, Any]) -> None:
        """New settings, complete and validated, in `context.config` too; raising keeps the old ones."""

    @_once
    def export_state(self) -> bytes:
        """What the next version of this plugin needs to go on."""

    @_once
    def import_state(self, state: bytes) -> None:
        """What `export_state` of the version before returned; comes before `start`."""

    @_once
    def on_message(self, type: int, sender: str, data: Any, message: Any) -> Any:
        """A message of US-004's types (`3` is data-request). What is returned answers a request."""

    @_once
    def link_lost(self, peer: str, unread: int) -> None:
        """A plugin that messages were sent to is gone; so many of them it had not read, as far as it had said."""


class AiModel(Protocol):
    @_once
    def load_model(self, path: str) -> None:
        """Load the weights at `path`."""

    @_once
    def infer(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs to outputs, by name."""

    @_once
    def model_info(self) -> dict[str, Any]:
        """Name, version, shapes."""


class WebExtension(Protocol):
    @_once
    def handle_url(self, url: str, method: str, body: bytes) -> dict[str, Any]:
        """Answer a request to a URL the plugin registered for."""


class P2pProtocol(Protocol):
    @_once
    def peer_joined(self, peer: str) -> None:
        """A peer can be reached."""

    @_once
    def peer_left(self, peer: str) -> None:
        """A peer can be reached no more."""

    @_once
    def receive(self, peer: str, data: bytes) -> None:
        """A peer sent `data`."""


class PromptProcessor(Protocol):
    @_once
    def process_prompt(self, prompt: dict[str, Any]) -> dict[str, Any]:
        """A prompt message to the one to pass on."""


class SystemOptimizer(Protocol):
    @_once
    def propose(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        """Facts of the host to proposed changes; what may be changed is decided elsewhere."""


class DeviceDriver(Protocol):
    @_once
    def device_added(self, device: dict[str, Any]) -> None:
        """A granted device appeared."""

    @_once
    def device_removed(self, device: str) -> None:
        """It is gone."""


_BY_TYPE = {
    "ai-model": AiModel,
    "web-extension": WebExtension,
    "p2p-protocol": P2pProtocol,
    "prompt-processor": PromptProcessor,
    "system-optimizer": SystemOptimizer,
    "device-driver": DeviceDriver,
}


def _names(specification: type) -> frozenset[str]:
    return frozenset(name for name in vars(specification) if not name.startswith("_"))


LIFECYCLE = _names(Lifecycle)
ALL = LIFECYCLE.union(*map(_names, _BY_TYPE.values()))


def allowed(plugin_type: str) -> frozenset[str]:
    """The hooks that a plugin of this type may implement."""
    specification = _BY_TYPE.get(plugin_type)
    return LIFECYCLE | _names(specification) if specification else LIFECYCLE


class Manager(pluggy.PluginManager):
    """pluggy, looking at the class instead of the object: pluggy's own scan would run every property of a plugin."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        found: pluggy.HookimplOpts | None = getattr(getattr(type(plugin), name, None), f"{_PROJECT}_impl", None)
        return found


def manager() -> Manager:
    """A manager with every specification; a zygote makes it once, and its children inherit it."""
    made = Manager(_PROJECT)
    for specification in (Lifecycle, *_BY_TYPE.values()):
        made.add_hookspecs(specification)
    return made
