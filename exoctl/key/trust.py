"""`key trust PUBLICFILE`: this host shall trust a key, for so much and no more."""

import time

import click

from exoctl import keyfiles, reload, trustdir
from exoctl.faults import accepted, usage
from exoctl.session import Action, Session
from exoctl.trustfiles import anchor_file, everything
from exoctl.verb import verb
from exod.errors import Refused
from exod.names import PLUGIN_TYPES, is_name
from exod.trust import anchors, gather
from exod.trust.scope import Scope

_DAY = 86_400


@verb(example='exoctl key trust lab.pub --name lab --scope "lab-*" --interface org.example.', writes=True)
@click.argument("file", metavar="PUBLICFILE")
@click.option("--name", required=True, metavar="NAME", help="What to call it here.")
@click.option("--scope", "scopes", multiple=True, required=True, help="Plugins it may sign: NAME, or PREFIX-*; commas.")
@click.option("--level", type=click.Choice(("vendor", "trusted", "dev")), default="trusted", show_default=True)
@click.option("--types", metavar="TYPES", default="", help="Plugin types it may sign, with commas; default all.")
@click.option("--interface", "interfaces", multiple=True, help="D-Bus interface, or PREFIX., its plugins may offer.")
@click.option("--allow", multiple=True, metavar="KIND=ENTRY", help="What its plugins may ask for; `all` for anything.")
@click.option("--expires-days", type=click.IntRange(1, 36_500), metavar="DAYS", help="Trust ends after that.")
@click.option("--trust-dir", metavar="DIR", help="Default: trust.d of this host.")
def command(session: Session, *, file: str, name: str, trust_dir: str | None, **asked: object) -> None:
    """Trusts the key in PUBLICFILE for the plugins in --scope.

    What is not allowed is refused: without --allow its plugins reach nothing, without --interface they offer nothing.
    """
    directory = session.trust_directory(trust_dir)
    anchor = _anchor(file, name, **asked)  # type: ignore[arg-type]
    data = anchor_file(anchor)
    accepted(anchors.parse(data, name=name))
    said: dict[str, object] = {}
    actions = [
        Action(f"write {directory}/{name}.toml", lambda: trustdir.add(directory, f"{name}.toml", data)),
        Action(reload.ASKED, lambda: said.update(reload.ask(session))),
    ]
    if not session.perform(actions):
        return
    key_id = anchor.identities[0].key_id
    if session.json_mode:
        told = {"name": name, "key_id": key_id, "scope": str(anchor.scope), "level": anchor.level}
        session.printer.document(told | said)
        return
    session.printer.line(f"{name} ({key_id[:12]}) is {anchor.level} for {anchor.scope}")
    reload.tell(session, said)


def _anchor(
    file: str,
    name: str,
    *,
    scopes: tuple[str, ...],
    level: str,
    types: str,
    interfaces: tuple[str, ...],
    allow: tuple[str, ...],
    expires_days: int | None,
) -> anchors.Anchor:
    if not is_name(name) or f"{name}.toml" in gather.OWN:
        raise Refused(usage(f"cannot trust it as {name}: lower-case letters, digits and single dashes make a name"))
    kinds = _split((types,))
    if unknown := [kind for kind in kinds if kind not in PLUGIN_TYPES]:
        raise Refused(usage(f"cannot trust {name} for {unknown[0]}: there is no such type", ", ".join(PLUGIN_TYPES)))
    expires = None if expires_days is None else int(time.time()) + expires_days * _DAY
    scope = Scope(tuple(map(_label, _split(scopes))), kinds, _ceiling(allow), _split(interfaces))
    return anchors.Anchor(name, level, (keyfiles.read_public(file),), scope, expires)


def _label(text: str) -> str:
    label = anchors.label(text)
    if label is None:
        raise Refused(usage(f"cannot trust a key for {text}: a scope is a plugin's name, or a prefix such as sensor-*"))
    return label


def _split(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _ceiling(allow: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`filesystem=read-only:/proc/*` or `filesystem=all` and so on; `processes` and `native` stand alone."""
    if "all" in allow:
        return dict(everything())
    ceiling: dict[str, tuple[str, ...]] = {}
    for one in allow:
        kind, equals, entry = one.partition("=")
        if kind not in everything() or (kind in ("processes", "native")) == bool(equals):
            kinds = ", ".join(everything())
            raise Refused(usage(f"cannot allow {one}: write KIND=ENTRY, or processes, native, all", f"kinds: {kinds}"))
        ceiling[kind] = (*ceiling.get(kind, ()), "*" if entry == "all" else entry or "true")
    return ceiling
