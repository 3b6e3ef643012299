"""What goes to the worker and comes back: a job as bytes, and the lines of an answer that are no findings. Pure."""

from exod.brokers.lint.source import Asked

WALL_SECONDS = 10
"""For one package, by the kernel's clock."""
MOST = 80 << 20
"""Bytes of a job: a package and the names of its files."""
OUTPUT_MAX = 256 << 10
END = "."
"""The last line of an answer that is one."""
AT = ">"
"""Before each Python file, with its place in the job: where whoever died was."""


def pack(asked: Asked, files: dict[str, bytes]) -> bytes:
    """A job: lines of what is asked for and of each file's size and path, an empty line, the files' bytes."""
    head = [f"tasks {asked.tasks}", *(f"may {name}" for name in sorted(asked.permissions))]
    head += [f"path {path}" for path in asked.paths]
    head += [f"{len(data)} {path}" for path, data in files.items()]
    return b"".join(["\n".join(head).encode(), b"\n\n", *files.values()])


def unpack(job: bytes) -> tuple[Asked, list[tuple[str, bytes]]]:
    head, _, body = job.partition(b"\n\n")
    words = [line.split(" ", 1) for line in head.decode().split("\n")]
    told = [(word, rest) for word, rest in words if not word.isdigit()]
    may = frozenset(rest for word, rest in told if word == "may")
    paths = tuple(rest for word, rest in told if word == "path")
    files, start = [], 0
    for size, path in [(int(word), rest) for word, rest in words if word.isdigit()]:
        files.append((path, body[start : start + size]))
        start += size
    return Asked(may, paths, int(next(rest for word, rest in told if word == "tasks"))), files
