"""Attempts on the network: the host's sockets, sockets of every family, and a granted socket turned elsewhere."""

import os
import socket
import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


def was_reached(name):
    """Whether somebody came to the host's listener; whoever did is sent away."""

    def seen(scene):
        listener = scene.world.listeners[name]
        try:
            if listener.type == socket.SOCK_DGRAM:
                return bool(listener.recv(64))
            listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    return seen


@attempt(12, "network zygote seccomp landlock", seen=was_reached("tcp"), since=("landlock", (6, 7)))
def reach_a_tcp_port_of_the_host(kernel, told):
    """connects to a TCP port on the host's loopback"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        end.connect(("127.0.0.1", told["tcp"]))


@attempt(12, "network zygote seccomp", seen=was_reached("udp"))
def reach_a_udp_port_of_the_host(kernel, told):
    """sends to a UDP port on the host's loopback"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.sendto(b"x", ("127.0.0.1", told["udp"]))


@attempt(12, "network zygote seccomp", seen=was_reached("tcp"))
def reach_the_host_by_fast_open(kernel, told):
    """connects to the host by sending, with MSG_FASTOPEN"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        end.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", told["tcp"]))


@attempt(12, "network zygote seccomp landlock", seen=was_reached("abstract"), since=("landlock", (6, 12)))
def reach_an_abstract_socket_of_the_host(kernel, told):
    """connects to an abstract Unix socket of the host, where a D-Bus might listen"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.connect(told["abstract"])


@attempt(12, "root zygote seccomp", seen=was_reached("path"))
def reach_a_path_socket_of_the_host(kernel, told):
    """connects to a Unix socket in the host's files, where D-Bus listens"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.connect(f"/host{told['directory']}/path.sock")


def can_be_called(scene):
    if not scene.found:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        return end.connect_ex(("127.0.0.1", scene.found)) == 0


@attempt(12, "network zygote seccomp landlock", seen=can_be_called, since=("landlock", (6, 7)))
def listen_on_the_host(kernel, told):
    """listens on a port of the host"""
    end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    end.bind(("127.0.0.1", 0))
    end.listen(1)
    return os.dup(end.fileno()) and end.getsockname()[1]


@attempt(11, "network zygote seccomp")
def look_at_the_interfaces_of_the_host(kernel, told):
    """sees by an ioctl on a socket that the host's loopback is up"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        asked = bytearray(b"lo".ljust(40, b"\0"))
        kernel.ioctl(end.fileno(), 0x8913, asked)
        return struct.unpack_from("<H", asked, 16)[0] & 1


@attempt(11, "seccomp")
def speak_netlink(kernel, told):
    """asks the kernel over netlink for its interfaces"""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as end:
        end.bind((0, 0))
        end.send(struct.pack("<IHHIIB3x", 20, 18, 0x301, 1, 0, 0))
        return len(end.recv(4096)) > 16


@attempt(11, "seccomp capabilities")
def open_a_raw_socket(kernel, told):
    """opens a raw socket in a network that it made for itself"""
    kernel.unshare(0x40000000)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) as end:
        return end.fileno() > 0


@attempt(11, "seccomp capabilities")
def open_a_packet_socket(kernel, told):
    """opens a packet socket in a network that it made for itself"""
    kernel.unshare(0x40000000)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as end:
        return end.fileno() > 0


@attempt(41, "seccomp")
def open_a_socket_of_any_family(kernel, told):
    """opens a socket of any family, MPTCP, vsock and the kernel's ciphers included"""
    asked = [(family, kind, 0) for family in range(64) for kind in (1, 2, 3, 5)] + [(2, 1, 262), (10, 1, 262)]
    return any(kernel.raw(kernel.number("socket"), *how)[0] >= 0 for how in asked)


@attempt(41, "seccomp")
def open_a_socket_with_high_bits(kernel, told):
    """opens a socket whose family has bits set that the kernel does not look at"""
    return kernel.socket(socket.AF_INET | 1 << 32, socket.SOCK_STREAM | 1 << 40, 1 << 33) >= 0


@attempt(41, "seccomp")
def make_a_pair_of_sockets(kernel, told):
    """makes a pair of sockets, which may pass descriptors and hold memory of the kernel"""
    one, other = socket.socketpair()
    return one.send(b"x") == len(other.recv(1))


@attempt(42, "seccomp landlock", stdio="tcp", seen=was_reached("tcp"), since=("landlock", (6, 7)))
def turn_a_connected_socket_to_another_peer(kernel, told):
    """dissolves the connection of a socket that it was given, and connects it elsewhere"""
    kernel.connect(1, struct.pack("<H14x", 0), 16)
    address = struct.pack("<H", 2) + struct.pack(">H4B8x", told["tcp"], 127, 0, 0, 1)
    kernel.connect(1, address, 16)


@attempt(42, "seccomp", stdio="tcp", seen=was_reached("tcp"))
def turn_a_connected_socket_by_fast_open(kernel, told):
    """dissolves the connection of a socket that it was given, and connects it by sending, with MSG_FASTOPEN"""
    kernel.connect(1, struct.pack("<H14x", 0), 16)
    address = struct.pack("<H", 2) + struct.pack(">H4B8x", told["tcp"], 127, 0, 0, 1)
    kernel.sendto(1, b"x", 1, socket.MSG_FASTOPEN, address, 16)


@attempt(42, "seccomp", stdio="tcp", seen=was_reached("tcp"))
def turn_a_connected_socket_by_a_message(kernel, told):
    """dissolves the connection of a socket that it was given, and connects it by a message with MSG_FASTOPEN"""
    kernel.connect(1, struct.pack("<H14x", 0), 16)
    with socket.socket(fileno=os.dup(1)) as end:
        end.sendmsg([b"x"], [], socket.MSG_FASTOPEN, ("127.0.0.1", told["tcp"]))


@attempt(42, "seccomp", stdio="udp", seen=was_reached("udp"))
def send_elsewhere_by_a_connected_socket(kernel, told):
    """sends to another address than that to which a socket that it was given is connected"""
    address = struct.pack("<H", 2) + struct.pack(">H4B8x", told["udp"], 127, 0, 0, 1)
    kernel.sendto(1, b"x", 1, 0, address, 16)


@attempt(42, "seccomp", stdio="tcp", seen=can_be_called)
def listen_on_a_connected_socket(kernel, told):
    """has a socket that it was given dissolved, and listens on it"""
    kernel.connect(1, struct.pack("<H14x", 0), 16)
    kernel.listen(1, 1)
    return socket.socket(fileno=os.dup(1)).getsockname()[1]


def lingers(scene):
    with socket.socket(fileno=os.dup(scene.stdio[1])) as end:
        return struct.unpack("2i", end.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 5)


@attempt(42, "seccomp", stdio="tcp", seen=lingers)
def make_a_socket_linger(kernel, told):
    """sets a socket that it was given to linger, which blocks whoever closes it"""
    kernel.setsockopt(1, 1, 13, struct.pack("<2i", 1, 5), 8)
