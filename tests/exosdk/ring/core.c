/* The queue without Python, under the sanitizers: two threads that trust each other, then one end that is not to be
 * trusted. Ends with status 0, or says what was wrong. */
#define _GNU_SOURCE
#include "../../../exosdk/ring/_core.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 64
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

static struct shared shared(void) {
    struct shared memory = {aligned_alloc(RING_PAGE, RING_PAGE + SLOTS * RING_SLOT), aligned_alloc(64, RING_PAGE)};
    memset(memory.front, 0, RING_PAGE + SLOTS * RING_SLOT);
    memset(memory.back, 0, RING_PAGE);
    return memory;
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
            pushed = (result = ring_push(&work->ring, 3, parts->data, parts->size)) == RING_DONE;
        ENOUGH(result != RING_BROKEN);
        number += pushed;
        if (!pushed)
            sched_yield();
    }
    return NULL;
}

static void agree(uint64_t messages) {
    struct shared memory = shared();
    struct work work = {{.mine = memory.front, .theirs = memory.back, .slots = SLOTS}, messages};
    struct ring_consumer ring = {.mine = memory.back, .theirs = memory.front, .slots = SLOTS};
    pthread_t thread;
    ENOUGH(!pthread_create(&thread, NULL, produce, &work));
    for (uint64_t number = 0; number < messages;) {
        struct ring_message message;
        unsigned char expected[RING_MESSAGE_MAX];
        enum ring_result result = ring_pop(&ring, &message);
        ENOUGH(result != RING_BROKEN);
        if (result == RING_NOT_NOW) {
            ring_publish(&ring);
            sched_yield();
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

/* Headers that are nearly right are worth more than noise. */
static uint64_t lie(const struct ring_consumer *ring, uint64_t *random) {
    uint64_t near = ring_header(ring->at + next(random) % 3 - 1, next(random) % 600, 0, next(random) % 3 ? 0 : 0x80);
    return next(random) % 4 ? near : next(random);
}

static void distrust(uint64_t rounds) {
    uint64_t random = 88172645463325252u;
    for (uint64_t round = 0; round < rounds; round++) {
        struct shared memory = shared();
        struct ring_producer producer = {.mine = memory.front, .theirs = memory.back, .slots = SLOTS};
        struct ring_consumer consumer = {.mine = memory.back, .theirs = memory.front, .slots = SLOTS};
        for (uint32_t step = 0; step < 200; step++) {
            unsigned char data[RING_MESSAGE_MAX] = {0};
            struct ring_message message;
            if (next(&random) % 2)
                ring_push(&producer, 1, data, next(&random) % (RING_MESSAGE_MAX + 1));
            if (next(&random) % 8 == 0)
                atomic_store(&memory.front->slots[next(&random) % SLOTS].header, lie(&consumer, &random));
            if (next(&random) % 64 == 0)
                atomic_store(&memory.back->head, next(&random) % 3 ? producer.at - next(&random) % 70 : random);
            if (ring_pop(&consumer, &message) == RING_DONE)
                ENOUGH(message.size <= RING_MESSAGE_MAX);
            ENOUGH(producer.broken || producer.at - producer.freed <= SLOTS);
        }
        dispose(memory);
    }
}

int main(int count, char **arguments) {
    uint64_t messages = count > 1 ? strtoull(arguments[1], NULL, 10) : 100000;
    agree(messages);
    distrust(messages / 100);
    return 0;
}
