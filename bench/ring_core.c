/* The ring's core alone, between two cores, beside lines of cache that go from one to the other and back.
 *
 * Two cores and how often -> a line a figure: its name, and cycles of the time stamp counter (elsewhere: nanoseconds) of
 * one message, one line, one chunk. `misses`: of a hundred chunks, so many had to be searched. */
#define _GNU_SOURCE
#include "../exosdk/ring/_arena.h"
#include "../exosdk/ring/_bell.h"
#include "../exosdk/ring/_core.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#define SLOTS 256
#define ARENA_PAGES 1024u /* more than can be under way: what is measured is no search for the last chunk */
#define UNITS (ARENA_PAGES * ARENA_UNITS)
#define SIZE 32
#define CHUNK 4096

#if defined(__x86_64__)
#define UNIT_OF_TIME "cycles"
static uint64_t now(void) {
    return __builtin_ia32_rdtsc();
}
#else
#define UNIT_OF_TIME "ns"
static uint64_t now(void) {
    return ring_now();
}
#endif

static unsigned cores[2];
static uint64_t messages;

static void *memory_of(size_t size) {
    void *memory = aligned_alloc(RING_PAGE, size);
    if (!memory)
        abort();
    return memset(memory, 0, size);
}

static void move_to(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        abort();
}

/* --- lines, there and back ---------------------------------------------------------------------------------------- */

struct line {
    _Alignas(RING_SLOT) _Atomic uint64_t turn;
};

static struct line *ask, *answer;
static uint64_t mask; /* of lines that take turns, as a ring's slots do */

static void await(const struct line *lines, uint64_t turn) {
    while (atomic_load_explicit(&lines[turn & mask].turn, memory_order_acquire) != turn + 1)
        ;
}

static void tell(struct line *lines, uint64_t turn) {
    atomic_store_explicit(&lines[turn & mask].turn, turn + 1, memory_order_release);
}

static void lines_answer(void) {
    for (uint64_t turn = 0; turn < messages; turn++) {
        await(ask, turn);
        tell(answer, turn);
    }
}

static void lines_ask(void) {
    for (uint64_t turn = 0; turn < messages; turn++) {
        tell(ask, turn);
        await(answer, turn);
    }
}

/* --- a ring in each direction ------------------------------------------------------------------------------------- */

static struct ring {
    struct ring_producer producer;
    struct ring_consumer consumer;
} there, back;

static void open_ring(struct ring *ring) {
    struct ring_front *front = memory_of(RING_PAGE + SLOTS * RING_SLOT);
    struct ring_back *rear = memory_of(RING_PAGE + UNITS * sizeof(uint64_t));
    ring->producer = (struct ring_producer){.mine = front, .theirs = rear, .slots = SLOTS, .units = UNITS};
    ring->consumer = (struct ring_consumer){.mine = rear, .theirs = front, .slots = SLOTS, .units = UNITS};
}

static void close_ring(struct ring *ring) {
    free(ring->producer.mine);
    free(ring->consumer.mine);
}

/* As the module does each: whoever pushes looks whether the other side sleeps. */
static void push(struct ring *ring, uint8_t flags, const void *data, uint32_t size) {
    while (ring_push(&ring->producer, 1, flags, data, size) != RING_DONE)
        ring_relax();
    ring_wake(&ring->producer.mine->bell, &ring->producer.theirs->bell);
}

static void pop(struct ring *ring, struct ring_message *message) {
    while (ring_pop(&ring->consumer, message) != RING_DONE)
        if (ring->consumer.told != ring->consumer.at)
            ring_publish(&ring->consumer);
}

static void ring_answers(void) {
    struct ring_message message;
    for (uint64_t turn = 0; turn < messages; turn++) {
        pop(&there, &message);
        push(&back, 0, message.data, SIZE);
    }
}

static void ring_asks(void) {
    struct ring_message message = {0};
    for (uint64_t turn = 0; turn < messages; turn++) {
        push(&there, 0, message.data, SIZE);
        pop(&back, &message);
    }
}

/* --- one way ------------------------------------------------------------------------------------------------------ */

static void ring_reads(void) {
    struct ring_message message;
    for (uint64_t number = 0; number < messages; number++)
        pop(&there, &message);
}

static void ring_writes(void) {
    unsigned char data[SIZE] = {0};
    for (uint64_t number = 0; number < messages; number++)
        push(&there, 0, data, SIZE);
}

static void batches_of(uint32_t size) {
    unsigned char data[SIZE] = {0};
    struct ring_part parts[64];
    for (uint32_t index = 0; index < size; index++)
        parts[index] = (struct ring_part){data, SIZE};
    for (uint64_t left = messages; left;) {
        uint32_t pushed = 0;
        ring_push_batch(&there.producer, 1, parts, left < size ? (uint32_t)left : size, &pushed);
        if (pushed)
            ring_wake(&there.producer.mine->bell, &there.producer.theirs->bell);
        else
            ring_relax();
        left -= pushed;
    }
}

static void batches_of_10(void) {
    batches_of(10);
}

static void batches_of_16(void) {
    batches_of(16);
}

