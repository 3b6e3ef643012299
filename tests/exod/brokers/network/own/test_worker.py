"""The process that changes the host's network: what it has left when it does, and what it says."""

import json
import os
import resource
from pathlib import Path

import pytest

from exod.brokers.network.own import worker
from tests import uids
from tests.exod.brokers.network.own import apart

UID = uids.OTHER


def test_it_has_one_right_left_and_another_uid() -> None:
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        worker.give_up(UID)
        status = dict(
            line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
        )
        found = [status[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "NoNewPrivs", "Uid", "Groups")]
        os.write(sink, json.dumps([*found, resource.getrlimit(resource.RLIMIT_NPROC)[0]]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(sink)
    *found, processes = json.loads(os.read(source, 4096))
    os.close(source)
    admin = f"{1 << 12:016x}"
    assert found == [admin, admin, "0" * 16, "1", "\t".join([str(UID)] * 4), ""]
    assert processes == 0


def said(asked: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `main` answers, in a process of its own and a network namespace of its own."""
    source, sink = os.pipe()
    with apart.place():
        child = os.fork()
        if child == 0:
            job = os.memfd_create("job")
            os.pwrite(job, json.dumps(asked).encode(), 0)
            monkeypatch.setattr(worker, "CHANGE", job)
            monkeypatch.setattr(worker, "ANSWER", sink)
            worker.main(str(UID))
            os._exit(0)
        os.waitpid(child, 0)
    os.close(sink)
    answer = os.read(source, 4096).decode()
    os.close(source)
    return answer


ASKED = {"range": "10.251.0.0/16", "table": "exod_test", "visitors": "", "wires": [], "laid": 0, "network": -1}


def test_what_is_done_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(ASKED | {"gone": ""}, monkeypatch) == worker.DONE


def test_a_link_that_went_with_its_instance_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(ASKED | {"gone": "exo0afb0000"}, monkeypatch) == worker.DONE


def test_what_the_kernel_refuses_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = [[1, "10.251.0.0", [[6, 8080]], []]]
    answer = said(ASKED | {"gone": "", "wires": wires, "laid": 1, "network": 0}, monkeypatch)
    assert answer == "setns: Invalid argument"
