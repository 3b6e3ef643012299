"""A job survives its bytes, whatever is in the files."""

from exod.brokers.lint.job import pack, unpack
from exod.brokers.lint.source import Asked

FILES = {"code/a.py": b"\n\n5 x\ntasks 9\n\n", "code/b.py": b"", "assets/c": bytes(range(256))}


def test_a_job_survives_its_bytes() -> None:
    asked = Asked(frozenset({"network", "native"}), ("/etc/a", "/etc/b"), 5)
    assert unpack(pack(asked, FILES)) == (asked, list(FILES.items()))


def test_a_job_without_files_is_one() -> None:
    assert unpack(pack(Asked(), {})) == (Asked(), [])
