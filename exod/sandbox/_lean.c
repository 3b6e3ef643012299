/* A new instance, all walls raised -> what it finds when it leans against them: one call for each layer, and what it is. */
#define PY_SSIZE_T_CLEAN
#include "_lean.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *outcome(long result) {
    static char number[16];
    if (result >= 0)
        return "allowed";
    const char *name = strerrorname_np(errno);
    snprintf(number, sizeof number, "%d", errno);
    return name ? name : number;
}

static int note(PyObject *walls, const char *key, PyObject *value) {
    int bad = !value || PyDict_SetItemString(walls, key, value);
    Py_XDECREF(value);
    return bad;
}

static PyObject *number(long value) {
    return PyUnicode_FromFormat("%ld", value);
}

PyObject *walls_lean(const struct child *child) {
    uid_t uid[3] = {0};
    gid_t gid[3] = {0};
    char capabilities[17];
    PyObject *walls = PyDict_New();
    if (!walls)
        return NULL;
    getresuid(&uid[0], &uid[1], &uid[2]);
    getresgid(&gid[0], &gid[1], &gid[2]);
    snprintf(capabilities, sizeof capabilities, "%016llx", (unsigned long long)child->capabilities);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int bad = note(walls, "executable_memory", PyUnicode_FromString(outcome(code == MAP_FAILED ? -1 : 0)))
              || note(walls, "socket", PyUnicode_FromString(outcome(socket(AF_NETLINK, SOCK_RAW, 0))))
              || note(walls, "host_file", PyUnicode_FromString(outcome(open("/etc/passwd", O_RDONLY))))
              || note(walls, "sealed_code", PyUnicode_FromString(outcome(open("/plugin/.", O_WRONLY | O_TMPFILE, 0600))))
              || note(walls, "unknown_call", PyUnicode_FromString(outcome(syscall(1023))))
              || note(walls, "uid", number(uid[0] == uid[1] && uid[1] == uid[2] ? (long)uid[0] : -1))
              || note(walls, "gid", number(gid[0] == gid[1] && gid[1] == gid[2] ? (long)gid[0] : -1))
              || note(walls, "groups", number(getgroups(0, NULL))) || note(walls, "pid", number(getpid()))
              || note(walls, "capabilities", PyUnicode_FromString(capabilities))
              || note(walls, "no_new_privileges", number(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)))
              || note(walls, "seccomp", number(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)))
              || note(walls, "dumpable", number(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)));
    errno = child->probe;
    if (!bad && child->probe >= 0)
        bad = note(walls, "denied.landlock", PyUnicode_FromString(outcome(child->probe ? -1 : 0)));
    if (bad)
        Py_CLEAR(walls);
    return walls;
}
