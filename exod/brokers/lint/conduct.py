"""What a plugin does to exod, to its SDK and to its own hooks: never right, or not what its author expects."""

import ast
from collections.abc import Iterator, Set

from exod.brokers.lint.beyond import below
from exod.brokers.lint.source import Asked, Source

Found = Iterator[tuple[int, str]]
_DAEMON = ("exod", "exoctl")
_TRACERS = {
    *("sys.settrace", "sys.setprofile", "sys.addaudithook", "threading.settrace", "threading.setprofile"),
    *("sys._current_frames", "gc.get_objects", "gc.get_referrers"),
}
_ENDS = {
    *("os._exit", "os.abort", "os.kill", "os.killpg", "sys.exit", "exit", "quit", "signal.raise_signal"),
    *("signal.pthread_kill", "faulthandler._sigsegv"),
}
_LOOPS = {
    *("asyncio.run", "asyncio.Runner", "asyncio.new_event_loop", "asyncio.get_event_loop", "trio.run", "anyio.run"),
    *("curio.run", "uvloop.run"),
}
_SHORT = 0.05
"""Seconds that a hook may well sleep."""


def daemon_internals(source: Source, _: Asked) -> Found:
    for one in source.imports:
        if any(below(one.name, top, mark=".") for top in _DAEMON):
            yield one.line, f"import of {one.name}"


def sdk_tampering(source: Source, _: Asked) -> Found:
    for name, line in source.writes:
        if _foreign(name):
            yield line, f"changes {name}"
    for call in source.calls:
        name = source.name_of(call.argument())
        if call.name in ("setattr", "delattr") and _foreign(f"{name}."):
            yield call.line, f"changes {name}"


def _foreign(name: str) -> bool:
    return name.startswith(("exosdk.", "builtins.", "__builtins__.", "sys.modules.exosdk", "pluggy."))


def _calls(source: Source, names: Set[str], words: str = "") -> Found:
    for call in source.calls:
        if call.name in names and not call.guarded:
            yield call.line, f"{call.name}(){words}"


def tracing(source: Source, _: Asked) -> Found:
    return _calls(source, _TRACERS)


def ends_itself(source: Source, _: Asked) -> Found:
    return _calls(source, _ENDS, " ends the instance, which counts as a crash")


def environment(source: Source, _: Asked) -> Found:
    for name, line in [*source.uses, *((one.name, one.line) for one in source.imports)]:
        if name in ("os.environ", "os.environb"):
            yield line, f"{name} is empty in the sandbox"
    for call in source.calls:
        if call.name in ("os.getenv", "os.getenvb"):
            yield call.line, f"{call.name}() finds nothing in the sandbox"


def event_loop(source: Source, _: Asked) -> Found:
    return _calls(source, _LOOPS, " needs a socketpair, which the sandbox has not")


def sleep_in_hook(source: Source, _: Asked) -> Found:
    for call in source.calls:
        if call.hook and call.name == "time.sleep":
            seconds = call.argument(keyword="secs")
            value = seconds.value if isinstance(seconds, ast.Constant) else None
            if not isinstance(value, int | float) or value > _SHORT:
                yield call.line, "time.sleep() in a hook: nothing else of the plugin runs meanwhile"


def endless_hook(source: Source, _: Asked) -> Found:
    for loop in source.loops:
        endless = isinstance(loop.test, ast.Constant) and bool(loop.test.value)
        if endless and not any(isinstance(node, ast.Break | ast.Return | ast.Raise) for node in ast.walk(loop)):
            yield loop.lineno, "a hook that never returns is ended at its deadline"
