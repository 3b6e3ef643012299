"""What a plugin does to exod and to itself: the cases beyond the table of examples."""

from tests.exod.brokers.lint.examples import rules


def test_a_hook_is_one_however_its_decorator_is_written() -> None:
    for decorator in ("hookimpl", "exosdk.hookimpl", "hookimpl(trylast=True)"):
        assert rules(f"import time\nclass P:\n    @{decorator}\n    def start(self):\n        time.sleep(9)") == {
            "sleep-in-hook"
        }


def test_changing_what_is_ones_own_is_no_tampering() -> None:
    assert rules("class A:\n    pass\nA.x = 1\nsetattr(A, 'y', 2)") == set()


def test_reading_the_environment_by_another_name_is_seen() -> None:
    assert rules("import os as system\nsystem.environ.get('x')") == {"environment"}
