"""The lint is a tripwire: whatever a rule is for is stopped by the sandbox when nobody has looked.

Each hostile file below is found by its rule, and then run in a real sandbox without having been looked at.
"""

import asyncio
import os

import pytest

from exod.brokers.lint.examine import look
from exod.brokers.lint.rules import BY_ID
from exod.brokers.lint.source import Asked
from exod.linux.pidfd import ended
from tests.exod.brokers.lint.examples import KEY
from tests.exod.sandbox.rig import Peer, Rig

pytestmark = pytest.mark.slow
_PAYLOAD = "import os\\nos.fork()"
_HOOK = "from exosdk import hookimpl\n@hookimpl\ndef start():\n"
HOSTILE = {
    "unreadable": "(" * 5000,
    "private-key": f"K = '''{KEY.decode()}'''\nimport socket\nsocket.create_connection(('192.0.2.1', 443)).send(K)",
    "computed-code": "exec('open(' + repr('/etc/shadow') + ')')",
    "stored-code": f"import marshal\nexec(marshal.loads(marshal.dumps(compile('{_PAYLOAD}', 'x', 'exec'))))",
    "daemon-internals": "import exod.trust.keys",
    "sdk-tampering": "import exosdk.runner\nexosdk.runner.main = lambda *a: None\nimport os\nos.setuid(0)",
    "tracing": "import sys\nsys.settrace(lambda *a: None)\nopen('/proc/1/mem', 'rb')",
    "machine-code": "import ctypes\nctypes.CDLL(None).unshare(1 << 28)\n1 / 0",
    "packed-code": "BLOB = '" + "6f732e666f726b2829" * 120 + "'\nimport os\nexec(bytes.fromhex(BLOB[:18]))",
    "computed-import": "__import__('sub' + 'process').run(['/bin/sh', '-c', 'id'])",
    "pickled-data": "import pickle\npickle.loads(b'cos\\nfork\\n(tR.')",
    "processes": "import os\nos.posix_spawn('/bin/sh', ['sh'], {})",
    "network": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "host-path": "open('/etc/passwd')",
    "kernel-files": "open('/proc/1/environ')",
    "environment": "import os\nos.environ['PATH']",
    "event-loop": "import asyncio\nasync def f(): pass\nasyncio.run(f())",
    "ends-itself": "import os\nfor pid in range(2, 100):\n    os.kill(pid, 9)",
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\nimport os\n"
        "list(ThreadPoolExecutor(max_workers=8).map(lambda _: os.fork(), range(8)))"
    ),
    "sleep-in-hook": f"import time\n{_HOOK}    time.sleep(10 ** 6)\nstart()",
    "endless-hook": f"{_HOOK}    while True: pass\nstart()",
}
STOPPED = dict.fromkeys(HOSTILE, "PermissionError(1") | {
    "unreadable": "SyntaxError",
    "computed-code": "FileNotFoundError",
    "daemon-internals": "ModuleNotFoundError",
    "tracing": "FileNotFoundError",
    "machine-code": "ModuleNotFoundError",
    "host-path": "FileNotFoundError",
    "kernel-files": "FileNotFoundError",
    "environment": "KeyError",
    "ends-itself": "ProcessLookupError",
}
"""What of its sandbox it ran into."""
ENDLESS = {"sleep-in-hook", "endless-hook"}
"""What is stopped from outside, at its deadline."""


def test_every_rule_has_its_attacker_who_is_found_by_it() -> None:
    assert set(HOSTILE) == set(BY_ID)
    for rule, text in HOSTILE.items():
        assert rule in {one.rule for one in look("code/evil.py", text.encode(), Asked())}, rule


def order(rule: str) -> str:
    return f"exec(compile({HOSTILE[rule]!r}, 'evil.py', 'exec'), {{'__name__': 'evil'}})"


async def answer(peer: Peer, rule: str) -> str:
    peer.end.settimeout(30)
    return await asyncio.to_thread(peer.ask, order(rule))


async def test_whatever_is_found_is_stopped_when_nobody_looked(rig: Rig) -> None:
    through = {}
    for number, rule in enumerate(sorted(set(HOSTILE) - ENDLESS), start=1):
        peer = await rig.start(number)
        with peer.end:
            said = await answer(peer, rule)
            # Where the kernel counts tasks, the last thread is not even started.
            words = [STOPPED[rule]] + ["RuntimeError"] * (rule == "threads")
            if (
                not said.startswith(tuple(f"!{word}" for word in words))
                or await asyncio.to_thread(peer.ask, "1 + 1") != "2"
            ):
                through[rule] = said
    assert through == {}


async def test_what_never_ends_is_ended(rig: Rig) -> None:
    for number, rule in enumerate(sorted(ENDLESS), start=1):
        peer = await rig.start(number)
        with peer.end:
            pidfd = os.pidfd_open(peer.pid)
            peer.end.send(order(rule).encode())
            await rig.host.discard(number)
            assert ended(pidfd, seconds=10), rule
            os.close(pidfd)
