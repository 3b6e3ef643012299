/* Ids -> a user namespace in which a user and a group are one. Runs in exod's own process, never in a zygote. */
#include "_idmap.h"

#include "_walls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOLDER_STACK (64 << 10)

/* Runs beside its parent in the same memory and with the same errno: reads, and nothing else. */
static int wait_for_end(void *gate) {
    unsigned int mine = (unsigned int)((int *)gate)[0];
    char end;
    /* Its descriptors are copies: the gate of a neighbour among them would keep that neighbour waiting. */
    syscall(SYS_close_range, mine + 1, ~0U, 0);
    if (mine > 0)
        syscall(SYS_close_range, 0, mine - 1, 0);
    while (read((int)mine, &end, 1) > 0)
        ;
    return 0;
}

/* A user namespace in which user `uid` and group `gid` are `outside`, for an idmapped mount. Its owner is root, nobody else has a
 * capability over it, and the child does nothing but wait. */
int mapped_users(unsigned int uid, unsigned int gid, unsigned int outside) {
    char path[64], map[64];
    int gate[2], users = -1, error = 0;
    if (pipe2(gate, O_CLOEXEC))
        return -1;
    /* CLONE_VM: a copy of the daemon's page tables, and the faults after it, would cost 2 ms of every start. */
    char *stack = mmap(NULL, HOLDER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pid_t pid = -1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a handler in the child would write into this process's memory */
    if (stack != MAP_FAILED)
        pid = clone(wait_for_end, stack + HOLDER_STACK, CLONE_NEWUSER | CLONE_VM | SIGCHLD, gate);
    if (pid < 0)
        error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (int i = 0; pid > 0 && i < 2 && !error; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, i ? "gid_map" : "uid_map");
        snprintf(map, sizeof map, "%u %u 1\n", i ? gid : uid, outside);
        error = walls_put(AT_FDCWD, path, map) ? errno : 0;
    }
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    if (pid > 0 && !error)
        users = open(path, O_RDONLY | O_CLOEXEC);
    if (users < 0 && !error)
        error = errno;
    close(gate[1]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ; /* it lives on this stack */
    close(gate[0]);
    if (stack != MAP_FAILED)
        munmap(stack, HOLDER_STACK);
    errno = error;
    return users;
}
