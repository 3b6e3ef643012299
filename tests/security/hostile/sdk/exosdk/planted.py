"""What the zygote of a test has been given, so that a new instance may be seen to have it or not."""

import os
import signal
import sys

from exosdk import kernel

NEWNET, NEWIPC, NEWUTS = 0x40000000, 0x08000000, 0x04000000
REC, PRIVATE = 0x4000, 1 << 18
QUIET = 2 | 4 | 8
RECURSIVE, EMPTY_PATH, CLONE, CLOEXEC = 0x8000, 0x1000, 1, 0o2000000
SECRET = "exod-planted"
HERE = -100 & 0xFFFFFFFF


def signals():
    """As whoever starts a zygote may leave them."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])


def secrets():
    """As a zygote that was forked, not executed, has them of its parent."""
    os.environ["EXOD_SECRET"] = SECRET
    sys.modules["exosdk.runner"].inherited = [SECRET]


def open_zygote():
    """A zygote without walls of its own: the host's network, IPC and, at /host, all its files."""
    spawn = sys.modules["exod.sandbox._spawn"]
    unshare = spawn.unshare

    def stay(flags):
        unshare(flags & ~(NEWNET | NEWIPC | NEWUTS))
        if flags & NEWNET:
            _keep_a_network()

    spawn.unshare, spawn.template = stay, _template


def _keep_a_network():
    """In a child: whoever left the host's network could not come back, and its instances need an empty one."""
    pid = kernel.clone(17, 0, 0, 0, 0)
    if pid == 0:
        kernel.prctl(1, signal.SIGKILL, 0, 0, 0)
        kernel.close_range(0, (1 << 32) - 1, 0)
        kernel.unshare(NEWNET)
        while True:
            signal.pause()


def _template(scratch, stdlib, sdk):
    kernel.mount(0, b"/\0", 0, REC | PRIVATE, 0)
    kernel.mount(b"exod\0", scratch.encode() + b"\0", b"tmpfs\0", QUIET, b"size=64k,mode=0755\0")
    os.chdir(scratch)
    os.mkdir("root", 0o755)
    for source, target in (("/", "host"), (stdlib, "stdlib"), (sdk, "sdk")):
        _bind(source, target)
    kernel.pivot_root(b".\0", b".\0")
    kernel.umount2(b".\0", 2)
    os.chdir("/")


def _bind(source, target):
    tree = kernel.open_tree(HERE, source.encode() + b"\0", CLONE | CLOEXEC | RECURSIVE)
    os.mkdir(target, 0o755)
    kernel.move_mount(tree, b"\0", HERE, target.encode() + b"\0", 4)
    os.close(tree)
