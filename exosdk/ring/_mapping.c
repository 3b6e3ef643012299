/* A descriptor that came from elsewhere -> a mapping between two pages that nobody may touch, or why there is none. */
#define _GNU_SOURCE
#include "_end.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

/* A memory of another size would end its reader with SIGBUS, as would one that may still shrink: so its size is asked
 * for when nobody can change it any more. A page that is missing is charged to whoever reads it first: so who writes a
 * memory makes all its pages, and who reads looks whether they are there. Once it is sealed nobody takes one out. */
static int examine(int fd, size_t size, bool mine) {
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    if (fstat(fd, &status)) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (!S_ISREG(status.st_mode) || (size_t)status.st_size != size)
        return end_refused("cannot map the ring: its memory has another size");
    if (mine && fallocate(fd, 0, 0, (off_t)size)) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (!mine && (seals < 0 || (seals & SEALS) != SEALS))
        return end_refused("cannot map the ring: its memory is not sealed");
    if (!mine && (size_t)status.st_blocks * 512 < size)
        return end_refused("cannot map the ring: pages of its memory are missing");
    return 0;
}

int mapping_make(struct mapping *into, int fd, size_t size, int protection) {
    bool mine = protection != PROT_READ;
    if (examine(fd, size, mine))
        return -1;
    int flags = MAP_SHARED | MAP_FIXED | (mine ? MAP_POPULATE : 0);
    size_t whole = size + 2 * RING_PAGE;
    unsigned char *guard = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (guard == MAP_FAILED
        || mmap(guard + RING_PAGE, size, protection, flags, fd, 0) == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        if (guard != MAP_FAILED)
            munmap(guard, whole);
        return -1;
    }
    *into = (struct mapping){guard + RING_PAGE, size};
    return 0;
}

void mapping_drop(struct mapping *mapping) {
    if (mapping->at)
        munmap(mapping->at - RING_PAGE, mapping->size + 2 * RING_PAGE);
    mapping->at = NULL;
}
