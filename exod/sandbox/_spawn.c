/* The zygote's part that must not be Python: its template root, and the loop that turns requests into instances.
 *
 * Fixed-size integers and descriptors in, confined children out; a request that is not exactly that is answered with
 * an errno. Reads no path and no name at run time; allocates nothing between a request and its fork. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_idmap.h"
#include "_lean.h"
#include "_walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#define KEPT_FROM 200 /* the zygote's own descriptors, clear of what requests bring and of 0-3 in a child */

_Static_assert(sizeof(struct request) == 80, "a request is 80 bytes on the wire");
_Static_assert(sizeof(struct reply) == 24, "a reply is 24 bytes on the wire");

#define NAME(layer) #layer,
static const char *const layers[] = {LAYERS(NAME)};

static struct armour armour = {.procfs = -1, .null = -1};
static int home_network = -1;

static PyObject *failed(const char *what) {
    return PyErr_SetFromErrnoWithFilename(PyExc_OSError, what);
}

static PyObject *py_unshare(PyObject *self, PyObject *args) {
    int flags;
    (void)self;
    if (!PyArg_ParseTuple(args, "i", &flags))
        return NULL;
    if (unshare(flags))
        return failed("unshare");
    Py_RETURN_NONE;
}

/* --- template ------------------------------------------------------------------------------------------------- */

static int bind_sealed(const char *from, const char *to) {
    uint64_t attributes[4] = {MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
                                  | MOUNT_ATTR_NOSYMFOLLOW,
                              0, MS_PRIVATE, 0};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0)
        return -1;
    int bad = (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes, sizeof attributes)
              || mkdir(to, 0755) || syscall(SYS_move_mount, tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
    int error = errno;
    close(tree);
    errno = error;
    return bad ? -1 : 0;
}

/* A root with only the runtime in it: what an escape from a child's own root would find. */
static int template_root(const char *scratch, const char *stdlib, const char *sdk) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)
        || mount("exod", scratch, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=0755") || chdir(scratch)
        || mkdir("root", 0755) || bind_sealed(stdlib, "stdlib") || bind_sealed(sdk, "sdk"))
        return -1;
    return syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/") ? -1 : 0;
}

static PyObject *py_template(PyObject *self, PyObject *args) {
    const char *scratch, *stdlib, *sdk;
    (void)self;
    if (!PyArg_ParseTuple(args, "sss", &scratch, &stdlib, &sdk))
        return NULL;
    if (template_root(scratch, stdlib, sdk))
        return failed("template");
    Py_RETURN_NONE;
}

/* Copies of the programs that follow each other with their sizes, or -1 when they are none that the kernel would take. */
static int keep_filters(const char *data, size_t rest) {
    unsigned int count = 0;
    while (rest) {
        uint32_t size;
        if (rest < sizeof size || count > PROFILES_MAX)
            return -1;
        memcpy(&size, data, sizeof size);
        size_t length = size / sizeof(struct sock_filter);
        if (size > rest - sizeof size || size % sizeof(struct sock_filter) || !length || length > BPF_MAXINSNS)
            return -1;
        struct sock_filter *copy = malloc(size);
        if (!copy)
            return -1;
        memcpy(copy, data + sizeof size, size);
        armour.filters[count++] = (struct sock_fprog){.len = (unsigned short)length, .filter = copy};
        data += sizeof size + size;
        rest -= sizeof size + size;
    }
    armour.profiles = count ? count - 1 : 0;
    return armour.profiles ? 0 : -1;
}

/* accept(message): who the instances of this zygote may be, and their filters. */
static PyObject *py_accept(PyObject *self, PyObject *args) {
    struct arming head;
    const char *data;
    Py_ssize_t size;
    (void)self;
    if (!PyArg_ParseTuple(args, "y#", &data, &size))
        return NULL;
    if (size >= (Py_ssize_t)sizeof head) {
        memcpy(&head, data, sizeof head);
        if (head.magic == REQUEST_MAGIC && !keep_filters(data + sizeof head, (size_t)size - sizeof head)) {
            armour.uid_first = head.uid_first;
            armour.uid_last = head.uid_last;
            Py_RETURN_NONE;
        }
    }
    armour.profiles = 0;
    PyErr_SetString(PyExc_ValueError, "not an arming message");
    return NULL;
}

