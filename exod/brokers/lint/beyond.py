"""What goes beyond what the manifest asks for: the sandbox denies it, and its author better hears of it before."""

import ast
import posixpath
from collections.abc import Iterable, Iterator

from exod.brokers.lint.source import Asked, Call, Source

Found = Iterator[tuple[int, str]]
_MACHINE = ("ctypes", "_ctypes", "cffi", "_cffi_backend")
_PROCESS_MODULES = (
    "subprocess",
    "multiprocessing",
    "pty",
    "_posixsubprocess",
    "concurrent.futures.ProcessPoolExecutor",
)
_PROCESS_CALLS = ("os.fork", "os.forkpty", "os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn")
_NETWORK = (
    *("socket", "_socket", "ssl", "socketserver", "http.client", "http.server", "urllib.request", "xmlrpc", "ftplib"),
    *("smtplib", "poplib", "imaplib", "requests", "httpx", "aiohttp", "urllib3", "websockets", "paramiko"),
)
_OPENERS = {
    *("open", "io.open", "os.open", "os.listdir", "os.scandir", "os.walk", "os.stat", "os.readlink", "os.mkdir"),
    *("os.makedirs", "os.remove", "os.unlink", "os.rename", "pathlib.Path", "shutil.rmtree", "shutil.copytree"),
}
_KERNEL = ("/proc", "/sys", "/dev", "/run", "/var/run", "/boot")
_OWN = ("/plugin", "/state", "/tmp")


def machine_code(source: Source, asked: Asked) -> Found:
    return _imported(source, _MACHINE, without="native", asked=asked)


def processes(source: Source, asked: Asked) -> Found:
    yield from _imported(source, _PROCESS_MODULES, without="processes", asked=asked)
    if "processes" not in asked.permissions:
        for call in source.calls:
            if call.name.startswith(_PROCESS_CALLS) and not call.guarded:
                yield call.line, f"{call.name}() without `processes`"


def network(source: Source, asked: Asked) -> Found:
    return _imported(source, _NETWORK, without="network", asked=asked)


def _imported(source: Source, modules: Iterable[str], *, without: str, asked: Asked) -> Found:
    """An import that may fail does no harm."""
    if without in asked.permissions:
        return
    for one in source.imports:
        module = next((name for name in modules if below(one.name, name, mark=".")), None)
        if module is not None and not one.guarded:
            yield one.line, f"{module} without `{without}`"


def kernel_files(source: Source, asked: Asked) -> Found:
    for line, path in _paths(source, asked):
        if any(below(path, top) for top in _KERNEL):
            yield line, f"{path} does not exist in the sandbox"


def host_paths(source: Source, asked: Asked) -> Found:
    for line, path in _paths(source, asked):
        if not any(below(path, top) for top in _KERNEL):
            yield line, f"{path} is not asked for"


def _paths(source: Source, asked: Asked) -> Found:
    """Absolute paths that are opened, and are neither the sandbox's own nor asked for."""
    for call in source.calls:
        path = _path(call) if call.name in _OPENERS and not call.guarded else ""
        if path and not any(below(path, place) for place in (*_OWN, *asked.paths)):
            yield call.line, path


def _path(call: Call) -> str:
    """The absolute path that is opened, or as much of it as is written down."""
    node = call.argument(keyword="file")
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    text = node.value if isinstance(node, ast.Constant) else ""
    return posixpath.normpath(text) if isinstance(text, str) and text.startswith("/") else ""


def below(name: str, top: str, *, mark: str = "/") -> bool:
    """Whether it is `top`, or lies below it."""
    return f"{name}{mark}".startswith(f"{top}{mark}")


def threads(source: Source, asked: Asked) -> Found:
    for call in source.calls:
        if call.name == "threading.Thread" and asked.tasks < 2:
            yield call.line, f"a thread more than limits.tasks = {asked.tasks}"
        elif call.name.endswith("futures.ThreadPoolExecutor"):
            wanted = call.argument(keyword="max_workers")
            count = wanted.value if isinstance(wanted, ast.Constant) else None
            if isinstance(count, int) and count >= asked.tasks:
                yield call.line, f"{count} threads and the plugin's own, with limits.tasks = {asked.tasks}"
