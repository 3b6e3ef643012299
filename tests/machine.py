"""Machine code as a package brings it along: machine.c by another name → the path of an extension module, its bytes."""

import subprocess
import sysconfig
from pathlib import Path

LIBRARY = "libbeside.so"


def extension(name: str, place: Path, *more: str) -> tuple[str, bytes]:
    """For this interpreter, compiled in `place`; its `answer()` is 42."""
    source, suffix = place / f"{name}.c", sysconfig.get_config_var("EXT_SUFFIX")
    source.write_text(Path(__file__).with_name("machine.c").read_text().replace("machine", name))
    _compile(source, f"-I{sysconfig.get_path('include')}", *more, into=place / f"{name}{suffix}")
    return f"code/{name}{suffix}", (place / f"{name}{suffix}").read_bytes()


def linked(name: str, place: Path) -> dict[str, bytes]:
    """One that needs a library of its own, which it looks for beside itself."""
    source = place / "beside.c"
    source.write_text("int beside(void) { return 42; }\n")
    _compile(source, into=place / LIBRARY)
    path, code = extension(name, place, "-DBESIDE", f"-L{place}", "-lbeside", "-Wl,-rpath,$ORIGIN")
    return {path: code, f"code/{LIBRARY}": (place / LIBRARY).read_bytes()}


def _compile(source: Path, *more: str, into: Path) -> None:
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", source, "-o", into, *more], check=True)
