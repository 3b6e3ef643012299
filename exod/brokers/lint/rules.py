"""The table of rules: id, severity, what it finds, why, what to do instead, and the check over one Python file.

Error: never right in a plugin, a sign of hiding, leaking or tampering; the load is refused unless the administrator
says otherwise. Warning: denied in the sandbox, or not what its author expects; shown. Pure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from exod.brokers.lint import beyond, conduct, hidden
from exod.brokers.lint.source import Asked, Source

Check = Callable[[Source, Asked], Iterator[tuple[int, str]]]
"""Line and what was found there."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """check: None for the two that look at more, or less, than a Python file that can be read."""

    id: str
    severity: Severity
    finds: str
    why: str
    instead: str
    check: Check | None = None


def _rows() -> Iterator[Rule]:
    error, warning = Severity.ERROR, Severity.WARNING
    yield Rule(
        "unreadable",
        error,
        "a Python file that cannot be analysed: bad syntax, another encoding than UTF-8, NUL, nested too deep, too big",
        "what nobody can read, nobody has read; the interpreter may read it otherwise",
        "plain UTF-8 Python of this version; data belongs into assets/",
    )
    yield Rule(
        "private-key",
        error,
        "a private key, in any file",
        "whoever has the package has the key",
        "make it at the first start, in /state, or take it as configuration",
    )
    yield Rule(
        "computed-code",
        error,
        "eval, exec or compile of anything but a constant, files that are run by their path",
        "what runs is not what was signed",
        "a table of functions; ast.literal_eval for values; json or tomllib for data",
        hidden.computed_code,
    )
    yield Rule(
        "stored-code",
        error,
        "marshal.loads, CodeType, zipimport",
        "bytecode that no reviewer can read",
        "ship the source; exod compiles it",
        hidden.stored_code,
    )
    yield Rule(
        "daemon-internals",
        error,
        "an import of exod or exoctl",
        "the daemon's code is not in the sandbox, and its modules are no interface",
        "exosdk has what plugins may use",
        conduct.daemon_internals,
    )
    yield Rule(
        "sdk-tampering",
        error,
        "assignment to attributes of exosdk, pluggy or the built-ins",
        "the supervisor relies on nothing of it, but your own hooks do",
        "subclass, wrap, or ask for what is missing",
        conduct.sdk_tampering,
    )
    yield Rule(
        "tracing",
        error,
        "settrace, setprofile, audit hooks, walks over all objects or frames",
        "debuggers do not belong into packages; each call gets slower",
        "the test kit runs a plugin in your own process: trace there",
        conduct.tracing,
    )
    yield Rule(
        "machine-code",
        warning,
        "ctypes or cffi without `native`",
        "nothing becomes executable in the sandbox: the import fails",
        "pure Python, or an extension module of your own with `native`; in a `try` if you can do without",
        beyond.machine_code,
    )
    yield Rule(
        "packed-code",
        warning,
        "a constant of 2,000 and more encoded characters",
        "code is hidden like that; data is in the way of whoever reads",
        "a file in assets/, read by its path below /plugin",
        hidden.packed_code,
    )
    yield Rule(
        "computed-import",
        warning,
        "__import__ or import_module of a computed name",
        "no reader can say what runs",
        "import it where it stands, or from a table of modules",
        hidden.computed_import,
    )
    yield Rule(
        "pickled-data",
        warning,
        "pickle, shelve, dill: loads",
        "data that runs code, with the plugin's rights, also from another version's /state",
        "json, or msgspec with types",
        hidden.pickled_data,
    )
    yield Rule(
        "processes",
        warning,
        "subprocess, multiprocessing, os.fork, os.system and the like without `processes`",
        "the sandbox has no second process: EPERM",
        "ask for `processes`; another plugin's service; a thread",
        beyond.processes,
    )
    yield Rule(
        "network",
        warning,
        "socket, ssl, http, urllib.request and the like without `network`",
        "the sandbox makes no sockets: EPERM",
        "ask for `network`, and `context.connect` for a connection; in a `try` if you can do without",
        beyond.network,
    )
    yield Rule(
        "host-path",
        warning,
        "a constant absolute path opened that `filesystem` does not ask for",
        "the sandbox's root has none of the host's files",
        'filesystem = ["read-only:/PATH"], or /state, /tmp, /plugin',
        beyond.host_paths,
    )
    yield Rule(
        "kernel-files",
        warning,
        "the same below /proc, /sys, /dev, /run, /boot",
        "they are not there, and but for a few single files never granted",
        "ask for one of the figures that may be granted, such as read-only:/proc/stat",
        beyond.kernel_files,
    )
    yield Rule(
        "environment",
        warning,
        "os.environ, os.getenv",
        "a sandbox's environment is empty",
        "[config] in package.toml, read from context.config",
        conduct.environment,
    )
    yield Rule(
        "threads",
        warning,
        "more threads than limits.tasks has room for",
        "the next one cannot be started",
        "raise limits.tasks, or use timers of the SDK",
        beyond.threads,
    )
    yield Rule(
        "event-loop",
        warning,
        "asyncio.run, trio.run and the like",
        "a loop wakes itself through a socketpair, which a sandbox cannot make",
        "hooks and timers of the SDK",
        conduct.event_loop,
    )
    yield Rule(
        "sleep-in-hook",
        warning,
        "time.sleep in a hook",
        "hooks run one at a time: calls wait, and the deadline of the hook goes on",
        "a timer of the SDK",
        conduct.sleep_in_hook,
    )
    yield Rule(
        "endless-hook",
        warning,
        "`while True` without a way out in a hook",
        "a hook has to return within its deadline, or the instance is ended",
        "a thread that `stop` ends, or a timer",
        conduct.endless_hook,
    )
    yield Rule(
        "ends-itself",
        warning,
        "os._exit, sys.exit, os.kill, os.abort",
        "an instance that ends without being told to has crashed",
        "raise an exception; `stop` is how a plugin ends",
        conduct.ends_itself,
    )


RULES = tuple(_rows())
BY_ID = {rule.id: rule for rule in RULES}
