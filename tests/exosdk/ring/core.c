/* Queue and arena without Python, under the sanitizers: two threads that trust each other, then an end that is not to be
 * trusted. Ends with status 0, or says what was wrong. With BELL they sleep and wake each other instead of yielding: the
 * sanitizer of threads knows no fences. */
#define _GNU_SOURCE
#include "../../../exosdk/ring/_arena.h"
#include "../../../exosdk/ring/_core.h"
#ifdef BELL
#include "../../../exosdk/ring/_bell.h"
#endif

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 64
#define ARENA_PAGES 16u
#define UNITS (ARENA_PAGES * ARENA_UNITS)
#define ENOUGH(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *what, int line) {
    fprintf(stderr, "line %d: not %s\n", line, what);
    exit(1);
}

/* Of exactly the size that a ring has, so that a step beyond it is seen. */
struct shared {
    struct ring_front *front;
    struct ring_back *back;
};

static void *zeros(size_t size) {
    void *memory = aligned_alloc(RING_PAGE, size);
    ENOUGH(memory);
    return memset(memory, 0, size);
}

/* As it is after so many slots and returns, a multiple of the rounds of both: all read, all given back. */
static struct shared shared(uint64_t before) {
    struct shared memory = {zeros(RING_PAGE + SLOTS * RING_SLOT + ARENA_PAGES * RING_PAGE), zeros(2 * RING_PAGE)};
    atomic_store(&memory.back->head, before);
    for (uint64_t place = 0; before && place < SLOTS; place++)
        atomic_store(&memory.front->slots[place].header, ring_header(before - SLOTS + place, 0, 0, 0));
    for (uint64_t place = 0; before && place < UNITS; place++)
        atomic_store(&memory.back->returns[place], (before - UNITS + place + 1) << 32);
    return memory;
}

static struct ring_producer producer(struct shared memory, uint64_t before) {
    return (struct ring_producer){.mine = memory.front, .theirs = memory.back, .slots = SLOTS, .units = UNITS,
                                  .at = before, .freed = before, .collected = before};
}

static struct ring_consumer consumer(struct shared memory, uint64_t before) {
    return (struct ring_consumer){.mine = memory.back, .theirs = memory.front, .slots = SLOTS, .units = UNITS,
                                  .at = before, .told = before, .returned = before};
}

static unsigned char *arena_of(const struct ring_front *front, uint32_t chunk) {
    return (unsigned char *)front + RING_PAGE + SLOTS * RING_SLOT + (size_t)chunk * RING_UNIT;
}

static void dispose(struct shared memory) {
    free(memory.front);
    free(memory.back);
}

static uint64_t next(uint64_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    return *random ^= *random << 17;
}

/* --- how both wait ------------------------------------------------------------------------------------------------ */

#ifdef BELL
#define WHILE 60000000000u /* nanoseconds in which something must happen */

static bool room(void *ring) {
    return ring_room(ring, RING_SPAN_MAX) != RING_NOT_NOW;
}

static bool message(void *ring) {
    uint64_t header;
    return ring_peek(ring, &header) != RING_NOT_NOW;
}

static void sent(struct ring_producer *ring) {
    ring_wake(&ring->mine->bell, &ring->theirs->bell);
}

static void wait_for_room(struct ring_producer *ring) {
    static struct ring_patience patience = {RING_SPIN};
    ENOUGH(ring_wait(&ring->mine->bell, &ring->theirs->bell, &patience, room, ring, ring_now() + WHILE));
}

static void wait_for_message(struct ring_consumer *ring) {
    static struct ring_patience patience = {RING_SPIN};
    ring_publish(ring);
    ring_wake(&ring->mine->bell, &ring->theirs->bell);
    ENOUGH(ring_wait(&ring->mine->bell, &ring->theirs->bell, &patience, message, ring, ring_now() + WHILE));
}
#else
static void sent(struct ring_producer *ring) {
    (void)ring;
}

static void wait_for_room(struct ring_producer *ring) {
    (void)ring;
    sched_yield();
}

static void wait_for_message(struct ring_consumer *ring) {
    ring_publish(ring);
    sched_yield();
}
#endif

/* What message `number` is: both threads know. */
static uint32_t size_of(uint64_t number) {
    uint64_t random = number * 0x9e3779b97f4a7c15u + 1;
    next(&random);
    return 8 + (next(&random) % 4 ? random % 49 : random % (RING_MESSAGE_MAX - 7));
}

static void fill(unsigned char *data, uint64_t number, uint32_t size) {
    memset(data, (int)(number * 31 & 0xff), size);
    memcpy(data, &number, 8);
}

