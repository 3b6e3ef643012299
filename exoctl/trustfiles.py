"""What the command line writes into trust.d: an Anchor, the host's own Revocations → the bytes of their TOML files.

Each reads back as the same value by `exod.trust.anchors.parse` and `exod.trust.revocation.parse_local`.
"""

import datetime
import re
from collections.abc import Iterable, Mapping

from exod.trust.anchors import FLAGS, LISTS, Anchor
from exod.trust.revocation import Revocations
from exod.trust.scope import EVERY


def anchor_file(anchor: Anchor) -> bytes:
    """What `exoctl key trust` writes."""
    lines = [f"level = {_toml_text(anchor.level)}"]
    lines.append(f"identities = {_toml_list(one.encode() for one in anchor.identities)}")
    lines.append(f"threshold = {anchor.threshold}")
    lines.append(f"scope = {_toml_list(anchor.scope.names)}")
    if anchor.scope.types:
        lines.append(f"types = {_toml_list(anchor.scope.types)}")
    if anchor.scope.interfaces:
        lines.append(f"interfaces = {_toml_list(anchor.scope.interfaces)}")
    if anchor.expires is not None:
        lines.append(f"expires = {datetime.datetime.fromtimestamp(anchor.expires, tz=datetime.UTC):%Y-%m-%dT%H:%M:%SZ}")
    lines += ["", "[ceiling]"]
    for permission, entries in anchor.scope.ceiling.items():
        lines.append(f"{permission} = {'true' if permission in FLAGS else _toml_list(entries)}")
    return "\n".join((*lines, "")).encode("utf-8")


def revoked_file(revocations: Revocations) -> bytes:
    """What `exoctl key revoke` writes."""
    packages = ", ".join(f'"{digest}"' for digest in sorted(revocations.packages))
    lines = [f"packages = [{packages}]", "", "[keys]"]
    lines += [f'{key} = "{_plain(reason)}"' for key, reason in sorted(revocations.keys.items())]
    return "\n".join((*lines, "")).encode("utf-8")


def _plain(reason: str) -> str:
    return "".join(letter for letter in reason if letter.isprintable() and letter not in '"\\')[:256]


def everything() -> Mapping[str, tuple[str, ...]]:
    """A ceiling that allows all that can be asked for; for a development key's anchor."""
    return dict.fromkeys(LISTS, (EVERY,)) | dict.fromkeys(FLAGS, ("true",))


def _toml_text(text: str) -> str:
    """Only for the alphabets of anchors, none of which needs an escape but these two."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _toml_list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(_toml_text(text) for text in texts) + "]"
