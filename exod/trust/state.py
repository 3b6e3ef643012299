"""What exod remembers about trust: owners, version marks, the newest time it has seen. A value; `exod/state/` stores it.

Encoded canonically (sorted keys, no spaces), so that equal states are equal bytes. Reads no file and no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TrustState:
    """owners: plugin → key id (hex). marks: plugin → highest version ever installed by that owner.

    clock: newest time seen, in seconds; `generation` grows by one with every change and is repeated by the registry.
    """

    owners: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    clock: int = 0
    generation: int = 0
