import pytest

from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl, Key
from tests.exoctl.fake import FakeExod


def test_a_daemon_that_refuses_to_read_is_heard(
    exod: FakeExod, exoctl: Exoctl, key: Key, trust_d: pytest.TempPathFactory
) -> None:
    exod.refuses("Reload", Refusal("not-authorized", "cannot reload: no", outcome=Outcome.NOT_AUTHORIZED))
    ran = exoctl("--json", "key", "trust", str(key.public), "--name", "a", "--scope", "b", "--trust-dir", str(trust_d))
    assert (ran.code, ran.error["code"]) == (5, "not-authorized")
