"""A cell owns what was opened for an instance: all of it is closed, once."""

import os
import socket

from exod.sandbox import root
from exod.sandbox.cell import NONE, Cell


def open_cell() -> Cell:
    cell = Cell(1)
    cell.fork = {"log": os.open(os.devnull, os.O_RDONLY), "tmp": os.open(os.devnull, os.O_RDONLY)}
    cell.granted = [os.open(os.devnull, os.O_RDONLY)]
    cell.fork["root"], cell.targets = root.build({"a": (b"a", False)}, places={"/proc/stat": False})
    cell.pidfd = os.pidfd_open(os.getpid())
    cell.end = socket.socket(socket.AF_UNIX)
    return cell


def test_nothing_stays_open_however_often_it_is_closed() -> None:
    before = os.listdir("/proc/self/fd")
    cell = open_cell()
    cell.close()
    cell.close()
    assert os.listdir("/proc/self/fd") == before
    assert cell.pidfd == NONE


def test_a_forked_child_leaves_only_what_stays_with_the_instance() -> None:
    before = len(os.listdir("/proc/self/fd"))
    cell = open_cell()
    cell.forked()
    assert len(os.listdir("/proc/self/fd")) == before + 2
    cell.close()
