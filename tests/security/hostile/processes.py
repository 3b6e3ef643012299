"""Attempts on processes: the host's, a sibling's, the zygote's, and its own beyond what it is given."""

import os
import signal
import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


def hold(kernel, told):
    """A sibling with a secret in its memory and a descriptor."""
    import builtins
    import os

    builtins.held = held = bytearray(b"held by a sibling")
    return {"address": kernel.address(held), "descriptor": os.dup(0)}


def killed(scene):
    return scene.process.wait(timeout=60) == -signal.SIGKILL if scene.found else scene.process.poll() is not None


@attempt(10, "pids landlock", host_process=True, seen=killed, since=("landlock", (6, 12)))
def kill_a_process_of_the_host(kernel, told):
    """kills a process of the host that has the same uid, by its number"""
    os.kill(told["process"], signal.SIGKILL)
    return True


@attempt(10, "pids seccomp landlock", host_process=True, seen=killed, since=("landlock", (6, 12)))
def kill_by_pidfd(kernel, told):
    """kills a process of the host that has the same uid, by a pidfd"""
    descriptor = kernel.pidfd_open(told["process"], 0)
    kernel.pidfd_send_signal(descriptor, signal.SIGKILL, 0, 0)
    return True


@attempt(10, "pids own-uid landlock", apart=True, since=("landlock", (6, 12)))
def kill_the_zygote(kernel, told):
    """ends the zygote that it was forked from"""
    os.kill(told["zygote"], signal.SIGTERM)
    return True


@attempt(10, "pids own-uid users seccomp landlock", sibling=hold)
def read_the_memory_of_a_sibling(kernel, told):
    """reads the memory of another plugin with process_vm_readv"""
    into = bytearray(17)
    local = struct.pack("<2Q", kernel.address(into), 17)
    remote = struct.pack("<2Q", told["victim"]["address"], 17)
    kernel.process_vm_readv(told["sibling"], local, 1, remote, 1, 0)
    return into == b"held by a sibling"


@attempt(10, "pids own-uid users seccomp landlock", sibling=hold)
def write_the_memory_of_a_sibling(kernel, told):
    """writes the memory of another plugin with process_vm_writev"""
    local = struct.pack("<2Q", kernel.address(b"HELD"), 4)
    remote = struct.pack("<2Q", told["victim"]["address"], 4)
    return kernel.process_vm_writev(told["sibling"], local, 1, remote, 1, 0) == 4


@attempt(10, "pids own-uid users seccomp landlock", sibling=hold)
def trace_a_sibling(kernel, told):
    """attaches to another plugin with ptrace"""
    return kernel.ptrace(16, told["sibling"], 0, 0) == 0


@attempt(10, "pids own-uid users seccomp landlock", sibling=hold)
def take_a_descriptor_of_a_sibling(kernel, told):
    """takes a descriptor out of another plugin with pidfd_getfd"""
    process = kernel.pidfd_open(told["sibling"], 0)
    return kernel.pidfd_getfd(process, told["victim"]["descriptor"], 0) > 0


@attempt(10, "pids own-uid users seccomp landlock", sibling=hold)
def compare_with_a_sibling(kernel, told):
    """learns from kcmp whether another plugin has the same file open"""
    return kernel.kcmp(os.getpid(), told["sibling"], 0, 0, 0) >= 0


@attempt(10, "root zygote own-uid users landlock", sibling=hold)
def read_the_memory_of_a_sibling_in_procfs(kernel, told):
    """reads the memory of another plugin in the host's /proc"""
    with open(f"/host/proc/{told['sibling']}/mem", "rb", buffering=0) as memory:
        memory.seek(told["victim"]["address"])
        return memory.read(17) == b"held by a sibling"


async def stop_the_sibling(scene):
    os.kill(scene.sibling.pid, signal.SIGSTOP)
    while scene.sibling.state != "T":
        os.sched_yield()


@attempt(
    40,
    "signals landlock",
    sibling=hold,
    before=stop_the_sibling,
    seen=lambda scene: scene.sibling.state != "T",
    since=("landlock", (6, 12)),
)
def continue_the_session_of_the_zygote(kernel, told):
    """sends SIGCONT to all of the zygote's session: a sibling that was stopped runs on"""
    os.kill(0, signal.SIGCONT)


def has_ended(scene):
    return scene.sibling.order(hold, {}) is None