/* arm(procfs, null, stdlib, sdk): what every child will share, and what this zygote itself may no longer ask for. */
static PyObject *py_arm(PyObject *self, PyObject *args) {
    int procfs, null;
    const char *stdlib, *sdk;
    (void)self;
    if (!PyArg_ParseTuple(args, "iiss", &procfs, &null, &stdlib, &sdk))
        return NULL;
    if (strlen(stdlib) >= sizeof armour.stdlib || strlen(sdk) >= sizeof armour.sdk) {
        PyErr_SetString(PyExc_ValueError, "a path does not fit");
        return NULL;
    }
    strcpy(armour.stdlib, stdlib);
    strcpy(armour.sdk, sdk);
    /* Changing its uid made the zygote undumpable, and then root owns its children's oom_score_adj. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
        return failed("arm");
    armour.procfs = fcntl(procfs, F_DUPFD_CLOEXEC, KEPT_FROM);
    armour.null = fcntl(null, F_DUPFD_CLOEXEC, KEPT_FROM);
    home_network = openat(procfs, "self/ns/net", O_RDONLY | O_CLOEXEC);
    int home = home_network < 0 ? -1 : fcntl(home_network, F_DUPFD_CLOEXEC, KEPT_FROM);
    close(home_network);
    home_network = home;
    if (armour.procfs < 0 || armour.null < 0 || home_network < 0)
        return failed("arm");
    /* Last: a root of its own namespace, it may take a filter without giving up what an execution could add. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &armour.filters[0]))
        return failed("arm");
    Py_RETURN_NONE;
}

/* --- requests ------------------------------------------------------------------------------------------------- */

union control {
    char bytes[CMSG_SPACE((FDS_MAX + 1) * sizeof(int))];
    struct cmsghdr align;
};

/* Bytes received (0 at the end), and every descriptor that came, whatever the message turns out to be. */
static ssize_t receive(int socket, struct request *request, int *fds, unsigned int *count, int *truncated) {
    union control control;
    char rest;
    struct iovec parts[2] = {{request, sizeof *request}, {&rest, 1}};
    struct msghdr message = {
        .msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t size;
    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    *count = 0;
    *truncated = size >= 0 && (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
    for (struct cmsghdr *part = size < 0 ? NULL : CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned int found = (unsigned int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (unsigned int i = 0; i < found; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            if (*count < FDS_MAX) {
                fds[(*count)++] = fd;
            } else { /* there is room for one more than the most, so that it is seen */
                close(fd);
                *truncated = 1;
            }
        }
    }
    explicit_bzero(&control, sizeof control);
    return size;
}

static void respond(int socket, const struct reply *reply, int fd) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {(void *)(uintptr_t)reply, sizeof *reply};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    memset(&control, 0, sizeof control);
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* Whether a request is one that this zygote serves; the kernel judges the descriptors themselves. */
static int acceptable(const struct request *request, ssize_t size, unsigned int fds, int truncated) {
    if (size != sizeof *request || truncated || request->magic != REQUEST_MAGIC
        || request->without >> LAYERS_COUNT || request->fds != fds)
        return 0;
    if (request->op == OP_NETNS || request->op == OP_LOADED)
        return fds == (request->op == OP_LOADED) && !request->files && !request->flags && !request->without
               && !request->profile && !request->bounds.files && !request->bounds.tasks && !request->bounds.memory
               && !request->bounds.storage;
    if (!request->bounds.files || !request->bounds.tasks || !request->bounds.memory)
        return 0; /* it would be born into limits in which nothing lives */
    unsigned int state = request->flags & FLAG_STATE ? 1 : 0, domain = request->flags & FLAG_DOMAIN ? 1 : 0;
    return request->op == OP_FORK && !(request->flags & ~(FLAG_STATE | FLAG_DOMAIN | FLAG_NATIVE))
           && request->files <= FILES_MAX && fds == FIXED_FDS + state + 2 * request->files + domain
           && request->profile < armour.profiles && request->uid >= armour.uid_first
           && request->uid <= armour.uid_last;
}

/* An empty network namespace owned by this zygote's user namespace; the zygote itself returns to its own. */
static int new_network(void) {
    if (unshare(CLONE_NEWNET))
        return -1;
    int made = openat(armour.procfs, "self/ns/net", O_RDONLY | O_CLOEXEC), error = errno;
    if (setns(home_network, CLONE_NEWNET))
        _exit(1); /* it may be an instance's namespace that the next child would start in */
    errno = error;
    return made;
}

static uint64_t namespaces(uint32_t without) {
    static const struct {
        uint32_t layer, flag;
    } each[] = {{BIT(PIDS), CLONE_NEWPID}, {BIT(MOUNTS), CLONE_NEWNS}, {BIT(IPC), CLONE_NEWIPC},
                {BIT(HOST_NAME), CLONE_NEWUTS}, {BIT(CGROUPS), CLONE_NEWCGROUP}};
    uint64_t flags = 0;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        flags |= without & each[i].layer ? 0 : each[i].flag;
    return flags;
}

static pid_t clone_instance(const struct child *child, int *pidfd) {
    struct clone_args args = {
        /* CLONE_PARENT: the keeper is the parent. exit_signal must be 0 with it; the keeper waits with __WALL. */
        .flags = CLONE_PIDFD | CLONE_PARENT | CLONE_INTO_CGROUP | namespaces(child->request.without),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .cgroup = (uint64_t)child->fds[FD_CGROUP],
    };
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

/* --- the child ------------------------------------------------------------------------------------------------ */

static void raise_or_exit(struct child *child) {
    int channel = child->fds[FD_CHANNEL];
    unsigned int step = walls_raise(child);
    if (!step)
        return;
    struct failure failure = {FAILURE_MAGIC, step, (uint32_t)errno, 0};
    /* The channel is at its first place until the step that moves it to 3. */
    if (send(channel, &failure, sizeof failure, MSG_NOSIGNAL) < 0 && send(3, &failure, sizeof failure, MSG_NOSIGNAL) < 0)
        _exit(126);
    _exit(125);
}

static PyObject *born(struct child *child) {
    unsigned long long id = child->request.id;
    uint8_t nonce[16];
    memcpy(nonce, child->request.nonce, sizeof nonce);
    raise_or_exit(child);
    explicit_bzero(&child->request, sizeof child->request);
    explicit_bzero(child->fds, sizeof child->fds);
    PyOS_AfterFork_Child();
    PyObject *walls = walls_lean(child);
    PyObject *result = walls ? Py_BuildValue("(Ky#N)", id, nonce, (Py_ssize_t)sizeof nonce, walls) : NULL;
    explicit_bzero(nonce, sizeof nonce);
    return result;
}

/* serve(socket) -> None when exod hung up; in a new instance (id, nonce, walls). */
static PyObject *py_serve(PyObject *self, PyObject *args) {
    static struct child child;
    int socket;
    (void)self;
    if (!PyArg_ParseTuple(args, "i", &socket))
        return NULL;
    for (;;) {
        unsigned int count;
        int truncated, made = -1;
        child.armour = &armour;
        child.probe = -1;
        ssize_t size = receive(socket, &child.request, child.fds, &count, &truncated);
        if (size <= 0)
            Py_RETURN_NONE;
        struct reply reply = {.magic = REQUEST_MAGIC, .id = child.request.id};
        if (!acceptable(&child.request, size, count, truncated)) {
            reply.error = EINVAL;
        } else if (child.request.op == OP_NETNS) {
            made = new_network();
            reply.error = made < 0 ? errno : 0;
        } else if (child.request.op == OP_LOADED) {
            reply.error = walls_loaded(armour.procfs, child.fds[0]) ? errno : 0;
        } else {
            PyOS_BeforeFork();
            reply.pid = clone_instance(&child, &made);
            if (reply.pid == 0)
                return born(&child);
            if (reply.pid < 0) {
                reply.error = errno;
                made = -1; /* the kernel had written a number before it failed */
            }
            PyOS_AfterFork_Parent();
        }
        explicit_bzero(&child.request, sizeof child.request);
        respond(socket, &reply, made);
        for (unsigned int i = 0; i < count; i++)
            close(child.fds[i]);
        if (made >= 0)
            close(made);
    }
}

static PyObject *py_mapped_users(PyObject *self, PyObject *args) {
    unsigned int uid, gid, outside;
    int users;
    (void)self;
    if (!PyArg_ParseTuple(args, "III", &uid, &gid, &outside))
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    users = mapped_users(uid, gid, outside);
    Py_END_ALLOW_THREADS;
    return users < 0 ? failed("user namespace") : PyLong_FromLong(users);
}

static PyMethodDef methods[] = {
    {"unshare", py_unshare, METH_VARARGS, NULL},
    {"template", py_template, METH_VARARGS, NULL},
    {"accept", py_accept, METH_VARARGS, NULL},
    {"arm", py_arm, METH_VARARGS, NULL},
    {"serve", py_serve, METH_VARARGS, NULL},
    {"mapped_users", py_mapped_users, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_spawn", NULL, -1, methods, NULL, NULL, NULL, NULL};

static int names(PyObject *spawn, const char *attribute, const char *const *each, unsigned int count) {
    PyObject *tuple = PyTuple_New(count);
    for (unsigned int i = 0; tuple && i < count; i++)
        PyTuple_SET_ITEM(tuple, i, PyUnicode_FromString(each[i]));
    int bad = PyModule_AddObjectRef(spawn, attribute, tuple);
    Py_XDECREF(tuple);
    return bad;
}

PyMODINIT_FUNC PyInit__spawn(void) {
    PyObject *spawn = PyModule_Create(&module);
    if (spawn && (names(spawn, "STEPS", walls_names, walls_count) || names(spawn, "LAYERS", layers, LAYERS_COUNT)))
        Py_CLEAR(spawn);
    return spawn;
}
