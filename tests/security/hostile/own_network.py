"""Attempts of a plugin with a network of its own: the host beside what was granted, neighbours, the network itself."""

import os
import socket
import struct
from pathlib import Path

from tests.exod.brokers.network.own.apart import HOST
from tests.security.hostile.attempt import Theme
from tests.security.hostile.network import was_reached

THEME = Theme()
attempt = THEME.attempt
TCP, UDP, SENDS = "listen:tcp:8080", "listen:udp:5353", f"udp:{HOST}:9"
RULES = "host-rules own-rules"


@attempt(12, RULES, network=(SENDS,), seen=was_reached("any_udp"))
def send_to_a_port_beside_the_one_that_is_granted(kernel, told):
    """sends to another UDP port of the host to which it may send"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        kernel.insist(end, (told["host"], told["any_udp"]))


@attempt(12, RULES, network=(UDP,), seen=was_reached("any_udp"))
def send_to_the_host_from_the_port_on_which_it_listens(kernel, told):
    """sends to the host from the UDP port at which it may be asked, as if it answered"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("", 5353))
        kernel.insist(end, (told["host"], told["any_udp"]))


@attempt(12, f"{RULES} landlock", since=("landlock", (6, 7)), network=(TCP,), seen=was_reached("any_tcp"))
def connect_to_the_host_with_the_sockets_of_a_server(kernel, told):
    """connects to the host with a socket that it may make to listen"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        end.settimeout(1.5)
        end.connect((told["host"], told["any_tcp"]))


@attempt(12, f"seccomp {RULES}", network=(TCP,), seen=was_reached("any_tcp"))
def connect_to_the_host_by_fast_open_from_its_own_network(kernel, told):
    """connects to the host by sending, with MSG_FASTOPEN and a message that names the host"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        end.settimeout(1.5)
        end.sendmsg([b"x"], [], socket.MSG_FASTOPEN, (told["host"], told["any_tcp"]))


def listen_as_a_neighbour(kernel, told):
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind(("", 5353))
    return os.dup(end.fileno())


def neighbour_heard(scene):
    """Whether something waits in the neighbour's socket (proc_net_udp(5))."""
    rows = Path(f"/proc/{scene.sibling.pid}/net/udp").read_text().splitlines()[1:]
    return any(int(row.split()[4].partition(":")[2], 16) for row in rows)


@attempt(12, RULES, network=(UDP,), sibling=listen_as_a_neighbour, seen=neighbour_heard)
def reach_a_neighbour_in_its_network(kernel, told):
    """sends to a port on which another plugin listens for the host"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        kernel.insist(end, (told["address"], 5353))


@attempt(41, "seccomp capabilities users", network=(TCP,))
def change_the_flags_of_its_own_link(kernel, told):
    """gives its link the flags that it wants: ARP, multicast"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        kernel.ioctl(end.fileno(), 0x8914, bytearray(struct.pack("<16sH22x", b"eth0", 0x1043)))
        return True


@attempt(41, "seccomp capabilities users", network=(TCP,))
def open_a_raw_socket_on_its_own_link(kernel, told):
    """opens a raw socket where it has an address, to send in another's name"""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 17) as end:
        return end.fileno() > 0


@attempt(41, "seccomp capabilities users", network=(TCP,))
def open_a_packet_socket_on_its_own_link(kernel, told):
    """opens a packet socket on its own link, to speak ARP and IPv6 as it likes"""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as end:
        end.bind(("eth0", 0x0806))
        return True


@attempt(41, "seccomp capabilities users", network=(TCP,))
def take_away_the_rules_of_its_own_network(kernel, told):
    """removes by netlink the rules that the host wrote into its network namespace"""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as end:
        edge = (
            struct.pack("<IHHIIBBBB", 20, 16, 1, 0, 0, 0, 0, 0, 10),
            struct.pack("<IHHIIBBBB", 20, 17, 1, 0, 0, 0, 0, 0, 10),
        )
        gone = struct.pack("<IHHIIBBBB", 20, 10 << 8 | 2, 5, 0, 0, 1, 0, 0, 0)
        end.send(edge[0] + gone + edge[1])
        return struct.unpack_from("<i", end.recv(4096), 16)[0] == 0