@attempt(40, "signals own-uid landlock", sibling=hold, apart=True, seen=has_ended, since=("landlock", (6, 12)))
def kill_the_session_of_the_zygote(kernel, told):
    """kills all of its uid in the zygote's session, siblings among them"""
    os.kill(0, signal.SIGKILL)


@attempt(13, "seccomp pids", seen=lambda scene: scene.left_behind())
def leave_a_process_behind(kernel, told):
    """forks a process that lives on when it ends"""
    import os

    if kernel.clone(17, 0, 0, 0, 0) == 0:
        os.close(3)
        while True:
            signal.pause()
    os._exit(0)


@attempt(13, "seccomp")
def fork(kernel, told):
    """forks a process"""
    return kernel.child(lambda: 42) == 42


@attempt(13, "seccomp")
def fork_by_clone3(kernel, told):
    """forks with clone3, whose flags no filter can read"""
    arguments = struct.pack("<8Q", 0, 0, 0, 0, 17, 0, 0, 0)
    pid = kernel.clone3(arguments, len(arguments))
    if pid == 0:
        os._exit(42)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42


@attempt(11, "seccomp no-exec landlock", files=("program",))
def execute_a_granted_program(kernel, told):
    """executes a file that was granted to be read"""
    path = told["directory"] + "/program"
    return kernel.child(lambda: os.execve(path, [path], {})) == 42


@attempt(11, "seccomp no-exec landlock", files=("program",))
def execute_from_its_tmp(kernel, told):
    """writes a program into its own /tmp and executes it"""
    with open(told["directory"] + "/program", "rb") as source, open("/tmp/program", "wb") as target:
        target.write(source.read())
    os.chmod("/tmp/program", 0o700)
    return kernel.child(lambda: os.execve("/tmp/program", ["program"], {})) == 42


@attempt(11, "seccomp", files=("program",))
def execute_from_memory(kernel, told):
    """executes a program from a memfd"""
    with open(told["directory"] + "/program", "rb") as source:
        program = source.read()
    memory = kernel.memfd_create(b"program\0", 0)
    os.write(memory, program)
    none = struct.pack("<Q", 0)
    return kernel.child(lambda: kernel.execveat(memory, b"\0", none, none, 0x1000)) == 42


@attempt(16, "root zygote seccomp no-new-privileges users landlock")
def execute_a_setuid_program(kernel, told):
    """executes a program of the host that runs with another's rights"""
    path = f"/host{told['directory']}/setuid"
    return kernel.child(lambda: os.execve(path, [path], {})) == 43


@attempt(43, "capabilities")
def have_capabilities(kernel, told):
    """has a Linux capability while its code runs"""
    return any(kernel.raw(kernel.number("prctl"), 23, capability)[0] == 1 for capability in range(41))


@attempt(43, "capabilities users seccomp")
def become_a_sibling(kernel, told):
    """takes the uid of another plugin"""
    kernel.setresuid(told["foreign_uid"], told["foreign_uid"], told["foreign_uid"])
    return os.getuid() == told["foreign_uid"]


@attempt(43, "users", files=("foreign",))
def see_whose_a_file_is(kernel, told):
    """sees which other plugin's uid a granted file has"""
    return os.stat(told["directory"] + "/foreign").st_uid == told["foreign_uid"]


@attempt(43, "capabilities seccomp")
def change_its_root(kernel, told):
    """changes its root directory"""
    os.mkdir("/tmp/root")
    kernel.chroot(b"/tmp/root\0")
    return os.listdir("/") == []


@attempt(43, "seccomp")
def be_dumpable(kernel, told):
    """makes itself dumpable, and thereby traceable"""
    kernel.prctl(4, 1, 0, 0, 0)
    return kernel.prctl(3, 0, 0, 0, 0) == 1


@attempt(13, "seccomp")
def pin_itself_to_a_processor(kernel, told):
    """binds itself to one processor, beside whatever runs there"""
    own = bytearray(128)
    kernel.sched_getaffinity(0, 128, own)
    first = next(bit for bit in range(1024) if own[bit // 8] >> bit % 8 & 1)
    wanted = bytearray(128)
    wanted[first // 8] = 1 << first % 8
    return kernel.sched_setaffinity(0, 128, bytes(wanted)) == 0


@attempt(40, "root zygote seccomp landlock", seen=lambda scene: scene.oom_score() == 0)
def die_last(kernel, told):
    """lowers its own oom score through the host's /proc, so that others die before it"""
    kernel.prctl(4, 1, 0, 0, 0)
    with open("/host/proc/self/oom_score_adj", "w") as file:
        file.write("0")