struct work {
    struct ring_producer ring;
    uint64_t messages;
};

static void *produce(void *argument) {
    struct work *work = argument;
    unsigned char data[7][RING_MESSAGE_MAX];
    for (uint64_t number = 0; number < work->messages;) {
        struct ring_part parts[7];
        uint32_t count = 1 + number % 7, pushed = 0;
        if (count > work->messages - number)
            count = (uint32_t)(work->messages - number);
        for (uint32_t index = 0; index < count; index++) {
            parts[index] = (struct ring_part){data[index], size_of(number + index)};
            fill(data[index], number + index, parts[index].size);
        }
        enum ring_result result = RING_DONE;
        if (count > 1)
            result = ring_push_batch(&work->ring, 3, parts, count, &pushed);
        else
            pushed = (result = ring_push(&work->ring, 3, 0, parts->data, parts->size)) == RING_DONE;
        ENOUGH(result != RING_BROKEN);
        number += pushed;
        if (pushed)
            sent(&work->ring);
        else
            wait_for_room(&work->ring);
    }
    return NULL;
}

static void agree(uint64_t messages, uint64_t before) {
    struct shared memory = shared(before);
    struct work work = {producer(memory, before), messages};
    struct ring_consumer ring = consumer(memory, before);
    pthread_t thread;
    ENOUGH(!pthread_create(&thread, NULL, produce, &work));
    for (uint64_t number = 0; number < messages;) {
        struct ring_message message;
        unsigned char expected[RING_MESSAGE_MAX];
        enum ring_result result = ring_pop(&ring, &message);
        ENOUGH(result != RING_BROKEN);
        if (result == RING_NOT_NOW) {
            wait_for_message(&ring);
            continue;
        }
        ENOUGH(message.type == 3 && message.size == size_of(number));
        fill(expected, number, message.size);
        ENOUGH(!memcmp(expected, message.data, message.size));
        number++;
    }
    pthread_join(thread, NULL);
    dispose(memory);
}

/* --- lending ------------------------------------------------------------------------------------------------------ */

/* No two chunks overlap, and when all are given back the arena is one run again. */
static void books(uint64_t turns) {
    struct arena arena;
    struct {
        uint32_t chunk, units;
    } held[UNITS];
    bool taken[UNITS] = {false};
    uint32_t count = 0;
    uint64_t random = 1234567;
    ENOUGH(arena_make(&arena, ARENA_PAGES));
    for (uint64_t turn = 0; turn < turns; turn++) {
        if (count && next(&random) % 2) {
            uint32_t which = next(&random) % count;
            memset(taken + held[which].chunk, 0, held[which].units);
            arena_give(&arena, held[which].chunk);
            held[which] = held[--count];
            continue;
        }
        uint32_t class = arena_class(1 + next(&random) % (next(&random) % 8 ? 5000 : ARENA_PAGES * RING_PAGE));
        uint32_t chunk = arena_take(&arena, class);
        if (chunk == ARENA_NONE)
            continue;
        ENOUGH(chunk + (1u << class) <= UNITS && chunk % (1u << (class < 3 ? class : 2)) == 0);
        held[count].chunk = chunk;
        held[count++].units = 1u << class;
        for (uint32_t unit = chunk; unit < chunk + (1u << class); unit++) {
            ENOUGH(!taken[unit]);
            taken[unit] = true;
        }
    }
    while (count)
        arena_give(&arena, held[--count].chunk);
    arena_flush(&arena);
    ENOUGH(arena_take(&arena, arena_class(ARENA_PAGES * RING_PAGE)) == 0);
    ENOUGH(arena_take(&arena, 0) == ARENA_NONE);
    arena_drop(&arena);
}

static bool collect(struct ring_producer *ring, struct arena *arena) {
    uint32_t chunk;
    enum ring_result result;
    while ((result = ring_collect(ring, &chunk)) == RING_DONE) {
        if (arena_state(arena, chunk) != ARENA_LENT)
            return false;
        arena_give(arena, chunk);
    }
    return result != RING_BROKEN;
}

static void *lend(void *argument) {
    struct work *work = argument;
    struct arena arena;
    ENOUGH(arena_make(&arena, ARENA_PAGES));
    for (uint64_t number = 0; number < work->messages;) {
        uint32_t size = 600 + number % 7 * 1500, chunk;
        ENOUGH(collect(&work->ring, &arena));
        if (ring_room(&work->ring, 1) == RING_DONE
            && (chunk = arena_take(&arena, arena_class(size))) != ARENA_NONE) {
            struct ring_loan loan = {chunk, size};
            fill(arena_of(work->ring.mine, chunk), number, size);
            arena_mark(&arena, chunk, arena_class(size), ARENA_LENT);
            ENOUGH(ring_push(&work->ring, 4, RING_LOAN, &loan, sizeof loan) == RING_DONE);
            sent(&work->ring);
            number++;
        } else {
            sched_yield(); /* nobody tells of a chunk that came back */
        }
    }
    arena_drop(&arena);
    return NULL;
}

