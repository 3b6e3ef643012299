"""Crashes of a critical plugin → when to start it again, or the verdict that it is in a crash loop. Pure.

A lone crash is repaired at once. From the second on, back-off doubles from BASE to CEILING with ±JITTER, so that
plugins that fall together do not rise together again and again. LOOP crashes within WINDOW are a loop. Crashes in one
uid's calls count once: no caller can bring it to the verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exod.errors import Outcome, Refusal
from exod.supervisor.plugin import Crash

BASE, CEILING, JITTER = 0.02, 30.0, 0.2
"""Seconds, seconds, share."""
WINDOW, LOOP = 60.0, 5


@dataclass(frozen=True, slots=True)
class Again:
    """`attempt` counts the crashes of the window."""

    attempt: int
    delay: float


def recent(crashes: Sequence[Crash], *, now: float) -> tuple[Crash, ...]:
    return tuple(crash for crash in crashes if now - crash.at <= WINDOW)


def decide(plugin: str, crashes: Sequence[Crash], *, now: float, chance: float) -> Again | Refusal:
    """`crashes` includes the newest; `chance` is uniform in -1..1."""
    lately = recent(crashes, now=now)
    if weight(lately) >= LOOP:
        evidence = {"crashes": str(len(lately))}
        sentence = f"cannot keep {plugin} running: it crashed {len(lately)} times within {WINDOW:.0f} seconds"
        return Refusal("crash-loop", sentence, f"exoctl plugin logs {plugin}", evidence, Outcome.FAILED)
    attempt = max(1, len(lately))
    delay = min(CEILING, BASE * 2.0 ** min(attempt - 2, 32)) * (1 + JITTER * chance)
    return Again(attempt, delay if attempt > 1 else 0.0)


def weight(crashes: Sequence[Crash]) -> int:
    """Crashes in nobody's call count each, those in calls once for each uid."""
    own = sum(1 for crash in crashes if crash.uid is None)
    return own + len({crash.uid for crash in crashes if crash.uid is not None})
