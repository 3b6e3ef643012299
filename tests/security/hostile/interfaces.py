"""Attempts on the kernel itself: what a plugin has no use for, through every entry, with every trick of arguments."""

import os
import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


@attempt(11, "seccomp")
def make_a_user_namespace(kernel, told):
    """makes a user namespace in which it has every capability"""
    kernel.unshare(0x10000000)
    data = bytearray(24)
    kernel.capget(struct.pack("<Ii", 0x20080522, 0), data)
    return any(data)


@attempt(11, "seccomp")
def fork_into_a_user_namespace(kernel, told):
    """forks into a new user namespace with clone"""
    pid = kernel.clone(0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(42)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42


@attempt(11, "seccomp capabilities landlock")
def mount_a_file_system(kernel, told):
    """mounts a file system of its own with the rights of its user namespace"""
    kernel.unshare(0x20000)
    kernel.mount(b"none\0", b"/tmp\0", b"tmpfs\0", 0, 0)
    return os.statvfs("/tmp").f_flag & os.ST_NODEV == 0


@attempt(11, "seccomp landlock")
def mount_in_a_nested_user_namespace(kernel, told):
    """mounts a file system with the rights of a nested user namespace"""
    kernel.unshare(0x10020000)
    kernel.mount(b"none\0", b"/tmp\0", b"tmpfs\0", 0, 0)
    return os.statvfs("/tmp").f_flag & os.ST_NODEV == 0


@attempt(11, "seccomp landlock")
def mount_by_descriptor(kernel, told):
    """makes a mount with fsopen and fsmount in a nested user namespace"""
    kernel.unshare(0x10020000)
    context = kernel.fsopen(b"tmpfs\0", 0)
    kernel.fsconfig(context, 6, 0, 0, 0)
    mounted = kernel.fsmount(context, 0, 0)
    return os.listdir(os.open(".", os.O_RDONLY, dir_fd=mounted)) == []


def idle(kernel, told):
    """A sibling that only is there."""


def look(kernel, told):
    return os.path.exists("/sdk/left")


@attempt(
    11,
    "mounts users capabilities seccomp landlock",
    apart=True,
    sibling=idle,
    seen=lambda scene: scene.sibling.order(look, {})["found"],
)
def mount_where_siblings_look(kernel, told):
    """mounts over a directory that its zygote and all children of it see"""
    kernel.mount(b"none\0", b"/sdk\0", b"tmpfs\0", 0, 0)
    os.close(os.open("/sdk/left", os.O_CREAT | os.O_WRONLY, 0o600))


@attempt(11, "seccomp limits", since=("limits", (6, 14)))
def use_io_uring(kernel, told):
    """opens an io_uring, whose work no filter sees"""
    return kernel.io_uring_setup(1, bytearray(120)) > 0


@attempt(11, "root zygote seccomp", seen=lambda scene: scene.world.in_map() == b"overrun!")
def write_a_bpf_map(kernel, told):
    """writes into a BPF map of the host that is pinned where everybody may open it"""
    path = f"/host{told['directory']}/bpf/map\0".encode()
    opened = kernel.bpf(7, struct.pack("<QII", kernel.address(path), 0, 0).ljust(128, b"\0"), 128)
    key, value = bytes(4), b"overrun!"
    asked = struct.pack("<IIQQQ", opened, 0, kernel.address(key), kernel.address(value), 0)
    kernel.bpf(2, asked.ljust(128, b"\0"), 128)


@attempt(11, "seccomp")
def have_a_program_in_the_kernel(kernel, told):
    """loads a BPF program of its own as a filter that notifies"""
    program = struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000)
    asked = struct.pack("<HxxxxxxQ", 1, kernel.address(program))
    return kernel.seccomp(1, 8, asked) > 0


@attempt(11, "keyring seccomp")
def read_a_key_of_the_host(kernel, told):
    """reads a key in the session keyring that exod was started with"""
    key = kernel.keyctl(10, -3, b"user\0", b"exod-canary\0", 0)
    into = bytearray(64)
    return bytes(into[: kernel.keyctl(11, key, into, 64)]).decode()


@attempt(11, "seccomp")
def keep_a_key_in_the_kernel(kernel, told):
    """keeps a key in the kernel, which outlives it"""
    return kernel.add_key(b"user\0", b"kept\0", b"x", 1, -4) > 0


@attempt(41, "seccomp")
def call_by_the_32_bit_entry(kernel, told):
    """calls the kernel through int 0x80, where numbers mean other calls"""
    return kernel.int80(20, 0, 0, 0) == os.getpid()


@attempt(41, "seccomp")
def call_by_the_x32_entry(kernel, told):
    """calls the kernel with the x32 bit, and lives to see an answer"""
    kernel.raw(kernel.number("getpid") | 0x40000000)
    return True


@attempt(41, "seccomp")
def call_what_the_profile_does_not_know(kernel, told):
    """makes a call that no list of the profile names"""
    timer = bytearray(4)
    return kernel.raw(kernel.number("timer_create"), 1, 0, timer) == (0, 0)


@attempt(41, "seccomp")
def fork_with_high_bits(kernel, told):
    """forks by clone with flag bits set that the kernel does not look at"""
    pid = kernel.clone(17 | 1 << 40, 0, 0, 0, 0)
    if pid == 0:
        os._exit(42)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42


@attempt(41, "seccomp")
def ask_for_what_needs_arguments(kernel, told):
    """reaches the code of calls that it has no use for, with arguments that the kernel refuses"""
    names = (
        "perf_event_open move_pages process_madvise name_to_handle_at statmount fanotify_init quotactl lookup_dcookie"
    )
    bad = (1 << 64) - 1
    answers = {name: kernel.raw(kernel.number(name), bad, bad, bad, bad, bad) for name in names.split()}
    return any(result >= 0 or error not in (1, 38) for result, error in answers.values())


@attempt(11, "seccomp")
def watch_files(kernel, told):
    """watches a directory with inotify"""
    return kernel.inotify_add_watch(kernel.inotify_init1(0), b"/plugin\0", 0x20) > 0


@attempt(15, "seccomp", stdio="terminal")
def take_over_a_terminal(kernel, told):
    """makes the terminal that its output goes to its own"""
    kernel.ioctl(1, 0x540E, 0)
    return True


@attempt(15, "seccomp", stdio="terminal")
def resize_a_terminal(kernel, told):
    """tells the terminal that its output goes to that its window has another size"""
    kernel.ioctl(1, 0x5414, struct.pack("<4H", 42, 42, 0, 0))
    size = bytearray(8)
    kernel.ioctl(1, 0x5413, size)
    return struct.unpack_from("<H", size)[0] == 42


@attempt(15, "limits seccomp", seen=lambda scene: scene.dumped())
def be_dumped(kernel, told):
    """crashes so that its memory is dumped, where a core_pattern might start a program"""
    kernel.prctl(4, 1, 0, 0, 0)
    kernel.setrlimit(4, struct.pack("<2Q", 1 << 40, 1 << 40))
    os.chdir("/tmp")
    kernel.peek(8, 1)
