"""Statements that hand a name from one key to another."""

from exoctl.private import sign
from exod.errors import Refusal
from exod.package.envelope import ROTATION
from exod.trust import rotation
from exod.trust.rotation import Rotation, leads
from tests.builders import NOW, anchor_for, key, stated

OLD, NEW = key("vendor"), key("next")
ANCHORS = (anchor_for(OLD), anchor_for(NEW, name="next"))
GOOD = Rotation(("hello",), OLD.key_id, NEW.key_id, NOW)


def test_the_old_owner_hands_names_on() -> None:
    assert rotation.parse(sign(ROTATION, stated(GOOD), keys=(OLD,)).encode(), anchors=ANCHORS) == GOOD


def test_nobody_hands_on_what_is_anothers() -> None:
    for signer, statement in ((NEW, GOOD), (OLD, Rotation(("hello",), OLD.key_id, OLD.key_id, NOW))):
        found = rotation.parse(sign(ROTATION, stated(statement), keys=(signer,)).encode(), anchors=ANCHORS)
        assert isinstance(found, Refusal)
        assert found.code == "rotation-invalid"


def test_a_statement_by_a_stranger_or_of_no_form_is_refused() -> None:
    for data, wanted in (
        (sign(ROTATION, stated(GOOD), keys=(key("stranger"),)).encode(), "rotation-unknown"),
        (sign(ROTATION, b"{}", keys=(OLD,)).encode(), "rotation-malformed"),
        (b"", "rotation-malformed"),
    ):
        found = rotation.parse(data, anchors=ANCHORS)
        assert isinstance(found, Refusal)
        assert found.code == wanted


def chain(*hops: str) -> list[Rotation]:
    return [Rotation(("hello",), old, new, 0) for old, new in zip(hops, hops[1:], strict=False)]


def test_hands_may_follow_each_other() -> None:
    assert leads(chain("a", "b", "c"), "hello", old="a", new="c", revoked=())
    assert leads(chain("a", "b", "a", "c"), "hello", old="a", new="c", revoked=())
    assert not leads(chain("a", "b"), "hello", old="b", new="a", revoked=())
    assert not leads(chain("a", "b"), "other", old="a", new="b", revoked=())
    assert not leads((), "hello", old="a", new="b", revoked=())


def test_a_revoked_hand_gives_nothing() -> None:
    assert not leads(chain("a", "b", "c"), "hello", old="a", new="c", revoked={"b"})
    assert not leads(chain("a", "b"), "hello", old="a", new="b", revoked={"a"})
