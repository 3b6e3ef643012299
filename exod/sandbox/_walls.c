/* A fresh clone of the zygote -> a confined process, or the step that failed. Runs between clone3 and Python.
 *
 * The order is the design's: everything that needs privilege first, then identity, then the giving up of privilege,
 * then what forbids. Every step either holds or ends the child; none is optional but where a comment says why. */
#include "_walls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define MDWE_REFUSE_EXEC_GAIN 1
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#endif

int walls_put(int directory, const char *path, const char *text) {
    int file = openat(directory, path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t size = (ssize_t)strlen(text), done = write(file, text, size);
    int error = errno;
    close(file);
    errno = error;
    return done == size ? 0 : -1;
}

static int has(const struct child *child, uint32_t layer) {
    return !(child->request.without & layer);
}

/* --- what the zygote would otherwise leave in its child ------------------------------------------------------- */

static int new_session(struct child *child) {
    (void)child;
    return setsid() < 0 ? -1 : 0;
}

static int reset_signals(struct child *child) {
    (void)child;
    struct itimerval off = {{0, 0}, {0, 0}};
    for (int signal = 1; signal < NSIG; signal++) {
        /* CPython turns a broken pipe and a full file into exceptions, for which both signals stay ignored. */
        struct sigaction action = {.sa_handler = signal == SIGPIPE || signal == SIGXFSZ ? SIG_IGN : SIG_DFL};
        if (signal != SIGKILL && signal != SIGSTOP && sigaction(signal, &action, NULL) && errno != EINVAL)
            return -1;
    }
    /* glibc keeps 32 and 33 to itself and refuses them; whoever started us may have left them ignored. */
    unsigned long standard[4] = {0};
    for (int signal = 32; signal < 34; signal++)
        if (syscall(SYS_rt_sigaction, signal, standard, NULL, 8))
            return -1;
    setitimer(ITIMER_REAL, &off, NULL);
    setitimer(ITIMER_VIRTUAL, &off, NULL);
    setitimer(ITIMER_PROF, &off, NULL);
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int reset_scheduling(struct child *child) {
    (void)child;
    struct sched_param plain = {0};
    if (sched_setscheduler(0, SCHED_OTHER, &plain))
        return -1;
    /* Raising one's own priority takes CAP_SYS_NICE on the host, so a niced keeper has niced instances. */
    if (getpriority(PRIO_PROCESS, 0) != 0)
        (void)setpriority(PRIO_PROCESS, 0, 0);
    umask(077);
    return 0;
}

static int die_first(struct child *child) {
    return walls_put(child->armour->procfs, "self/oom_score_adj", "500");
}

/* --- namespaces ----------------------------------------------------------------------------------------------- */

static int enter_network(struct child *child) {
    return setns(child->fds[FD_NETNS], CLONE_NEWNET);
}

static int attach(int from, const char *from_path, int to, const char *to_path) {
    unsigned int flags = (*from_path ? 0 : MOVE_MOUNT_F_EMPTY_PATH) | (*to_path ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
    return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

/* Whether files of the mount at `path` may be mapped to be executed; to forbid it, those of all below it too. */
static int executable(const char *path, int yes) {
    uint64_t attributes[4] = {yes ? 0 : MOUNT_ATTR_NOEXEC, yes ? MOUNT_ATTR_NOEXEC : 0, 0, 0};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, yes ? 0 : AT_RECURSIVE, attributes, sizeof attributes);
}

/* In a zygote: of the mounts in this namespace, an instance's, nothing more is executed. */
int walls_loaded(int procfs, int mounts) {
    int home = openat(procfs, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (home < 0)
        return -1;
    int bad = setns(mounts, CLONE_NEWNS) || executable("/", 0), error = errno;
    if (setns(home, CLONE_NEWNS))
        _exit(1); /* it stands among the instance's mounts, which the next child would get */
    close(home);
    errno = error;
    return bad ? -1 : 0;
}

/* The template's mounts are this child's own copies, so they are moved, not cloned. Targets of granted files are
 * descriptors that exod opened inside the root it built: no path has to travel. */
static int build_root(struct child *child) {
    const int *fds = child->fds;
    int root = fds[FD_ROOT], next = FIXED_FDS;
    if (child->request.flags & FLAG_NATIVE && executable("/stdlib", 1))
        return -1;
    if (attach(root, "", AT_FDCWD, "/root") || attach(AT_FDCWD, "/stdlib", root, child->armour->stdlib)
        || attach(AT_FDCWD, "/sdk", root, child->armour->sdk) || attach(fds[FD_TMP], "", root, "tmp"))
        return -1;
    if (child->request.flags & FLAG_STATE && attach(fds[next++], "", root, "state"))
        return -1;
    next += !!(child->request.flags & FLAG_DOMAIN);
    for (uint32_t file = 0; file < child->request.files; file++, next += 2)
        if (attach(fds[next], "", fds[next + 1], ""))
            return -1;
    return 0;
}

static int pivot(struct child *child) {
    if (fchdir(child->fds[FD_ROOT]) || syscall(SYS_pivot_root, ".", "."))
        return -1;
    /* After pivot_root(".", ".") the old root lies on top of the new one. */
    return umount2(".", MNT_DETACH) || chdir("/") ? -1 : 0;
}

static int name_host(struct child *child) {
    (void)child;
    return sethostname("plugin", 6) || setdomainname("", 0) ? -1 : 0;
}

/* --- limits, keys, identity ----------------------------------------------------------------------------------- */

#define MIB ((rlim_t)1 << 20)
#define SCRATCH (4 * MIB) /* the size of /tmp, any file of which may fill it */

/* Never above what there is: raising a limit takes a right that nobody here has. */
static int lower(int what, rlim_t to) {
    struct rlimit now;
    if (getrlimit(what, &now))
        return -1;
    to = now.rlim_max < to ? now.rlim_max : to;
    now = (struct rlimit){to, to};
    return setrlimit(what, &now);
}

/* RLIMIT_CORE 1: with 0 the kernel still starts a core_pattern pipe as root. Tasks are counted for a uid, and that is the
 * instance's own. Of tasks, and of files below, one more than it may have: who wants more is refused by its cgroup, or
 * counted, and named. Memory is a backstop for hosts without the controller, and counts what is mapped, not what is used: so
 * twice what the package may use, and room for stacks (8 MiB), arenas (64 MiB) and the interpreter. */
static int limit(struct child *child) {
    const struct bounds *most = &child->request.bounds;
    struct rlimit core = {1, 1};
    rlim_t data = 2 * most->memory + most->tasks * 8 * MIB + 32 * MIB;
    return setrlimit(RLIMIT_CORE, &core) || lower(RLIMIT_MSGQUEUE, 0) || lower(RLIMIT_MEMLOCK, 0)
                   || lower(RLIMIT_NPROC, most->tasks + 1) || lower(RLIMIT_DATA, data)
                   || lower(RLIMIT_AS, data + most->tasks * 64 * MIB + 256 * MIB)
                   || lower(RLIMIT_FSIZE, most->storage < SCRATCH ? SCRATCH : most->storage)
               ? -1
               : 0;
}

static int fresh_keyring(struct child *child) {
    (void)child;
    return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ? -1 : 0;
}

static int capabilities(int call, struct __user_cap_data_struct data[2]) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return (int)syscall(call, &header, data);
}

static int become(struct child *child) {
    struct __user_cap_data_struct data[2];
    uid_t uid = child->request.uid;
    /* Without a user namespace of its own to come, the bounding set has to be emptied in this one, which takes rights. */
    int keep = !has(child, BIT(USERS));
    if (prctl(PR_SET_KEEPCAPS, keep, 0, 0, 0) || setgroups(0, NULL) || setresgid(uid, uid, uid)
        || setresuid(uid, uid, uid))
        return -1;
    if (!keep)
        return 0;
    if (capabilities(SYS_capget, data))
        return -1;
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    return capabilities(SYS_capset, data);
}

static int own_users(struct child *child) {
    char map[64];
    int procfs = child->armour->procfs;
    snprintf(map, sizeof map, "%u %u 1\n", geteuid(), geteuid());
    /* After setresuid the process is not dumpable, and then root owns its uid_map: EACCES. */
    if (unshare(CLONE_NEWUSER) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
        return -1;
    if (walls_put(procfs, "self/setgroups", "deny") || walls_put(procfs, "self/uid_map", map)
        || walls_put(procfs, "self/gid_map", map))
        return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* The bounding set is full again in the new user namespace, and can be emptied only from there. */
static int drop_capabilities(struct child *child) {
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    (void)child;
    for (int capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)) {
            if (errno != EINVAL || capability == 0)
                return -1;
            break;
        }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        || prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS, 0, 0, 0))
        return -1;
    return capabilities(SYS_capset, data);
}

/* For the report: the filter forbids the question. */
static int count_capabilities(struct child *child) {
    struct __user_cap_data_struct data[2];
    if (capabilities(SYS_capget, data))
        return -1;
    child->capabilities = (uint64_t)(data[1].permitted | data[1].effective) << 32 | data[0].permitted | data[0].effective;
    return 0;
}

#define DOMAIN_FD 4
#define OUTSIDE_FD 5

static int confines(const struct child *child) {
    return has(child, BIT(LANDLOCK)) && child->request.flags & FLAG_DOMAIN;
}

static int descriptors(struct child *child) {
    if (dup3(child->armour->null, 0, 0) < 0 || dup3(child->fds[FD_LOG], 1, 0) < 0 || dup3(child->fds[FD_LOG], 2, 0) < 0
        || dup3(child->fds[FD_CHANNEL], 3, 0) < 0)
        return -1;
    if (confines(child)
        && (dup3(child->fds[FIXED_FDS + !!(child->request.flags & FLAG_STATE)], DOMAIN_FD, O_CLOEXEC) < 0
            || dup3(child->armour->procfs, OUTSIDE_FD, O_CLOEXEC) < 0))
        return -1;
    unsigned int rest = confines(child) ? OUTSIDE_FD + 1 : 4;
    if (has(child, BIT(DESCRIPTORS)) && syscall(SYS_close_range, rest, ~0u, 0))
        return -1;
    /* Only now: until here it opened files beside all that its request brought. */
    return has(child, BIT(LIMITS)) ? lower(RLIMIT_NOFILE, child->request.bounds.files + 1) : 0;
}

/* --- what forbids --------------------------------------------------------------------------------------------- */

static int no_new_privileges(struct child *child) {
    (void)child;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int no_new_code(struct child *child) {
    (void)child;
    /* Linux 6.3; before it the filter on mmap and mprotect stands alone. */
    return prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) && errno != EINVAL ? -1 : 0;
}

/* After the last mount, for a Landlock domain cannot mount. What lies outside the root, here the procfs that all of the
 * zygote's children share, opened a moment ago and does no longer: of all walls only this one holds it. */
static int landlock(struct child *child) {
    if (!confines(child))
        return 0;
    if (syscall(SYS_landlock_restrict_self, DOMAIN_FD, 0))
        return -1;
    int file = openat(OUTSIDE_FD, "self/status", O_RDONLY | O_CLOEXEC);
    child->probe = file < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    return close(DOMAIN_FD) || close(OUTSIDE_FD) ? -1 : 0;
}

static int filter(struct child *child) {
    struct sock_fprog program = child->armour->filters[1 + child->request.profile];
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* A step, and the layers without any of which it has no place. */
#define STEPS(X)                                                                                                      \
    X(new_session, BIT(SIGNALS)) X(reset_signals, BIT(SIGNALS)) X(reset_scheduling, 0) X(die_first, 0)                \
    X(enter_network, BIT(NETWORK)) X(build_root, BIT(MOUNTS)) X(pivot, BIT(MOUNTS) | BIT(ROOT))                       \
    X(name_host, BIT(HOST_NAME)) X(limit, BIT(LIMITS)) X(fresh_keyring, BIT(KEYRING)) X(become, BIT(OWN_UID))         \
    X(own_users, BIT(USERS)) X(drop_capabilities, BIT(CAPABILITIES)) X(count_capabilities, 0) X(descriptors, 0)       \
    X(no_new_privileges, BIT(NO_NEW_PRIVILEGES)) X(no_new_code, BIT(NO_NEW_CODE)) X(landlock, BIT(LANDLOCK))   \
    X(filter, BIT(SECCOMP))
#define NAME(step, layers) #step,
#define STEP(step, layers) {step, layers},

const char *const walls_names[] = {STEPS(NAME)};
static const struct {
    int (*raise)(struct child *);
    uint32_t layers;
} order[] = {STEPS(STEP)};
const unsigned int walls_count = sizeof order / sizeof *order;

unsigned int walls_raise(struct child *child) {
    for (unsigned int step = 0; step < walls_count; step++)
        if (!(child->request.without & order[step].layers) && order[step].raise(child))
            return step + 1;
    return 0;
}
