"""What the outside may see of a plugin, an instance and a job: frozen, with the names of the bus properties.

A view is made when it is asked for and never changes; `Views` are read-only mappings that make them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from exod.package.limits import Limits
from exod.supervisor.ports import Usage

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class PluginView:
    """`instance` is the id of the running instance, 0 while there is none. `fault` holds a refusal's fields."""

    name: str
    version: str
    versions: tuple[str, ...]
    type: str
    summary: str
    state: int
    state_name: str
    desired: str
    enabled: bool
    critical: bool
    instance: int
    process_id: int
    signer: str
    trust_level: str
    fault: Mapping[str, str]
    restarts: int
    load_time: int


@dataclass(frozen=True, slots=True)
class InstanceView:
    """`plugin` is the plugin's name. `pressure` reads the host when it is called, `usage` only if nobody has yet."""

    id: int
    plugin: str
    version: str
    process_id: int
    user_id: int
    digest: str
    started_at: int
    walls: Mapping[str, str]
    limits: Limits
    restarts: int
    usage: Callable[[], Usage] = field(repr=False, compare=False)
    pressure: Callable[[], Mapping[str, float]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class JobView:
    """`progress` in whole percent; `refusal` holds the fields of a refusal; `finished_at` is 0 until it is."""

    id: int
    kind: str
    plugin_name: str
    caller: str
    state: str
    step: str
    steps_done: int
    steps_total: int
    progress: int
    result: Mapping[str, str]
    refusal: Mapping[str, str]
    created_at: int
    finished_at: int


class Views(Mapping[K, V], Generic[K, V]):
    """Keys as they are now; a view is made at each look."""

    def __init__(self, keys: Callable[[], Mapping[K, object]], make: Callable[[K], V]) -> None:
        self._keys = keys
        self._make = make

    def __getitem__(self, key: K) -> V:
        if key not in self._keys():
            raise KeyError(key)
        return self._make(key)

    def __iter__(self) -> Iterator[K]:
        return iter(tuple(self._keys()))

    def __len__(self) -> int:
        return len(self._keys())
