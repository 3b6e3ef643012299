"""A keeper's table survives its re-execution, and only a sealed one is believed."""

import os

import pytest

from exod.sandbox.table import Instance, Table, load, store

TABLE = Table(
    listener=3,
    holder=4,
    holder_pidfd=5,
    holder_pid=100,
    waiting=[6],
    instances={
        7: Instance(channel=8, log=21, nonce="00ff", pid=70, pidfd=9),
        1 << 63: Instance(channel=10, log=22, nonce=""),
    },
    exits={2: (20, 1, 0)},
    zygotes={11: 30},
    nameless={12: 40},
)


def test_a_table_is_the_same_after_its_memfd() -> None:
    assert load(store(TABLE)) == TABLE


def test_every_descriptor_is_named_once() -> None:
    assert sorted(TABLE.descriptors()) == [3, 4, 5, 6, 8, 9, 10, 11, 12, 21, 22]


def test_what_is_polled_is_never_a_channel() -> None:
    assert not {8, 10} & set(TABLE.polled())


def test_a_stored_table_cannot_be_changed() -> None:
    memory = store(TABLE)
    with pytest.raises(PermissionError):
        os.pwrite(memory, b"x", 0)
    with pytest.raises(PermissionError):
        os.truncate(memory, 0)
    os.close(memory)


def test_a_table_that_is_not_sealed_is_not_read() -> None:
    memory = os.memfd_create("open", os.MFD_ALLOW_SEALING)
    with pytest.raises(ValueError, match="not sealed"):
        load(memory)
    os.close(memory)
