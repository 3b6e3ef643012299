"""Network namespaces by descriptor."""

import os

from exod.linux import netns


def test_a_network_namespace_is_told_from_everything_else() -> None:
    network, users = (os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in ("net", "user"))
    assert netns.is_network(network)
    assert not netns.is_network(users)
    assert not netns.is_network(0)
    assert netns.identity(network) == os.stat("/proc/self/ns/net").st_ino
    assert netns.owner(network) == os.stat("/proc/self/ns/user").st_ino
    os.close(network)
    os.close(users)
