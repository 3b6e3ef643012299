"""The development key of one `exod --dev DIR`: made below DIR, trusted by that run alone, one anchor for each plugin.

Its passphrase lies beside it: DIR is ours, 0700, and what it signs is refused by every production exod before it looks
at keys. Refuses a DIR that exod did not make.
"""

import os
import secrets
import stat

from exoctl import files, keyfiles, trustdir
from exoctl.faults import usage
from exoctl.private import PrivateIdentity
from exoctl.trustfiles import anchor_file, everything
from exod.errors import Refused
from exod.package.manifest import Manifest
from exod.trust import anchors
from exod.trust.scope import Scope

MARKER = ".exod-dev"
_PHRASE_MAX = 256


def directory(path: str | None) -> str:
    """EXOD_DEV_DIR, if exod made it and nobody else can write there."""
    hint = "run exod --dev DIR, then export what it prints"
    if not path:
        raise Refused(
            usage("cannot try a plugin: EXOD_DEV_DIR is not set; that is for a development daemon only", hint)
        )
    for place in (path, os.path.join(path, "keys")):
        try:
            found = os.lstat(place)
        except OSError as error:
            raise Refused(usage(f"cannot try a plugin in {place}: {error.strerror}", hint)) from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise Refused(usage(f"cannot try a plugin in {place}: others own it, or may enter it", hint))
    if not os.path.isfile(os.path.join(path, MARKER)):
        raise Refused(usage(f"cannot try a plugin in {path}: exod did not make it", hint))
    return path


def key(path: str) -> PrivateIdentity:
    """The key of DIR, made at its first use."""
    place, phrase = os.path.join(path, "keys", "try.key"), os.path.join(path, "keys", "try.pass")
    if not os.path.lexists(place):
        words = secrets.token_hex(16).encode()
        made = PrivateIdentity.generate()
        if os.path.lexists(phrase):
            os.unlink(phrase)
        files.create(phrase, words, mode=0o600)
        keyfiles.write(place, made, passphrase=words)
        return made
    words = files.read_secret(phrase, verb="read the passphrase in", limit=_PHRASE_MAX)
    return keyfiles.read(place, passphrase=words)


def trust(path: str, key: PrivateIdentity, manifest: Manifest) -> bool:
    """An anchor for exactly this plugin and what it offers; whether anything had to be written."""
    interfaces = tuple(sorted({service.interface for service in manifest.services}))
    scope = Scope((manifest.name,), (), everything(), interfaces)
    name = f"try-{manifest.name}"
    data = anchor_file(anchors.Anchor(name, "dev", (key.identity,), scope))
    place = os.path.join(path, "etc", "trust.d")
    if trustdir.read(place).get(f"{name}.toml") == data:
        return False
    trustdir.replace(place, f"{name}.toml", data)
    return True