static void borrow(uint64_t messages, uint64_t before) {
    struct shared memory = shared(before);
    struct work work = {producer(memory, before), messages};
    struct ring_consumer ring = consumer(memory, before);
    pthread_t thread;
    ENOUGH(!pthread_create(&thread, NULL, lend, &work));
    for (uint64_t number = 0; number < messages;) {
        struct ring_message message;
        struct ring_loan loan;
        static unsigned char expected[ARENA_PAGES * RING_PAGE];
        enum ring_result result = ring_pop(&ring, &message);
        ENOUGH(result != RING_BROKEN);
        if (result == RING_NOT_NOW) {
            wait_for_message(&ring);
            continue;
        }
        memcpy(&loan, message.data, sizeof loan);
        ENOUGH(message.loan && loan.size == 600 + number % 7 * 1500);
        fill(expected, number, loan.size);
        ENOUGH(!memcmp(expected, arena_of(memory.front, loan.chunk), loan.size));
        ring_return(&ring, loan.chunk);
        number++;
    }
    pthread_join(thread, NULL);
    dispose(memory);
}

/* --- distrust ----------------------------------------------------------------------------------------------------- */

/* Headers that are nearly right are worth more than noise. */
static uint64_t lie(const struct ring_consumer *ring, uint64_t *random) {
    static const uint8_t flags[] = {0, 0, RING_GOES_ON, RING_LOAN, RING_LOAN};
    uint32_t size = next(random) % 2 ? sizeof(struct ring_loan) : next(random) % 600;
    uint64_t near = ring_header(ring->at + next(random) % 3 - 1, size, 0, flags[next(random) % 5]);
    return next(random) % 4 ? near : next(random);
}

static void distrust(uint64_t rounds) {
    uint64_t random = 88172645463325252u;
    for (uint64_t round = 0; round < rounds; round++) {
        struct shared memory = shared(0);
        struct ring_producer sender = producer(memory, 0);
        struct ring_consumer receiver = consumer(memory, 0);
        for (uint32_t step = 0; step < 200; step++) {
            unsigned char data[RING_MESSAGE_MAX];
            struct ring_message message = {0};
            struct ring_loan loan;
            uint32_t chunk;
            memset(data, (int)(next(&random) % 3 * next(&random)), sizeof data);
            if (next(&random) % 2)
                ring_push(&sender, 1, 0, data, next(&random) % (RING_MESSAGE_MAX + 1));
            if (next(&random) % 8 == 0)
                atomic_store(&memory.front->slots[next(&random) % SLOTS].header, lie(&receiver, &random));
            if (next(&random) % 64 == 0)
                atomic_store(&memory.back->head, next(&random) % 3 ? sender.at - next(&random) % 70 : random);
            if (next(&random) % 16 == 0)
                atomic_store(&memory.back->returns[next(&random) % 4],
                             (sender.collected + next(&random) % 2) << 32 | next(&random) % (UNITS + 9));
            if (ring_collect(&sender, &chunk) == RING_DONE)
                ENOUGH(chunk < UNITS);
            if (ring_pop(&receiver, &message) == RING_DONE && !message.loan) {
                ENOUGH(message.size <= RING_MESSAGE_MAX);
            } else if (!receiver.broken && message.loan) {
                memcpy(&loan, message.data, sizeof loan);
                ENOUGH(loan.size && (uint64_t)loan.chunk * RING_UNIT + loan.size <= ARENA_PAGES * RING_PAGE);
                ring_return(&receiver, loan.chunk);
            }
            ENOUGH(sender.broken || sender.at - sender.freed <= SLOTS);
        }
        dispose(memory);
    }
}

int main(int count, char **arguments) {
    uint64_t messages = count > 1 ? strtoull(arguments[1], NULL, 10) : 100000;
    agree(messages, 0);
    borrow(messages / 4, 0);
    /* Where the sequences of 32 bits begin anew. */
    agree(messages / 100, ((uint64_t)1 << 32) - SLOTS);
    borrow(messages / 100, ((uint64_t)1 << 32) - UNITS);
    books(messages);
    distrust(messages / 100);
    return 0;
}
