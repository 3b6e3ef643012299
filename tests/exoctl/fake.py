"""A small org.exoos.Exod1 on a real private bus: scripted answers, held to the shipped introspection XML.

Every call is checked against the XML (member, signature), every answer is marshalled with the XML's signature, so that
a verb that passes here speaks the interface as shipped.
"""

import array
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from exoctl.bus import DRIVER, DRIVER_PATH, PROPERTIES, Connection
from exoctl.codec import Message, MessageType, SignatureTree, Variant, encode
from exoctl.faults import internal
from exod.errors import Refusal, Refused
from exod.names import BUS_NAME, ROOT_PATH, job_path, plugin_path

INTERFACES = Path(__file__).parents[2] / "exod/dbus/interfaces"
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>
"""


def start_bus(directory: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """Returns when it listens."""
    config = directory / "bus.conf"
    config.write_text(CONFIG.format(path=directory / "bus"))
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process.stdout.readline().decode().strip(), process


def shipped() -> dict[str, ElementTree.Element]:
    return {
        str(interface.get("name")): interface
        for path in INTERFACES.glob("*.xml")
        for interface in ElementTree.parse(path).iter("interface")
    }


def signatures(interface: ElementTree.Element, member: str) -> tuple[str, str]:
    method = next(method for method in interface.findall("method") if method.get("name") == member)
    return tuple(  # type: ignore[return-value]
        "".join(str(arg.get("type")) for arg in method.findall("arg") if arg.get("direction") == direction)
        for direction in ("in", "out")
    )


def job(number: int, state: str, **changed: Any) -> dict[str, Any]:
    base = {
        "Id": number,
        "Kind": "load",
        "PluginName": "hello",
        "Caller": ":1.1",
        "State": state,
        "Step": "spawn instance 1",
        "StepsDone": 3,
        "StepsTotal": 6,
        "Progress": 50,
        "Result": {},
        "Refusal": {},
        "CreatedAt": 1_700_000_000,
        "FinishedAt": 0,
    }
    return base | changed


DONE = {"plugin": "hello", "version": "1.0.0", "instance": "7", "state": "running"}


def plugin(name: str, **changed: Any) -> dict[str, Any]:
    base = {
        "Name": name,
        "Version": "1.0.0",
        "Versions": ["1.0.0"],
        "Type": "custom",
        "Summary": "says hello",
        "State": 3,
        "StateName": "running",
        "Desired": "running",
        "Enabled": True,
        "Critical": False,
        "Instance": f"{ROOT_PATH}/instance/7",
        "ProcessId": 4711,
        "Signer": "ab" * 32,
        "TrustLevel": "trusted",
        "Fault": {},
        "Restarts": 0,
        "LoadTime": 1_700_000_000,
    }
    return base | changed


class _Server(Connection):
    """The client's connection, but it keeps the descriptors it is sent."""

    def __init__(self, address: str) -> None:
        self.fds: list[int] = []
        super().__init__(address)

    def _chunk(self) -> bytes:
        data, rights, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(64))
        for _, _, raw in rights:
            self.fds.extend(array.array("i", raw))
        return data


Answer = Callable[..., list[Any]]


