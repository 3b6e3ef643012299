"""The order of the suite: what takes long begins first, so that no worker is left alone with it at the end."""

import pytest

LONG = (
    "tests/simulation/",
    "tests/shape/test_lint.py",
    "tests/adoption/",
    "tests/acceptance/",
    "tests/test_kills.py",
    "tests/security/",
    "tests/exod/sandbox/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def rank(nodeid: str) -> int:
    return next((number for number, path in enumerate(LONG) if nodeid.startswith(path)), len(LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured beside what they proved: record_property("figures", …)."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(value))


def pytest_make_parametrize_id(val: object) -> str | None:
    """An id with an address in it differs between workers, which then refuse to share the suite."""
    return type(val).__name__ if " at 0x" in repr(val) else None
