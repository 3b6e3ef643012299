/* How one side of a ring sleeps and the other wakes it. Whoever waits looks a while first; then it sleeps on a word
 * that only the other side writes, 100 ms at most at a time: a peer that withholds or steals a wake-up costs no more.
 * What each step gains: docs/adr/0012. */
#pragma once

#include "_core.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RING_NAP 100000000 /* nanoseconds */
#define RING_SPIN 2000     /* looks before it sleeps, while looking helped */
#define RING_SPIN_MIN 16

#if defined(__x86_64__)
#define ring_relax() __builtin_ia32_pause()
#else
#define ring_relax() __asm__ __volatile__("yield")
#endif

/* Looks that this side still believes in: doubled when one of them found something, halved when none did. */
struct ring_patience {
    uint32_t spin;
};

static inline uint64_t ring_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* What `asleep` says: that a thread sleeps on the bell's word, or that the process listens for a doorbell, a descriptor
 * among others that it waits for. That one is rung once for each number above the bits, which it counts up. */
#define RING_NAPS 1u
#define RING_LISTENS 2u
#define RING_TIMES 4u

/* After something was published: the fence puts that before the look at `asleep`, the sleeper's puts its `asleep`
 * before its last look for what was published. One of the two sees the other. Returns what `asleep` said. */
static inline uint32_t ring_wake(struct ring_bell *mine, const struct ring_bell *theirs) {
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t asleep = atomic_load_explicit(&theirs->asleep, memory_order_relaxed);
    if (asleep & RING_NAPS) {
        atomic_store_explicit(&mine->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed); /* for its next wait */
        uint32_t rung = atomic_fetch_add_explicit(&mine->rung, 1, memory_order_relaxed);
        PROBE_2("wake", (const char *)mine - offsetof(struct ring_front, bell), rung);
        syscall(SYS_futex, &mine->rung, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    }
    return asleep;
}

typedef bool (*ring_ready)(void *ring);

/* Sleeps until the other side rings, or a nap is over, or `deadline` (of ring_now) has come. 0, or EINTR. */
static inline int ring_nap(struct ring_bell *mine, const struct ring_bell *theirs, ring_ready ready, void *ring,
                           uint64_t deadline) {
    /* Relaxed, for the fence puts it before the last look, and the other side's puts what it published before `rung`. */
    uint32_t rung = atomic_load_explicit(&theirs->rung, memory_order_relaxed);
    atomic_store_explicit(&mine->asleep, RING_NAPS, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    int error = 0;
    if (!ready(ring)) {
        uint64_t now = ring_now(), left = deadline > now ? deadline - now : 0;
        struct timespec nap = {0, (long)(left < RING_NAP ? left : RING_NAP - 1)};
        if (syscall(SYS_futex, &theirs->rung, FUTEX_WAIT, rung, &nap, NULL, 0))
            error = errno == EINTR ? EINTR : 0;
    }
    atomic_store_explicit(&mine->asleep, 0, memory_order_relaxed);
    return error;
}

/* True as soon as `ready`; false when the deadline has come or a signal has. */
static inline bool ring_wait(struct ring_bell *mine, const struct ring_bell *theirs, struct ring_patience *patience,
                             ring_ready ready, void *ring, uint64_t deadline) {
    uint32_t cpu = (uint32_t)sched_getcpu();
    atomic_store_explicit(&mine->cpu, cpu, memory_order_relaxed);
    /* On one core looking keeps the other side from running, and to let it run is cheaper than to sleep. */
    if (atomic_load_explicit(&theirs->cpu, memory_order_relaxed) == cpu) {
        if (!ready(ring))
            sched_yield();
    } else {
        for (uint32_t look = 0; look < patience->spin; look++) {
            if (ready(ring)) {
                patience->spin = patience->spin * 2 < RING_SPIN ? patience->spin * 2 : RING_SPIN;
                return true;
            }
            ring_relax();
        }
        patience->spin = patience->spin / 2 > RING_SPIN_MIN ? patience->spin / 2 : RING_SPIN_MIN;
    }
    while (!ready(ring)) {
        if (ring_now() >= deadline || ring_nap(mine, theirs, ready, ring, deadline))
            return ready(ring);
    }
    return true;
}
