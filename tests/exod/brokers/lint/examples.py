"""For each rule of the lint: code that it has to find, on its last line, and code like it that is fine."""

from dataclasses import dataclass, field

from exod.brokers.lint.examine import look
from exod.brokers.lint.findings import Finding
from exod.brokers.lint.source import Asked

KEY = b"-----BEGIN PRIVATE KEY-----\n" + b"MC4CAQAwBQYDK2VwBCIEIJ" * 3 + b"\n-----END PRIVATE KEY-----\n"
PACKED = "QUJD" * 600
_HOOK = "import time\nfrom exosdk import hookimpl\nclass P:\n    @hookimpl\n    def start(self):\n"


@dataclass(frozen=True)
class Example:
    bad: tuple[str, ...]
    good: tuple[str, ...]
    asked: Asked = field(default_factory=Asked)
    """What the manifest of the good ones asks for."""


EXAMPLES = {
    "unreadable": Example(("def f(:",), ("def f(): pass",)),
    "private-key": Example((KEY.decode(),), ("MARK = '-----BEGIN PRIVATE KEY-----'",)),
    "computed-code": Example(
        (
            "exec(input())",
            "x = 1\neval(f'{x}')",
            "import builtins\nbuiltins.exec(code)",
            "getattr(__builtins__, 'eval')(text)",
            "__builtins__['exec'](text)",
            "exec(compile(source, 'x', 'exec'))",
            "from runpy import run_path\nrun_path('/state/x.py')",
            "import importlib.util as u\nu.spec_from_file_location('x', path)",
        ),
        (
            "eval('1 + 1')",
            "import re\nre.compile(x)",
            "from re import compile\ncompile(x)",
            "def compile(x): ...\ncompile(y)",
        ),
    ),
    "stored-code": Example(
        (
            "import marshal\nmarshal.loads(data)",
            "from types import CodeType as C\nC(*parts)",
            "__import__('marshal').loads(x)",
        ),
        ("import marshal\nmarshal.dumps(1)", "from types import CodeType\nisinstance(x, CodeType)"),
    ),
    "daemon-internals": Example(
        ("import exod", "from exod.trust import keys", "import importlib\nimportlib.import_module('exoctl.bus')"),
        ("import exodus", "from . import exod", "import exosdk"),
    ),
    "sdk-tampering": Example(
        (
            "import exosdk\nexosdk.wire.pack = evil",
            "from exosdk import Context as C\nC.emit = lambda *a: None",
            "import sys\nsys.modules['exosdk.walls'] = fake",
            "import exosdk.runner\nsetattr(exosdk.runner, 'main', evil)",
            "import builtins\nbuiltins.open = mine",
            "import exosdk\ndel exosdk.wire.unpack",
        ),
        (
            "from exosdk import Context\nclass Mine(Context):\n    emit = None",
            "import sys\nsys.modules['mine'] = 1",
            "a.b = 1",
        ),
    ),
    "tracing": Example(
        ("import sys\nsys.settrace(f)", "import gc\ngc.get_objects()"),
        ("import sys\nsys.gettrace()", "import gc\ngc.collect()"),
    ),
    "machine-code": Example(
        ("import ctypes", "from cffi import FFI"),
        ("import ctypes", "from cffi import FFI"),
        Asked(frozenset({"native"})),
    ),
    "packed-code": Example(
        (
            f"BLOB = '{PACKED}'",
            f"BLOB = {bytes(range(128, 256)) * 16!r}",
            f"x = ('{PACKED[:1500]}'\n '{PACKED[:1500]}')",
        ),
        (f"WORDS = '{'some words ' * 300}'", f"TABLE = {b'some words ' * 300!r}", f"SHORT = '{PACKED[:1999]}'"),
    ),
    "computed-import": Example(
        ("__import__(name)", "import importlib\nimportlib.import_module('a' + b)"),
        ("__import__('json')", "import importlib\nimportlib.import_module('json')"),
    ),
    "pickled-data": Example(
        ("import pickle\npickle.loads(x)", "import shelve\nshelve.open('/state/x')"), ("import pickle",)
    ),
    "processes": Example(
        (
            "import subprocess",
            "import os\nos.system('true')",
            "from os import fork\nfork()",
            "import os\nos.execv(a, b)",
        ),
        ("import subprocess", "import os\nos.fork()", "import os\nos.getpid()"),
        Asked(frozenset({"processes"})),
    ),
    "network": Example(
        ("import socket", "from urllib.request import urlopen", "from http import client", "def f():\n    import ssl"),
        ("import socket", "from urllib.parse import quote", "from http import HTTPStatus"),
        Asked(frozenset({"network"})),
    ),
    "host-path": Example(
        (
            "open('/etc/passwd')",
            "from pathlib import Path\nPath('/home/x')",
            "open('/plugin/../etc/x')",
            "import os\nos.listdir(f'/var/{x}')",
        ),
        (
            "open('/etc/os-release')",
            "open('/state/x')",
            "open('/plugin/assets/x')",
            "open('x')",
            "open(path)",
            "open('/srv/data/x')",
        ),
        Asked(paths=("/etc/os-release", "/srv/data")),
    ),
    "kernel-files": Example(
        ("open('/proc/self/maps')", "open(f'/proc/{pid}/mem')", "import os\nos.open('/dev/mem', 0)", "open('/sys/x')"),
        ("open('/proc/stat')", "open('/process')"),
        Asked(paths=("/proc/stat",)),
    ),
    "environment": Example(
        ("import os\nos.environ['HOME']", "import os\nos.getenv('HOME')", "from os import environ"),
        ("import os\nos.getpid()", "self.environ"),
    ),
    "threads": Example(
        (
            "from concurrent.futures import ThreadPoolExecutor as T\nT(max_workers=8)",
            "from concurrent import futures\nfutures.ThreadPoolExecutor(9)",
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(7)",
            "import threading\nthreading.Thread()",
        ),
    ),
    "event-loop": Example(
        ("import asyncio\nasyncio.run(main())",), ("import asyncio\nasyncio.iscoroutinefunction(f)",)
    ),
    "sleep-in-hook": Example(
        (_HOOK + "        time.sleep(5)", _HOOK + "        time.sleep(pause)"),
        (
            _HOOK + "        time.sleep(0.01)",
            _HOOK + "        def later():\n            time.sleep(5)",
            "import time\ntime.sleep(5)",
        ),
    ),
    "endless-hook": Example(
        (_HOOK + "        while True: self.work()",),
        (
            _HOOK + "        while True:\n            if self.done(): break",
            "while True: work()",
            _HOOK + "        while x: work()",
        ),
    ),
    "ends-itself": Example(
        ("import os\nos._exit(0)", "import sys\nsys.exit()"),
        ("import sys\nif __name__ == '__main__':\n    sys.exit(main())", "self.exit()"),
    ),
}


def found(text: str, asked: Asked = Asked(), *, path: str = "code/x.py") -> list[Finding]:  # noqa: B008 - frozen
    return look(path, text.encode(), asked)


def rules(text: str, asked: Asked = Asked()) -> set[str]:  # noqa: B008 - frozen
    return {one.rule for one in found(text, asked)}