class FakeExod(threading.Thread):
    """`answers` maps an interface's member to a function of (path, *arguments) → values; `calls` remembers all."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.interfaces = shipped()
        self.calls: list[tuple[str, str, list[Any]]] = []
        self.uploads: list[bytes] = []
        self.answers: dict[str, Answer] = {}
        self.introspection: dict[str, str] = {}
        self.scripts: dict[int, list[dict[str, Any]]] = {}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._server = _Server(address)
        self._server.call(DRIVER_PATH, DRIVER, "RequestName", "su", [BUS_NAME, 4], destination=DRIVER)
        self.start()

    # --- what a test sets up ------------------------------------------------------------------------------------------

    def has_plugin(self, name: str, **changed: Any) -> None:
        self.objects[plugin_path(name)] = {f"{BUS_NAME}.Plugin": plugin(name, **changed)}

    def runs(self, *states: dict[str, Any], number: int = 7) -> None:
        """Job `number` is in the next of `states` whenever somebody looks; the last one stays."""
        self.scripts[number] = list(states)

    def starts_job(self, *members: str, number: int = 7) -> None:
        for member in members:
            self.answers[member] = lambda *_: [job_path(number)]

    def refuses(self, member: str, refusal: Refusal) -> None:
        def answer(*_: Any) -> list[Any]:
            raise Refused(refusal)

        self.answers[member] = answer

    def called(self, member: str) -> list[Any]:
        """The arguments of the only call of `member`."""
        (body,) = [body for _, name, body in self.calls if name == member]
        return body

    # --- the service --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        while True:
            try:
                message = self._server._receive(time.monotonic() + 3600, waiting_for="a call")
                if message.message_type is MessageType.METHOD_CALL:
                    self._serve(message)
            except (Refused, OSError):
                return

    def leave(self) -> None:
        self._server._socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self._server.close()

    def _serve(self, message: Any) -> None:
        fds, self._server.fds = self._server.fds, []
        for fd in fds:
            self.uploads.append(os.pread(fd, 1 << 20, 0))
            os.close(fd)
        try:
            signature, values = self._answer(message)
        except Refused as error:
            refusal = error.refusal
            body = [refusal.sentence, refusal.code, refusal.hint, dict(refusal.evidence)]
            self._reply(message, MessageType.ERROR, "sssa{ss}", body, error_name=refusal.outcome.bus_name)
        except KeyError:
            name = "org.freedesktop.DBus.Error.UnknownObject"
            self._reply(message, MessageType.ERROR, "s", [f"no such object: {message.path}"], error_name=name)
        except Exception as error:
            refusal = internal(f"the fake: {type(error).__name__} {error}")
            body = [refusal.sentence, refusal.code, refusal.hint, {}]
            self._reply(message, MessageType.ERROR, "sssa{ss}", body, error_name=refusal.outcome.bus_name)
        else:
            self._reply(message, MessageType.METHOD_RETURN, signature, values)
            self._nudge(message)

    def _answer(self, message: Any) -> tuple[str, list[Any]]:
        if message.member == "GetAll":
            return "a{sv}", [self._variants(message.body[0], self._properties(message.path, message.body[0]))]
        if message.member == "Get":
            interface, name = message.body
            return "v", [self._variants(interface, {name: self._properties(message.path, interface)[name]})[name]]
        if message.member == "Introspect":
            return "s", [self.introspection[message.path]]
        if message.member == "GetManagedObjects":
            found = {
                path: {name: self._variants(name, values) for name, values in faces.items()}
                for path, faces in self.objects.items()
            }
            return "a{oa{sa{sv}}}", [found]
        self.calls.append((message.path, message.member, message.body))
        takes, gives = self._signatures(message)
        assert message.signature == takes, f"{message.member} takes {takes}, was sent {message.signature}"
        if message.interface == f"{BUS_NAME}.Plugin":
            self.objects[message.path]
        return gives, self.answers[message.member](message.path, *message.body)

    def _signatures(self, message: Any) -> tuple[str, str]:
        if message.interface in self.interfaces:
            return signatures(self.interfaces[message.interface], message.member)
        node = ElementTree.fromstring(self.introspection[message.path])
        return signatures(
            next(i for i in node.findall("interface") if i.get("name") == message.interface), message.member
        )

    def _properties(self, path: str, interface: str) -> Mapping[str, Any]:
        if interface == f"{BUS_NAME}.Job":
            script = self.scripts[int(path.rpartition("/")[2])]
            return script.pop(0) if len(script) > 1 else script[0]
        return self.objects[path][interface]

    def _variants(self, interface: str, values: Mapping[str, Any]) -> dict[str, Any]:
        kinds = {prop.get("name"): str(prop.get("type")) for prop in self.interfaces[interface].findall("property")}
        return {name: Variant(kinds[name], value) for name, value in values.items()}

    def _reply(self, to: Any, kind: Any, signature: str, body: list[Any], **more: Any) -> None:
        SignatureTree._get(signature).verify(body)
        self._send(
            Message(
                message_type=kind, destination=to.sender, reply_serial=to.serial, signature=signature, body=body, **more
            )
        )

    def _nudge(self, message: Any) -> None:
        """A job that was looked at changes at once: the signal says so."""
        if message.member == "GetAll" and message.body == [f"{BUS_NAME}.Job"]:
            body = [f"{BUS_NAME}.Job", {}, ["State"]]
            signal = MessageType.SIGNAL
            self._send(
                Message(
                    message_type=signal, path=message.path, interface=PROPERTIES, member="PropertiesChanged",
                    signature="sa{sv}as", body=body,
                )
            )  # fmt: skip

    def _send(self, message: Any) -> None:
        self._server._serial += 1
        message.serial = self._server._serial
        self._server._socket.sendall(encode(message))
