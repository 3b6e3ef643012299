"""A suite's name and some packages → a booted Debian with systemd, polkit and a TPM, in which a test runs things.

    def test_the_service_comes_back(vm: Machine) -> None:
        vm.run("systemctl kill --signal=KILL exod.service")
        vm.wait_unit("exod.service")
        assert vm.run("exoctl plugin list", user="alice", check=False).code == 0

The fixture `vm` comes with `pytest_plugins = ["exosdk.testing.vm.fixtures"]`; it stands on `house`, which needs no
pytest. An image is built with mmdebstrap from this machine's own apt sources, booted once under QEMU, frozen, and
restored from its memory in a second or two for every test. Needs root and what packaging/apt-vm.txt lists; without it,
it refuses by name. KVM is used only after it booted a kernel here. Imports nothing of exod.
"""

from exosdk.testing.vm.conversation import CommandFailed, Result
from exosdk.testing.vm.machine import Machine
from exosdk.testing.vm.unusable import Unusable

__all__ = ["CommandFailed", "Machine", "Result", "Unusable"]
