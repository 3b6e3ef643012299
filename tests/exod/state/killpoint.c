/* Preloaded: counts every call that changes a file, and at the n-th sends this process SIGKILL; half of a write gets out.
 * SQLite's calls are seen too. Not armed until killpoint_at(n): imports are not counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int left;

void killpoint_at(int n) { atomic_store(&left, n); }

static int last(void) { return atomic_load(&left) > 0 && atomic_fetch_sub(&left, 1) == 1; }
static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define PLAIN(name, parameters, ...) \
    int name parameters { \
        static int (*real) parameters; \
        if (!real) real = (int (*) parameters)dlsym(RTLD_NEXT, #name); \
        if (last()) die(); \
        return real(__VA_ARGS__); \
    }

PLAIN(fsync, (int fd), fd)
PLAIN(fdatasync, (int fd), fd)
PLAIN(ftruncate64, (int fd, off_t size), fd, size)
PLAIN(rename, (const char *from, const char *to), from, to)
PLAIN(renameat, (int a, const char *from, int b, const char *to), a, from, b, to)
PLAIN(unlink, (const char *path), path)
PLAIN(unlinkat, (int at, const char *path, int flags), at, path, flags)
PLAIN(mkdirat, (int at, const char *path, mode_t mode), at, path, mode)
PLAIN(fchownat, (int at, const char *path, uid_t u, gid_t g, int flags), at, path, u, g, flags)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (last()) { real(fd, data, size / 2); die(); }
    return real(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
    if (last()) { real(fd, data, size / 2, at); die(); }
    return real(fd, data, size, at);
}

#define OPEN(name, parameters, ...) \
    int name parameters { \
        static int (*real) parameters; \
        if (!real) real = (int (*) parameters)dlsym(RTLD_NEXT, #name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
            if (last()) die(); \
        } \
        return real(__VA_ARGS__, mode); \
    }

OPEN(open64, (const char *path, int flags, ...), path, flags)
OPEN(openat64, (int at, const char *path, int flags, ...), at, path, flags)
