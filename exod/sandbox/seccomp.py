"""What a Python plugin may ask of the kernel: architecture → seccomp program. Pure; the table is SECURITY.md's.

What is not listed does not exist (ENOSYS, which libraries can live with); what is dangerous is EPERM, so that a denial
can be told from an old kernel; another architecture's calls end the process.
"""

from exod.linux.numbers import NUMBERS
from exod.sandbox.bpf import ALLOW, Checked, Condition, Only, Verdict, When, Without, assemble, errno, program

EPERM, ENOSYS, ENOTSUP = errno(1), errno(38), errno(95)
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000
FLAG_LOG = 2

ALLOWED = (
    # run
    "exit exit_group rt_sigreturn restart_syscall rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait sigaltstack"
    " getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid uname"
    " getcpu sched_yield sched_getaffinity getrusage times sysinfo set_tid_address set_robust_list rseq getrandom"
    " membarrier kill tgkill tkill"
    # time
    " clock_gettime clock_getres gettimeofday time nanosleep clock_nanosleep setitimer getitimer alarm timerfd_create"
    " timerfd_settime timerfd_gettime"
    # memory
    " brk munmap mremap msync"
    # descriptors
    " read write readv writev pread64 pwrite64 preadv preadv2 pwritev pwritev2 close close_range dup dup2 dup3 lseek"
    " poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2"
    # files
    " stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat"
    " getdents64 getcwd chdir fchdir umask flock fsync fdatasync truncate ftruncate rename renameat renameat2 mkdir"
    " mkdirat rmdir unlink unlinkat utimensat copy_file_range sendfile fadvise64"
    # channel
    " recvmsg recvfrom getsockname getpeername shutdown getrlimit uretprobe"
).split()

DENIED = (
    "io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd ptrace process_vm_readv"
    " process_vm_writev process_madvise process_mrelease kcmp pidfd_open pidfd_send_signal pidfd_getfd keyctl add_key"
    " request_key modify_ldt remap_file_pages personality vmsplice splice tee io_setup io_destroy io_getevents"
    " io_submit io_cancel io_pgetevents mbind set_mempolicy get_mempolicy migrate_pages move_pages"
    " set_mempolicy_home_node pkey_mprotect pkey_alloc pkey_free"
    " shmget shmat shmctl shmdt map_shadow_stack memfd_secret memfd_create mlock"
    " mlock2 mlockall munlock munlockall mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen"
    " fsconfig fsmount fspick mount_setattr unshare setns fanotify_init fanotify_mark inotify_init inotify_init1"
    " inotify_add_watch inotify_rm_watch name_to_handle_at open_by_handle_at quotactl quotactl_fd statmount listmount"
    " seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_set_self_attr"
    " lsm_list_modules setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset setpgid"
    " setsid setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr semget semop semctl semtimedop msgget"
    " msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr syslog init_module"
    " finit_module delete_module kexec_load kexec_file_load reboot settimeofday clock_settime clock_adjtime adjtimex"
    " setpriority sched_setscheduler sched_setparam sched_setattr sched_setaffinity ioprio_set cachestat mincore execve"
    " execveat fork vfork chown fchown lchown fchownat link linkat symlink symlinkat mknod mknodat socket socketpair"
    " connect bind listen accept accept4 setsockopt sendmmsg recvmmsg swapon swapoff acct sethostname setdomainname"
    " iopl ioperm setrlimit vhangup nfsservctl lookup_dcookie"
).split()

UNSUPPORTED = "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr".split()

_PROT_READ_WRITE = 3
_MAP_FORBIDDEN = 0x40000 | 0x100 | 0x2000
"""MAP_HUGETLB, MAP_GROWSDOWN, MAP_LOCKED"""
_PTHREAD = 0x003D0F00
"""VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID: what pthread_create passes, no more."""
_MSG_FORBIDDEN = ~(0x40 | 0x80 | 0x4000 | 0x8000) & 0xFFFFFFFF
"""All but DONTWAIT, EOR, NOSIGNAL, MORE: no OOB, and no FASTOPEN, which is a connect."""


def _null(argument: int) -> Condition:
    return Only(argument, (0,), wide=True)


CHECKED: dict[str, tuple[Condition, ...]] = {
    "arch_prctl": (Only(0, (0x1002, 0x1003)),),
    "mmap": (Without(2, ~_PROT_READ_WRITE & 0xFFFFFFFF, wide=True), Without(3, _MAP_FORBIDDEN, wide=True)),
    "mprotect": (Without(2, ~_PROT_READ_WRITE & 0xFFFFFFFF, wide=True),),
    "madvise": (Only(2, (4, 8, 3, 0, 1, 2, 16, 14, 15, 22, 23)),),
    "clone": (Only(0, (_PTHREAD,), wide=True),),
    "futex": (Only(1, (0, 1, 9, 10), ignore=128 | 256),),
    "fcntl": (Only(1, (3, 1, 2, 0, 4, 1030, 5, 6, 7, 36, 37, 38, 1033, 1034)), When(1, 4, Without(2, 0x2000))),
    "ioctl": (Only(1, (0x5421, 0x5451, 0x5450, 0x541B)),),
    "pipe2": (Without(1, ~(0o2000000 | 0o4000) & 0xFFFFFFFF),),
    "fallocate": (Only(1, (0, 1)),),
    # A file that is made with it on a writable grant is somebody's set-user-id program outside.
    "open": (Without(2, 0o6000),),
    "openat": (Without(3, 0o6000),),
    "chmod": (Without(1, 0o6000),),
    "fchmod": (Without(1, 0o6000),),
    "fchmodat": (Without(2, 0o6000),),
    "sendmsg": (Without(2, _MSG_FORBIDDEN),),
    "sendto": (Without(3, _MSG_FORBIDDEN), _null(4)),
    # TYPE ERROR ACCEPTCONN, and PROTOCOL DOMAIN, which socket.socket(fileno=) asks for
    "getsockopt": (Only(1, (1,)), Only(2, (3, 4, 30, 38, 39))),
    "prlimit64": (Only(0, (0,)), _null(2)),
    # SET_NAME GET_NAME GET_DUMPABLE SET_VMA, and what tells an instance of its own walls: GET_SECCOMP CAPBSET_READ
    # GET_SECUREBITS GET_NO_NEW_PRIVS GET_MDWE
    "prctl": (Only(0, (15, 16, 3, 0x53564D41, 21, 23, 27, 39, 66)),),
}


def verdicts(machine: str) -> dict[int, Verdict]:
    """Call number → what happens, for every call that is named here and exists on `machine`."""
    numbers = NUMBERS[machine]
    table: dict[str, Verdict] = dict.fromkeys(ALLOWED, ALLOW)
    table |= dict.fromkeys(DENIED, EPERM) | dict.fromkeys(UNSUPPORTED, ENOTSUP)
    table |= {name: Checked(conditions, EPERM) for name, conditions in CHECKED.items()}
    return {numbers[name]: verdict for name, verdict in table.items() if name in numbers}


def compile_filter(machine: str) -> bytes:
    """The program as the kernel takes it (struct sock_filter[]) for a Python plugin without any grant."""
    foreign = X32_BIT if machine == "x86_64" else 0
    return assemble(program(verdicts(machine), default=ENOSYS, arch=AUDIT_ARCH[machine], foreign_bit=foreign))
