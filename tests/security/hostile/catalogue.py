"""Every attempt there is, in the order of the threats."""

from tests.security.hostile import (
    bombs,
    files,
    inherited,
    interfaces,
    ipc,
    machine,
    memory,
    network,
    own_network,
    processes,
)
from tests.security.hostile.attempt import Attempt

THEMES = (files, processes, memory, machine, network, own_network, interfaces, inherited, bombs, ipc)
EVERY: tuple[Attempt, ...] = tuple(
    sorted((attempt for theme in THEMES for attempt in theme.THEME.attempts), key=lambda each: each.threat)
)
