STEPS: tuple[str, ...]
"""The walls in the order in which a child raises them; a failure report counts from 1."""
LAYERS: tuple[str, ...]
"""What a request may leave out, from its lowest bit up."""

def unshare(flags: int, /) -> None: ...
def template(scratch: str, stdlib: str, sdk: str, /) -> None: ...
def arm(
    procfs: int,
    null: int,
    stdlib: str,
    sdk: str,
    uid_first: int,
    uid_last: int,
    filters: tuple[bytes, ...],
    flags: int,
    /,
) -> None: ...
def serve(socket: int, /) -> tuple[int, bytes, dict[str, str]] | None: ...
def mapped_users(uid: int, gid: int, outside: int, /) -> int: ...
