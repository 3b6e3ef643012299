"""Bus addresses (`unix:path=/run/dbus/system_bus_socket`) → what connect() takes. Refuses every transport but unix."""

from urllib.parse import unquote_to_bytes


class BadAddress(ValueError):
    """No entry of the address can be used."""


def candidates(address: str) -> list[bytes]:
    """Socket addresses in order; an abstract one starts with a NUL byte."""
    found = [target for entry in address.split(";") if (target := _target(entry)) is not None]
    if not found:
        raise BadAddress(f"cannot use bus address {address!r}: it has no unix:path= and no unix:abstract= entry")
    return found


def _target(entry: str) -> bytes | None:
    transport, _, rest = entry.partition(":")
    keys = dict(pair.split("=", 1) for pair in rest.split(",") if "=" in pair)
    if transport != "unix":
        return None
    if "path" in keys:
        return unquote_to_bytes(keys["path"])
    if "abstract" in keys:
        return b"\0" + unquote_to_bytes(keys["abstract"])
    return None
