"""Files of trust.d: what they say, and what they may not."""

from typing import Any

import pytest

from exoctl.trustfiles import anchor_file, everything
from exod.errors import Refusal
from exod.trust import anchors
from exod.trust.anchors import Anchor
from exod.trust.scope import Scope
from tests.builders import anchor_for, key

ONE, TWO = key("vendor").identity, key("other").identity


def toml(**changes: str | None) -> bytes:
    rows = {"level": '"trusted"', "identity": f'"{ONE.encode()}"', "scope": '["hello"]'} | changes
    ceiling = rows.pop("ceiling", None)
    text = "".join(f"{name} = {value}\n" for name, value in rows.items() if value is not None)
    return (text + (f"[ceiling]\n{ceiling}\n" if ceiling else "")).encode()


def parsed(**changes: str | None) -> Anchor:
    found = anchors.parse(toml(**changes), name="lab")
    assert isinstance(found, Anchor), found
    return found


def test_a_small_anchor_allows_nothing_but_its_names() -> None:
    assert parsed() == Anchor("lab", "trusted", (ONE,), Scope(("hello",)))


def test_every_row_is_parsed() -> None:
    found = parsed(
        identity=None,
        identities=f'["{ONE.encode()}", "{TWO.encode()}"]',
        threshold="2",
        scope='["hello", "sensor-*", "net-"]',
        types='["custom"]',
        expires="2030-01-01",
        interfaces='["org.example."]',
        ceiling='filesystem = ["read-only:/proc/*"]\nnative = true\nprocesses = false',
    )
    ceiling = {"filesystem": ("read-only:/proc/*",), "native": ("true",)}
    scope = Scope(("hello", "sensor-", "net-"), ("custom",), ceiling, ("org.example.",))
    assert found == Anchor("lab", "trusted", (ONE, TWO), scope, 1893456000, 2)


@pytest.mark.parametrize("moment", ["2030-01-01T00:00:00Z", "2030-01-01T01:00:00+01:00", "2030-01-01"])
def test_a_date_is_a_moment_in_utc(moment: str) -> None:
    assert parsed(expires=moment).expires == 1893456000


@pytest.mark.parametrize(
    ("changes", "key_named"),
    [
        ({"level": '"root"'}, "level"),
        ({"level": None}, "level"),
        ({"identity": None}, "identity"),
        ({"identity": '"exod-hybrid-1:AAAA"'}, "identity"),
        ({"identities": f'["{ONE.encode()}"]'}, "identities"),
        ({"identities": f'["{TWO.encode()}", "{TWO.encode()}"]'}, "identities"),
        ({"threshold": "0"}, "threshold"),
        ({"threshold": "-1"}, "threshold"),
        ({"threshold": "true"}, "threshold"),
        ({"threshold": "2"}, "threshold"),
        ({"scope": None}, "scope"),
        ({"scope": '["*"]'}, "scope"),
        ({"scope": '["net*"]'}, "scope[0]"),
        ({"scope": '["Net"]'}, "scope[0]"),
        ({"scope": '["n?t"]'}, "scope[0]"),
        ({"scope": '["-*"]'}, "scope[0]"),
        ({"scope": '["n\u0435t"]'}, "scope[0]"),
        ({"scope": '["hello", "hello"]'}, "scope"),
        ({"types": '["malware"]'}, "types[0]"),
        ({"expires": "2030-01-01T00:00:00"}, "expires"),
        ({"expires": '"2030-01-01"'}, "expires"),
        ({"expires": "12:00:00"}, "expires"),
        ({"interfaces": '["org."]'}, "interfaces[0]"),
        ({"interfaces": '["*"]'}, "interfaces[0]"),
        ({"ceiling": 'filesystem = ["read-only:/etc/pass*"]'}, "ceiling.filesystem[0]"),
        ({"ceiling": 'filesystem = ["read-*:/x"]'}, "ceiling.filesystem[0]"),
        ({"ceiling": 'filesystem = "*"'}, "ceiling.filesystem"),
        ({"ceiling": 'native = ["*"]'}, "ceiling.native"),
        ({"ceiling": "everything = true"}, "ceiling.everything"),
        ({"owner": '"me"'}, "owner"),
    ],
)
def test_a_wrong_row_is_refused_by_name(changes: dict[str, str | None], key_named: str) -> None:
    found = anchors.parse(toml(**changes), name="lab")
    assert isinstance(found, Refusal)
    assert found.code == "anchor-malformed"
    assert found.evidence["key"] == key_named
    assert found.sentence.startswith("cannot read anchor lab: ")


@pytest.mark.parametrize("data", [b"\xff", b"level = ", b"a = 1\na = 1", b"x = " + b"[" * 5000, b"#" * 70_000])
def test_what_is_no_anchor_at_all_is_refused(data: bytes) -> None:
    found = anchors.parse(data, name="lab")
    assert isinstance(found, Refusal)
    assert found.code == "anchor-malformed"


def test_identities_that_share_a_half_are_one_signer() -> None:
    mixed = type(ONE)(ONE.ed25519, TWO.mldsa)
    for pair in ((ONE, mixed), (mixed, TWO)):
        rows = ", ".join(f'"{one.encode()}"' for one in pair)
        found = anchors.parse(toml(identity=None, identities=f"[{rows}]"), name="lab")
        assert isinstance(found, Refusal)
        assert "share a key" in found.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scope": ("hello", "sensor-"), "types": ("custom",), "expires": 1893456000, "threshold": 1},
        {"ceiling": {"filesystem": ("read-only:/proc/*",)}, "interfaces": ()},
        {"ceiling": {}},
        {"level": "dev", "scope": ("*",), "ceiling": everything()},
    ],
)
def test_what_is_written_is_read_back(changes: dict[str, Any]) -> None:
    anchor = anchor_for(key("vendor"), key("other"), **changes)
    assert anchors.parse(anchor_file(anchor), name=anchor.name) == anchor


def test_an_identity_is_found_by_its_key_id() -> None:
    anchor = anchor_for()
    assert anchor.identity(ONE.key_id) == ONE
    assert anchor.identity(TWO.key_id) is None
