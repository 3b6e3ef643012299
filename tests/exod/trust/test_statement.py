"""Signed statements: the kind first, then the signer, then the table."""

from typing import Any

import pytest

from exoctl.private import sign
from exod.errors import Refusal
from exod.package.envelope import PACKAGE, ROTATION, Envelope
from exod.package.fields import Field, Table, Whole
from exod.trust import statement
from exod.trust.keys import Identity
from tests.builders import key

TABLE = Table(Field("n", Whole(0, 9)))


def read(envelope: Envelope, *identities: Identity) -> tuple[dict[str, Any], Identity] | Refusal:
    known = identities or (key().identity,)
    return statement.read(envelope.encode(), kind=ROTATION, table=TABLE, identities=known, thing="rotation")


def test_a_good_statement_gives_its_table_and_its_signer() -> None:
    assert read(sign(ROTATION, b'{"n":3}', keys=(key(),))) == ({"n": 3}, key().identity)


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (sign(PACKAGE, b'{"n":3}', keys=(key(),)), "document-kind"),
        (sign(ROTATION, b'{"n":3}', keys=(key("other"),)), "rotation-unknown"),
        (sign(ROTATION, b'{"n":3}', keys=(key(), key("other"))), "rotation-malformed"),
        (Envelope(ROTATION, b'{"n":4}', sign(ROTATION, b'{"n":3}', keys=(key(),)).signatures), "rotation-invalid"),
        (sign(ROTATION, b'{"n": 3}', keys=(key(),)), "rotation-malformed"),
        (sign(ROTATION, b'{"n":10}', keys=(key(),)), "rotation-malformed"),
        (sign(ROTATION, b'{"m":1}', keys=(key(),)), "rotation-malformed"),
        (sign(ROTATION, b"9" * 50_000, keys=(key(),)), "rotation-malformed"),
    ],
)
def test_any_other_is_refused(envelope: Envelope, code: str) -> None:
    found = read(envelope)
    assert isinstance(found, Refusal)
    assert found.code == code
