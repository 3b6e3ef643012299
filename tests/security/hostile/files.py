"""Attempts on files: the host's, the kernel's, devices, other plugins', the package's own, and what is granted."""

import fcntl
import os
import socket
import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


@attempt(10, "root zygote landlock")
def read_a_file_of_the_host(kernel, told):
    """reads a file of the host that everybody may read"""
    with open(f"/host{told['directory']}/secret") as file:
        return file.read()


@attempt(10, "root zygote landlock")
def list_the_host(kernel, told):
    """lists the directories of the host"""
    return "etc" in os.listdir("/host")


@attempt(10, "root zygote landlock", seen=lambda scene: (scene.world.directory / "open").read_text() == "overwritten")
def write_a_file_of_the_host(kernel, told):
    """writes a file of the host that everybody may write"""
    with open(f"/host{told['directory']}/open", "w") as file:
        file.write("overwritten")


@attempt(10, "root zygote landlock", seen=lambda scene: bool(os.listdir(scene.world.directory / "drop")))
def leave_a_file_on_the_host(kernel, told):
    """makes a file in a directory of the host that everybody may write"""
    os.close(os.open(f"/host{told['directory']}/drop/left", os.O_CREAT | os.O_WRONLY, 0o600))


@attempt(10, "root zygote landlock")
def read_the_kernels_tables(kernel, told):
    """reads what /proc tells of the host"""
    with open("/host/proc/version") as file:
        return file.read().startswith("Linux")


@attempt(10, "root zygote landlock")
def read_the_command_lines_of_others(kernel, told):
    """reads the command line of a process of the host in /proc"""
    with open("/host/proc/1/cmdline", "rb") as file:
        return bool(file.read())


@attempt(10, "root zygote landlock")
def walk_the_devices_tree(kernel, told):
    """lists /sys"""
    return "kernel" in os.listdir("/host/sys")


@attempt(10, "root zygote landlock")
def open_a_device(kernel, told):
    """reads a device of the host"""
    with open("/host/dev/zero", "rb") as device:
        return device.read(4) == bytes(4)


@attempt(10, "root zygote landlock")
def read_shared_memory_of_the_host(kernel, told):
    """lists the POSIX shared memory of the host"""
    return os.listdir("/host/dev/shm") is not None


@attempt(36, "seccomp landlock")
def make_a_special_file(kernel, told):
    """makes a FIFO in its own /tmp"""
    return kernel.mknod(b"/tmp/fifo\0", 0o010600, 0) == 0


@attempt(16, "seccomp")
def make_a_hard_link(kernel, told):
    """makes a hard link, by which a helper could be led to another file"""
    os.close(os.open("/tmp/one", os.O_CREAT | os.O_WRONLY, 0o600))
    os.link("/tmp/one", "/tmp/two")
    return os.stat("/tmp/one").st_nlink == 2


@attempt(16, "seccomp landlock")
def make_a_symbolic_link(kernel, told):
    """makes a symbolic link, by which a cleaner of /tmp could be led away"""
    os.symlink("/state", "/tmp/way")
    return os.readlink("/tmp/way") == "/state"


@attempt(16, "seccomp")
def set_the_setuid_bit(kernel, told):
    """gives a file of its own the setuid bit"""
    os.close(os.open("/tmp/mine", os.O_CREAT | os.O_WRONLY, 0o700))
    os.chmod("/tmp/mine", 0o4700)
    return bool(os.stat("/tmp/mine").st_mode & 0o4000)


def idle(kernel, told):
    """A sibling that only is there."""


def look_for_it(kernel, told):
    return os.path.exists("/left")


@attempt(16, "own-uid root landlock", sibling=idle, seen=lambda scene: scene.sibling.order(look_for_it, {})["found"])
def leave_a_file_for_a_sibling(kernel, told):
    """leaves a file where another plugin of its zygote finds it"""
    os.close(os.open("/left", os.O_CREAT | os.O_WRONLY, 0o644))


@attempt(37, "sealed owner landlock")
def change_its_own_code(kernel, told):
    """writes the code that was verified"""
    with open("/plugin/code/hello.py", "a") as file:
        file.write("changed = True\n")
    with open("/plugin/code/hello.py") as file:
        return "changed" in file.read()


@attempt(37, "sealed owner landlock")
def add_to_its_own_code(kernel, told):
    """puts a module beside the code that was verified"""
    os.close(os.open("/plugin/code/new.py", os.O_CREAT | os.O_WRONLY, 0o600))
    return "new.py" in os.listdir("/plugin/code")


@attempt(37, "sealed owner landlock")
def replace_its_own_code(kernel, told):
    """removes a module that was verified"""
    os.unlink("/plugin/code/hello.py")
    return os.listdir("/plugin/code") == []


@attempt(37, "sealed owner landlock")
def rename_its_own_code(kernel, told):
    """moves a module that was verified to another name"""
    os.rename("/plugin/code/hello.py", "/plugin/code/other.py")
    return os.listdir("/plugin/code") == ["other.py"]


@attempt(36, "read-only landlock", files=("open",))
def write_a_granted_file(kernel, told):
    """writes a file that was granted to be read"""
    with open(f"{told['directory']}/open", "r+") as file:
        return file.write("written")


def has_to_wait(lock):
    """Whether somebody of the host who wants this lock does not get it."""

    def seen(scene):
        with open(scene.world.directory / "open", "r+b") as file:
            try:
                lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    return seen


@attempt(36, "seccomp", files=("open",), seen=has_to_wait(fcntl.flock))
def lock_a_granted_file(kernel, told):
    """locks a file that was granted to be read, and whoever asks for that lock on the host waits"""
    kernel.flock(os.open(f"{told['directory']}/open", os.O_RDONLY), 2)


@attempt(36, "seccomp", files=("open",), seen=has_to_wait(fcntl.lockf))
def lock_bytes_of_a_granted_file(kernel, told):
    """locks the bytes of a file that was granted to be read, as databases do"""
    whole = bytearray(struct.pack("hhqqi4x", 0, os.SEEK_SET, 0, 0, 0))
    kernel.fcntl(os.open(f"{told['directory']}/open", os.O_RDONLY), 6, whole)


@attempt(36, "grants", files=("link",))
def be_granted_a_link(kernel, told):
    """is granted a symbolic link, which may lead elsewhere tomorrow"""
    with open(f"{told['directory']}/link") as file:
        return file.read()


@attempt(36, "grants", files=("way",))
def be_granted_a_file_behind_a_link(kernel, told):
    """is granted a file on whose way lies a symbolic link"""
    with open(f"{told['directory']}/way/secret") as file:
        return file.read()


@attempt(36, "grants landlock", files=("fifo",))
def be_granted_a_fifo(kernel, told):
    """is granted a FIFO, which a read-only mount does not keep from being written"""
    descriptor = os.open(f"{told['directory']}/fifo", os.O_RDWR | os.O_NONBLOCK)
    return os.write(descriptor, b"x")


@attempt(36, "grants read-only", files=("zero",))
def be_granted_a_device(kernel, told):
    """is granted a device"""
    with open(f"{told['directory']}/zero", "rb") as device:
        return device.read(4) == bytes(4)


@attempt(36, "grants seccomp", files=("path.sock",))
def be_granted_a_socket(kernel, told):
    """is granted a socket, which a read-only mount does not keep from being connected to"""
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(f"{told['directory']}/path.sock")
        return True


@attempt(36, "grants", files=("kernel",))
def be_granted_a_file_of_the_kernel(kernel, told):
    """is granted a file of /proc that is not on the closed list"""
    with open("/proc/version") as file:
        return file.read().startswith("Linux")
