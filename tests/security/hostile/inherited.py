"""Attempts on what a new instance finds: of exod, keeper and zygote, in environment, memory, descriptors, names."""

import gc
import os

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


@attempt(14, "fresh")
def find_a_secret_in_the_environment(kernel, told):
    """finds a variable of exod's environment"""
    return "EXOD_SECRET" in os.environ


@attempt(14, "fresh")
def find_a_secret_in_memory(kernel, told):
    """finds a secret of exod in the objects it was born with"""
    return any(isinstance(each, list) and "exod-planted" in each for each in gc.get_objects())


@attempt(40, "descriptors")
def find_a_descriptor(kernel, told):
    """finds open descriptors beside its four"""

    def is_open(descriptor):
        try:
            os.fstat(descriptor)
        except OSError:
            return False
        return True

    return any(is_open(descriptor) for descriptor in range(4, 1024))


@attempt(40, "descriptors")
def walk_the_procfs_of_the_zygote(kernel, told):
    """walks a descriptor of the zygote's /proc"""
    for descriptor in range(4, 1024):
        try:
            os.stat("self/ns", dir_fd=descriptor)
        except OSError:
            continue
        return True
    return False


@attempt(40, "descriptors landlock")
def look_into_its_own_group(kernel, told):
    """reads its control group through a descriptor that its birth left open"""
    for descriptor in range(4, 1024):
        try:
            file = os.open("cgroup.procs", os.O_RDONLY, dir_fd=descriptor)
        except OSError:
            continue
        return bool(os.read(file, 64))
    return False


@attempt(40, "signals")
def keep_signals_ignored(kernel, told):
    """finds signals ignored or blocked that whoever started the zygote had set so"""
    import signal

    blocked = signal.SIGUSR2 in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    old = bytearray(32)
    kernel.rt_sigaction(signal.SIGUSR1, 0, old, 8)
    return blocked or any(old[:8])


@attempt(40, "host-name")
def learn_the_hosts_name(kernel, told):
    """learns the host's name"""
    return os.uname().nodename != "plugin"


@attempt(40, "root zygote cgroups landlock")
def learn_its_control_group(kernel, told):
    """learns from /proc where in the host's tree of control groups it is"""
    with open("/host/proc/self/cgroup") as file:
        return "/i-" in file.read()


@attempt(40, "pids")
def learn_its_number(kernel, told):
    """learns its process number on the host"""
    return os.getpid() != 1
