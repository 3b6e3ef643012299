"""Versions in PEP 440's normal form, without epoch and local part; their order; ranges of them.

An epoch is refused because `99!0` would lock a name for ever; a local part, because PEP 440 ignores it in comparisons.
The form is checked here by the grammar of PEP 440's appendix B: `packaging` takes 35 ms to import, so only an order
that involves a pre-, post- or development release and the containment in a range load it.
"""

import re
from collections.abc import Iterable
from functools import cmp_to_key

from exod.names import NAME_MAX

_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_VERSION = rf"{_NUMBER}(?:\.{_NUMBER})*(?:(?:a|b|rc){_NUMBER})?(?:\.post{_NUMBER})?(?:\.dev{_NUMBER})?"
_CLAUSE = rf"(?:(?:<=|>=|<|>|==|!=){_VERSION}|~={_NUMBER}(?:\.{_NUMBER})+|[=!]={_NUMBER}(?:\.{_NUMBER})*\.\*)"
VERSION_PATTERN = f"^{_VERSION}$"
RANGE_PATTERN = f"^{_CLAUSE}(?:, ?{_CLAUSE})*$"
_VERSION_RE = re.compile(_VERSION)
_RANGE_RE = re.compile(f"{_CLAUSE}(?:, ?{_CLAUSE})*")
RANGE_MAX = 256


def is_version(text: str) -> bool:
    return len(text) <= NAME_MAX and _VERSION_RE.fullmatch(text) is not None


def is_range(text: str) -> bool:
    return len(text) <= RANGE_MAX and _RANGE_RE.fullmatch(text) is not None


def precedes(version: str, other: str) -> bool:
    """Whether `version` is older than `other`; both are normal versions."""
    left, right = _release(version), _release(other)
    if left is not None and right is not None:
        return left < right
    from packaging.version import Version

    return Version(version) < Version(other)


def in_order(versions: Iterable[str]) -> list[str]:
    """Oldest first."""
    return sorted(versions, key=cmp_to_key(_compare))


def _compare(one: str, other: str) -> int:
    return precedes(other, one) - precedes(one, other)


def contains(interval: str, version: str) -> bool:
    """Whether the range admits `version`; a pre-release counts where it lies inside the bounds."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(interval).contains(version, prereleases=True)


def _release(version: str) -> tuple[int, ...] | None:
    """Only for plain releases; trailing zeros do not count in PEP 440's order."""
    parts = version.split(".")
    if not all(part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
