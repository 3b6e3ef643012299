"""`make demo`: exod at work, from an empty directory to nothing left, one checked line a claim.

Real bus, real keys, real kernel: builds and signs two plugins, loads, calls, suspends and unloads them, offers forged
copies, and looks at the host before and after. Ends with `demo: N checks passed`, or with the claim that failed.
"""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exosdk.testing.daemon import CommandFailed, Daemon
from tests.acceptance import forged, hostread
from tests.acceptance.residue import left
from tests.acceptance.workshop import Workshop

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup")


class Failed(Exception):
    """A claim that did not hold."""


class Demo:
    """The steps in the order they are shown. `claims` counts what held."""

    def __init__(self, directory: Path) -> None:
        self.daemon = Daemon(directory / "dev")
        self.work = directory / "work"
        self.work.mkdir()
        self.shop = Workshop(self.daemon, self.work)
        self.claims = 0

    def claim(self, what: str, held: object, **facts: object) -> None:
        """Prints `ok N WHAT: facts`; raises Failed when it did not hold."""
        said = " ".join(f"{name}={value}" for name, value in facts.items())
        if not held:
            raise Failed(f"{what}: {said}")
        self.claims += 1
        print(f"ok {self.claims} {what}: {said}", flush=True)

    # --- the story ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        with self.daemon:
            self.claim("exod is ready on a private bus", True, milliseconds=round(self.daemon.seconds_to_ready * 1000))
            packages = self.build_and_sign()
            for name in ("echo", "hostpulse"):
                self.load(name, packages[name])
            self.echo_answers()
            self.any_client_is_answered()
            self.hostpulse_tells_the_truth()
            self.walls_stand()
            self.suspend_and_resume()
            self.unload()
            self.forgeries_are_refused(packages)
            self.refusals_are_audited()
        traces = left(self.daemon.directory)
        self.claim("nothing is left behind", not traces, traces=traces or 0)

    def build_and_sign(self) -> dict[str, Path]:
        """The vendor's key may sign anything; the lab's only names that begin with `lab-`."""
        packages = {}
        for name, scope in (("vendor", "echo,hostpulse"), ("lab", "lab-*")):
            self.shop.key(name, scope=scope)
        for name in ("echo", "hostpulse"):
            packages[name] = self.shop.package(ROOT / "plugins" / name, key="vendor")
            size = packages[name].stat().st_size
            self.claim(f"{name} built and signed", size, file=packages[name].name, bytes=size)
        return packages

    def load(self, name: str, package: Path) -> None:
        self.exoctl("plugin", "load", str(package))
        row = next(row for row in self.exoctl("plugin", "list") if row["name"] == name)
        facts = {"pid": row["process_id"], "memory": row["memory"], "version": row["version"]}
        facts["signer"] = row["signer"][:16]
        self.claim(f"{name} running", row["state_name"] == "running" and all(facts.values()), **facts)

    def echo_answers(self) -> None:
        said = self.exoctl("plugin", "call", "echo", "Echo", "hello")
        self.claim("echo answers exoctl", said == "hello", said=said)

    def any_client_is_answered(self) -> None:
        path, interface = "/org/exoos/Exod1/service/echo/echo", "org.exoos.Echo1"
        address = self.daemon.environment["EXOD_BUS_ADDRESS"]
        busctl = ["busctl", f"--address={address}", "call", "org.exoos.Exod1", path, interface, "Echo", "s", "hi"]
        said = self.daemon.run(busctl).stdout.strip()
        self.claim("busctl is answered", said == 's "hi"', said=said)
        where = ["--dest", "org.exoos.Exod1", "--object-path", path]
        gdbus = ["env", f"DBUS_SYSTEM_BUS_ADDRESS={address}", "gdbus", "call", "--system", *where]
        said = self.daemon.run([*gdbus, "--method", f"{interface}.Echo", "hi"]).stdout.strip()
        self.claim("gdbus is answered", said == "('hi',)", said=said)

    def hostpulse_tells_the_truth(self) -> None:
        before = hostread.counters()
        self.exoctl("plugin", "call", "hostpulse", "Sample")
        shown = self.shop.properties("hostpulse", "hostpulse", "org.exoos.HostPulse1")
        after, gauges = hostread.counters(), hostread.gauges()
        told = hostread.counters_of(shown)
        wrong = [name for name in told if not before.get(name, 0) <= told[name] <= after.get(name, told[name])]
        right = told and not wrong
        self.claim("hostpulse's counters lie between two reads of the host", right, counters=len(told), wrong=wrong)
        off = [name for name, value in gauges.items() if abs(shown[name] - value) > 0.05 * value + 0.05]
        self.claim("hostpulse's gauges are within 5 %", not off, gauges=len(gauges), off=off)

    def walls_stand(self) -> None:
        info = self.exoctl("plugin", "info", "hostpulse")
        pid = info["process_id"]
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        walls = {name: status[name].strip() for name in ("Seccomp", "NoNewPrivs", "CapBnd", "CapEff")}
        right = walls == {"Seccomp": "2", "NoNewPrivs": "1", "CapBnd": "0" * 16, "CapEff": "0" * 16}
        own = [kind for kind in NAMESPACES if self.namespace(pid, kind) != self.namespace("self", kind)]
        seen = {"uid": status["Uid"].split()[0], "namespaces": len(own)} | walls
        self.claim("its walls stand, seen from outside", right and len(own) == len(NAMESPACES), **seen)

    def forgeries_are_refused(self, packages: Mapping[str, Path]) -> None:
        self.shop.key("stranger", scope="")
        self.shop.key("second", scope="echo")
        echo = packages["echo"]
        newer = forged.copy_of(ROOT / "plugins/echo", self.work / "newer", version="1.0.1")
        self.refused("a tampered copy", forged.flip_a_byte(echo, self.work / "tampered.exopkg"))
        self.refused("an unsigned copy", forged.without_signature(echo, self.work / "unsigned.exopkg"))
        self.refused("a copy by a stranger", self.shop.package(newer, key="stranger"))
        self.refused("a copy signed outside its scope", self.shop.package(newer, key="lab"))
        self.refused("a copy by another trusted signer", self.shop.package(newer, key="second"))

    def suspend_and_resume(self) -> None:
        self.exoctl("plugin", "suspend", "echo")
        self.claim("echo suspended", self.state("echo") == "suspended", state=self.state("echo"))
        self.exoctl("plugin", "resume", "echo")
        said = self.exoctl("plugin", "call", "echo", "Echo", "back")
        self.claim("echo resumed", said == "back", said=said, state=self.state("echo"))

    def unload(self) -> None:
        for name in ("hostpulse", "echo"):
            pid = self.exoctl("plugin", "info", name)["process_id"]
            self.exoctl("plugin", "unload", name)
            gone = not Path(f"/proc/{pid}").exists()
            self.claim(f"{name} unloaded", gone and self.state(name) == "unloaded", pid_gone=gone)

    def refusals_are_audited(self) -> None:
        lines = self.shop.audit()
        refused = [line for line in lines if "refus" in line["event"]]
        self.claim("each refusal stands in the audit", len(refused) == 5, records=len(refused), of=len(lines))

    # --- how it asks --------------------------------------------------------------------------------------------------

    def exoctl(self, *arguments: str) -> Any:
        return self.daemon.exoctl(*arguments)

    def state(self, plugin: str) -> str:
        return self.shop.state(plugin)

    def refused(self, what: str, package: Path) -> None:
        try:
            self.exoctl("plugin", "load", str(package))
        except CommandFailed as failure:
            error = failure.error
            self.claim(f"{what} is refused", failure.code == 3, code=error["code"], why=f'"{error["sentence"]}"')
        else:
            raise Failed(f"{what} was accepted")

    @staticmethod
    def namespace(pid: int | str, kind: str) -> int:
        return Path(f"/proc/{pid}/ns/{kind}").stat().st_ino


def main() -> int:
    directory = Path(tempfile.mkdtemp(prefix="exod-demo-"))
    demo = Demo(directory)
    try:
        demo.run()
    except (Failed, CommandFailed, RuntimeError, TimeoutError) as failure:
        print(f"not ok {demo.claims + 1} {failure}", flush=True)
        print(f"demo: failed; its directory is kept: {directory}")
        return 1
    shutil.rmtree(directory)
    print(f"demo: {demo.claims} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