/* --- lent --------------------------------------------------------------------------------------------------------- */

static struct arena arena;

static void loans_come(void) {
    struct ring_message message;
    struct ring_loan loan;
    for (uint64_t number = 0; number < messages; number++) {
        pop(&there, &message);
        memcpy(&loan, message.data, sizeof loan);
        ring_return(&there.consumer, loan.chunk);
    }
}

/* As the module does: what came back is looked for where none is at hand. */
static void lend(void) {
    for (uint64_t left = messages; left; left--) {
        uint32_t chunk, class = arena_class(CHUNK);
        if (!arena.cached[class])
            while (ring_collect(&there.producer, &chunk) == RING_DONE)
                arena_give(&arena, chunk);
        if ((chunk = arena_take(&arena, class)) == ARENA_NONE)
            abort();
        struct ring_loan loan = {chunk, CHUNK};
        arena_mark(&arena, chunk, class, ARENA_LENT);
        push(&there, RING_LOAN, &loan, sizeof loan);
    }
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static void say(const char *name, double figure) {
    printf("%s %.3f\n", name, figure);
}

static _Atomic bool there_yet;

static void *elsewhere(void *work) {
    move_to(cores[1]);
    atomic_store(&there_yet, true);
    (*(void (**)(void))work)();
    return NULL;
}

/* Once for what is met at first, and then with the time taken. */
static void between(const char *name, void (*other)(void), void (*mine)(void), double each) {
    uint64_t took = 0;
    open_ring(&there);
    open_ring(&back);
    for (int round = 0; round < 2; round++) {
        pthread_t thread;
        atomic_store(&there_yet, false);
        if (pthread_create(&thread, NULL, elsewhere, &other))
            abort();
        while (!atomic_load(&there_yet))
            sched_yield();
        uint64_t began = now();
        mine();
        pthread_join(thread, NULL);
        took = now() - began;
    }
    say(name, (double)took / (double)messages / each);
    close_ring(&there);
    close_ring(&back);
}

static void between_lines(const char *name, uint64_t lines) {
    ask = memory_of(SLOTS * sizeof *ask);
    answer = memory_of(SLOTS * sizeof *answer);
    mask = lines - 1;
    between(name, lines_answer, lines_ask, 2);
    free(ask);
    free(answer);
}

static void allocator(void) {
    uint64_t taking = 0, giving = 0, rounds = messages / ARENA_CACHE;
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t chunks[ARENA_CACHE];
        uint64_t began = now();
        for (uint32_t index = 0; index < ARENA_CACHE; index++)
            chunks[index] = arena_take(&arena, arena_class(CHUNK));
        __asm__ __volatile__("" ::"r"(chunks) : "memory");
        uint64_t taken = now();
        for (uint32_t index = 0; index < ARENA_CACHE; index++)
            arena_give(&arena, chunks[index]);
        taking += taken - began;
        giving += now() - taken;
    }
    say("allocation", (double)taking / (double)(rounds * ARENA_CACHE));
    say("release", (double)giving / (double)(rounds * ARENA_CACHE));
}

/* What it would cost to forbid the own memory except while it is written (docs/adr/0013). */
static void guards(void) {
    uint64_t turns = messages / 10;
    volatile unsigned char *page =
        mmap(NULL, RING_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        abort();
    uint64_t began = now();
    for (uint64_t turn = 0; turn < turns; turn++) {
        mprotect((void *)page, RING_PAGE, PROT_READ | PROT_WRITE);
        page[0]++;
        mprotect((void *)page, RING_PAGE, PROT_READ);
    }
    say("mprotect", (double)(now() - began) / (double)turns);
    mprotect((void *)page, RING_PAGE, PROT_READ | PROT_WRITE);
    int key = pkey_alloc(0, 0);
    if (key < 0 || pkey_mprotect((void *)page, RING_PAGE, PROT_READ | PROT_WRITE, key))
        return; /* this processor has none */
    began = now();
    for (uint64_t turn = 0; turn < turns; turn++) {
        pkey_set(key, 0);
        page[0]++;
        pkey_set(key, PKEY_DISABLE_WRITE);
    }
    say("keys", (double)(now() - began) / (double)turns);
}

int main(int count, char **arguments) {
    if (count != 4)
        return 2;
    cores[0] = (unsigned)atoi(arguments[1]);
    cores[1] = (unsigned)atoi(arguments[2]);
    messages = strtoull(arguments[3], NULL, 10);
    move_to(cores[0]);
    puts("unit " UNIT_OF_TIME);
    between_lines("line", 1);
    between_lines("lines", SLOTS);
    between("turn", ring_answers, ring_asks, 2);
    between("one-way", ring_reads, ring_writes, 1);
    between("batch-10", ring_reads, batches_of_10, 1);
    between("batch-16", ring_reads, batches_of_16, 1);
    if (!arena_make(&arena, ARENA_PAGES))
        abort();
    between("lent", loans_come, lend, 1);
    say("misses", 100.0 * (double)(arena.asked - arena.hits) / (double)arena.asked);
    allocator();
    arena_drop(&arena);
    guards();
    return 0;
}
