/* The frames between exod and a zygote, and what a child needs to raise its walls. */
#ifndef EXOD_WALLS_H
#define EXOD_WALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <linux/filter.h>
#include <stdint.h>

#define REQUEST_MAGIC 0x5a474f54u
#define FAILURE_MAGIC 0x4c494146u
#define OP_FORK 1u
#define OP_NETNS 2u
#define OP_LOADED 3u
#define FLAG_STATE 1u
#define FLAG_DOMAIN 2u
#define FLAG_NATIVE 4u /* it may map machine code of its package, until OP_LOADED says that all of it is loaded */

#define FILES_MAX 32
#define PROFILES_MAX 32
#define FIXED_FDS 6
#define FDS_MAX (FIXED_FDS + 2 + 2 * FILES_MAX)

/* Order of the descriptors that come with OP_FORK; then the state mount if FLAG_STATE, the Landlock ruleset if
 * FLAG_DOMAIN, and (mount, target) pairs. */
enum { FD_CGROUP, FD_NETNS, FD_CHANNEL, FD_LOG, FD_ROOT, FD_TMP };

/* What a request may leave out, by its bit: exod/plan/confine.py has the same list, and never leaves one out. */
#define LAYERS(X)                                                                                                     \
    X(SIGNALS) X(PIDS) X(IPC) X(HOST_NAME) X(CGROUPS) X(NETWORK) X(MOUNTS) X(ROOT) X(SEALED) X(LIMITS) X(KEYRING)     \
    X(OWN_UID) X(USERS) X(CAPABILITIES) X(DESCRIPTORS) X(NO_NEW_PRIVILEGES) X(NO_NEW_CODE) X(LANDLOCK) X(SECCOMP)
#define LAYER(name) LAYER_##name,
enum { LAYERS(LAYER) LAYERS_COUNT };
#undef LAYER
#define BIT(layer) (1u << LAYER_##layer)

/* What its package may use: open files, tasks, bytes of memory, bytes of one file. */
struct bounds {
    uint32_t files, tasks;
    uint64_t memory, storage;
};

/* Integers only: a path or a name in a request would be parsed on behalf of every instance of this zygote. */
struct request {
    uint32_t magic, op;
    uint64_t id;
    uint32_t uid, fds, files, flags;
    uint8_t nonce[16];
    uint32_t without, profile; /* profile: the place of its filter among those that the zygote was armed with */
    struct bounds bounds;
};

struct reply {
    uint32_t magic;
    int32_t error;
    uint64_t id;
    int32_t pid;
    uint32_t reserved;
};

/* What arms a zygote; each filter follows after its size in bytes, the zygote's own first. */
struct arming {
    uint32_t magic, uid_first, uid_last;
};

/* What a child writes to its channel when a wall cannot be raised. */
struct failure {
    uint32_t magic, step, error, reserved;
};

/* Set once, by arm(), before the first fork. */
struct armour {
    int procfs, null;
    uint32_t uid_first, uid_last;
    char stdlib[128], sdk[128];
    struct sock_fprog filters[1 + PROFILES_MAX]; /* the first is the zygote's own */
    unsigned int profiles;
};

struct child {
    const struct armour *armour;
    struct request request;
    int fds[FDS_MAX];
    uint64_t capabilities;
    int probe; /* what came of opening what its Landlock domain forbids: an errno, 0 for a descriptor, -1 without one */
};

extern const char *const walls_names[];
extern const unsigned int walls_count;

/* 0, or the number (from 1) of the step that failed, with errno. */
unsigned int walls_raise(struct child *child);
int walls_put(int directory, const char *path, const char *text);
int walls_loaded(int procfs, int mounts);

#endif
