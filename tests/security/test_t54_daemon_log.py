"""THREATS 54: what strangers wrote stands in the daemon's log, journal and stderr as text, one line each."""

import json
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from exod.logs import printable
from exosdk.testing.daemon import Daemon
from tests.exod.running import listening

EVIL = 'a\n2026-01-01T00:00:00 info exod ready\x1b[2J\x9b31m\u202egpj\u2028\ufeff\U000e0041\x7f"'


TOML = json.dumps(EVIL, ensure_ascii=False).replace("\x7f", "\\u007f")


def obeyed(text: str) -> list[str]:
    """The characters that a terminal, a pager or a reader of lines would not merely show."""
    return [letter for letter in text if unicodedata.category(letter)[0] in "CZ" and letter != " "]


def test_of_all_characters_none_is_obeyed() -> None:
    """Every one of the first plane, and one in sixteen of the others, whose blocks are longer."""
    shown = printable("".join(map(chr, (*range(0x10000), *range(0x10000, 0x110000, 16), *range(0xE0000, 0xE0200)))))
    assert obeyed(shown) == []
    assert "\\x00\\x01" in shown
    assert "\\ud800" in shown
    assert "ö" in shown


@pytest.mark.slow
def test_a_file_s_name_and_a_key_in_it_cannot_forge_a_line_of_the_log(tmp_path: Path) -> None:
    with Daemon(tmp_path / "dev") as daemon, listening(tmp_path / "dev/log/exod.log") as logged:
        (tmp_path / "dev/etc/trust.d" / f"{EVIL.replace('/', '')}.toml").write_text("surprise = 1\n")
        (tmp_path / "dev/etc/exod.toml").write_text(f"{TOML} = 1\n")
        os.kill(daemon.pid, signal.SIGHUP)
        logged.until("reloaded")
    text = (tmp_path / "dev/log/exod.log").read_bytes().decode()
    lines = text.split("\n")
    assert obeyed("".join(lines)) == []
    assert sum("\\x1b[2J" in line for line in lines) == 2
    assert sum(line.endswith(" info exod ready") for line in lines) == 1


@pytest.mark.slow
def test_what_ends_the_start_is_said_without_steering_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir(mode=0o700)
    (tmp_path / "dev/.exod-dev").touch(mode=0o600)
    (tmp_path / "dev/etc").mkdir(mode=0o700)
    (tmp_path / "dev/etc/exod.toml").write_text(f"{TOML} = 1\n")
    command = [str(Path(sys.executable).with_name("exod")), "--dev", str(tmp_path / "dev")]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 2
    said, hint = done.stderr.decode().splitlines()
    assert said.startswith("exod: cannot read settings: unknown key")
    assert obeyed(said + hint) == []


# A journal of its own: systemd's library knows one address only, so it is bound in a child that sees an empty /run.
JOURNAL = """
import json, logging, os, socket, struct, sys
from pathlib import Path
from exod import logs

Path("/run/systemd/journal").mkdir(parents=True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
    journal.bind("/run/systemd/journal/socket")
    journal.settimeout(10)
    own = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{own.st_dev}:{own.st_ino}"
    logs.begin(Path("/nonexistent"), size=1, verbose=False)
    evil = sys.argv[1].encode().decode("unicode_escape")
    try:
        raise ValueError(evil + chr(0xd800))
    except ValueError:
        logging.getLogger("exod").exception("told %s", evil, extra={"plugin": evil, "instance": 7})
    fields, rest = {}, journal.recv(1 << 20)
    while rest:
        line, _, rest = rest.partition(b"\\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = struct.unpack_from("<Q", rest)[0]
            value, rest = rest[8 : 8 + size], rest[9 + size :]
        fields[name.decode()] = value.decode()
print(json.dumps(fields))
"""


@pytest.mark.slow
def test_a_record_of_the_journal_is_one_printable_line_with_fields_apart() -> None:
    inner = ["sh", "-c", 'mount -t tmpfs none /run && exec "$0" -I -c "$1" "$2"']
    words = [sys.executable, JOURNAL, EVIL.encode("unicode_escape").decode()]
    command = ["unshare", "--mount", "--propagation", "private", *inner, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    fields: dict[str, Any] = json.loads(done.stdout)
    assert fields["EXOD_INSTANCE"] == "7"
    assert fields["PRIORITY"] == "3"
    assert fields["SYSLOG_IDENTIFIER"] == "exod"
    assert fields["MESSAGE"].startswith("told a\\x0a2026-01-01")
    assert "ValueError" in fields["MESSAGE"]
    assert "\\ud800" in fields["MESSAGE"]
    assert obeyed(fields["MESSAGE"] + fields["EXOD_PLUGIN"]) == []
