"""Calls by number: results, and errors with their errno and what they were about."""

import errno
import os

import pytest

from exod.linux import syscall

GETPID = {"x86_64": 39, "aarch64": 172}[os.uname().machine]


def test_a_call_returns_what_the_kernel_returns() -> None:
    assert syscall.syscall(GETPID) == os.getpid()


def test_a_failure_names_what_it_was_about() -> None:
    with pytest.raises(OSError, match="nothing") as error:
        syscall.syscall(1 << 20, what="nothing")
    assert error.value.errno == errno.ENOSYS


def test_unshare_prctl_and_mount_raise_their_errno(tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(OSError, match="unshare"):
        syscall.unshare(-1)
    with pytest.raises(OSError, match="prctl"):
        syscall.prctl(24, 63)
    with pytest.raises(OSError, match="none"):
        syscall.mount("nodev", "/none", "tmpfs", 0, "size=1m")


def test_prctl_returns_a_value() -> None:
    assert syscall.prctl(39) in (0, 1)
