/* Bytes → what two ends of a ring do, honest and not, under clang's sanitizers and libFuzzer. The first byte says whose
 * memory is written by somebody hostile as well. Of what happens a plain record is kept, and both must agree: as long as
 * everybody is honest in everything, and afterwards in what nobody can be talked out of. */
#define _GNU_SOURCE
#include "../../../exosdk/ring/_arena.h"
#include "../../../exosdk/ring/_core.h"

#include <stdio.h>

#define SLOTS RING_SLOTS_MIN
#define PAGES 4u
#define UNITS (PAGES * ARENA_UNITS)
#define MANY 64
#define HOSTILE_PRODUCER 1
#define HOSTILE_CONSUMER 2
#define HOLDS(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *what, int line) {
    fprintf(stderr, "line %d: not %s\n", line, what);
    abort();
}

struct input {
    const uint8_t *at, *end;
};

static uint32_t byte(struct input *input) {
    return input->at < input->end ? *input->at++ : 0;
}

static uint64_t word(struct input *input) {
    uint64_t found = 0;
    for (int index = 0; index < 8; index++)
        found = found << 8 | byte(input);
    return found;
}

struct sent {
    uint32_t size;
    uint8_t type;
    bool loan;
    struct ring_loan where;
};

struct world {
    struct input input;
    uint32_t hostile, lied; /* who may, and who did */
    struct ring_producer producer;
    struct ring_consumer consumer;
    struct arena arena;
    struct sent sent[MANY]; /* and not received; a ring of 32 slots holds no more */
    uint64_t sends, receipts;
    struct ring_loan held[MANY], borrowed[MANY], returned[MANY];
    uint32_t holds, borrows, returns;
    uint8_t taken[UNITS]; /* by a loan that did not come back */
};

static struct ring_front *front;
static struct ring_back *back;

/* Of exactly the size that they have: the sanitizer sees a step beyond. */
static void lay(struct world *world) {
    size_t slots = SLOTS * RING_SLOT, arena = PAGES * RING_PAGE;
    if (!front) {
        HOLDS(!posix_memalign((void **)&front, RING_PAGE, RING_PAGE + slots + arena));
        HOLDS(!posix_memalign((void **)&back, RING_PAGE, RING_PAGE + UNITS * 8));
    }
    memset(front, 0, 128);
    memset(front->slots, 0, slots);
    memset(back, 0, 128);
    memset((void *)back->returns, 0, UNITS * 8);
    world->producer = (struct ring_producer){.mine = front, .theirs = back, .slots = SLOTS, .units = UNITS};
    world->consumer = (struct ring_consumer){.mine = back, .theirs = front, .slots = SLOTS, .units = UNITS};
    HOLDS(arena_make(&world->arena, PAGES));
}

/* --- the producer's side ------------------------------------------------------------------------------------------ */

static void note(struct world *world, struct sent sent) {
    world->sent[world->sends++ % MANY] = sent;
}

static unsigned char pattern(uint64_t number) {
    return (unsigned char)(number * 31 + 7);
}

static void push(struct world *world) {
    unsigned char data[RING_MESSAGE_MAX];
    uint32_t size = byte(&world->input) * 2 + byte(&world->input) % 3;
    memset(data, pattern(world->sends), size);
    enum ring_result result = ring_push(&world->producer, size & 7, 0, data, size);
    if (result == RING_DONE)
        note(world, (struct sent){.size = size, .type = size & 7});
    HOLDS(result != RING_BROKEN || world->lied);
}

static void push_batch(struct world *world) {
    static unsigned char data[7][RING_MESSAGE_MAX];
    struct ring_part parts[7];
    uint32_t count = byte(&world->input) % 8, pushed = 0;
    for (uint32_t index = 0; index < count; index++) {
        parts[index] = (struct ring_part){data[index], byte(&world->input) * (index + 1) % (RING_MESSAGE_MAX + 1)};
        memset(data[index], pattern(world->sends + index), parts[index].size);
    }
    enum ring_result result = ring_push_batch(&world->producer, 9, parts, count, &pushed);
    HOLDS(pushed <= count && (result == RING_DONE) == (pushed > 0));
    HOLDS(result != RING_BROKEN || world->lied);
    for (uint32_t index = 0; index < pushed; index++)
        note(world, (struct sent){.size = parts[index].size, .type = 9});
}

static void set_taken(struct world *world, uint32_t chunk, uint32_t units, uint8_t taken) {
    HOLDS(chunk + units <= UNITS);
    for (uint32_t unit = chunk; unit < chunk + units; unit++) {
        HOLDS(world->taken[unit] != taken);
        world->taken[unit] = taken;
    }
}

static void give(struct world *world, uint32_t chunk) {
    set_taken(world, chunk, 1u << (world->arena.chunk[chunk] >> 2), 0);
    arena_give(&world->arena, chunk);
}

static void loan(struct world *world) {
    uint32_t size = 1 + byte(&world->input) * 64 % (PAGES * RING_PAGE), class = arena_class(size);
    uint32_t chunk = world->holds < MANY ? arena_take(&world->arena, class) : ARENA_NONE;
    if (chunk == ARENA_NONE)
        return;
    HOLDS(size <= (uint64_t)RING_UNIT << class && chunk % (1u << (class < 2 ? class : 2)) == 0);
    set_taken(world, chunk, 1u << class, 1);
    world->held[world->holds++] = (struct ring_loan){chunk, size};
}

static struct ring_loan taken_out(struct ring_loan *from, uint32_t *count, uint32_t which) {
    struct ring_loan found = from[which % *count];
    from[which % *count] = from[--*count];
    return found;
}

static void push_loan(struct world *world) {
    uint32_t which = byte(&world->input);
    if (!world->holds)
        return;
    struct ring_loan loan = world->held[which % world->holds];
    if (ring_push(&world->producer, 4, RING_LOAN, &loan, sizeof loan) != RING_DONE)
        return;
    taken_out(world->held, &world->holds, which);
    arena_mark(&world->arena, loan.chunk, world->arena.chunk[loan.chunk] >> 2, ARENA_LENT);
    note(world, (struct sent){sizeof loan, 4, true, loan});
}

static void keep_unsent(struct world *world) {
    uint32_t which = byte(&world->input);
    if (world->holds)
        give(world, taken_out(world->held, &world->holds, which).chunk);
}

/* As _loan.c does it. */
static void collect(struct world *world) {
    uint32_t chunk;
    enum ring_result result;
    while ((result = ring_collect(&world->producer, &chunk)) == RING_DONE) {
        HOLDS(chunk < UNITS);
        if (arena_state(&world->arena, chunk) != ARENA_LENT) {
            HOLDS(world->lied);
            world->producer.broken = true;
            return;
        }
        if (!world->lied) {
            HOLDS(world->returns && world->returned[0].chunk == chunk);
            memmove(world->returned, world->returned + 1, --world->returns * sizeof *world->returned);
        }
        give(world, chunk);
    }
    HOLDS(world->lied || (result == RING_NOT_NOW && !world->returns));
}

/* --- the consumer's side ------------------------------------------------------------------------------------------ */

static void believe(struct world *world, enum ring_result result, const struct ring_message *message) {
    if (result != RING_DONE) {
        HOLDS(result == RING_NOT_NOW && world->receipts == world->sends);
        return;
    }
    HOLDS(world->receipts < world->sends);
    struct sent sent = world->sent[world->receipts % MANY];
    HOLDS(message->size == sent.size && message->type == sent.type && message->loan == sent.loan);
    if (sent.loan)
        HOLDS(!memcmp(message->data, &sent.where, sizeof sent.where));
    for (uint32_t index = 0; index < sent.size && !sent.loan; index++)
        HOLDS(message->data[index] == pattern(world->receipts));
    world->receipts++;
}

static void pop(struct world *world) {
    struct ring_message message;
    enum ring_result result = ring_pop(&world->consumer, &message);
    if (!world->lied)
        believe(world, result, &message);
    if (result != RING_DONE)
        return;
    HOLDS(message.size <= RING_MESSAGE_MAX);
    if (message.loan) {
        struct ring_loan loan;
        memcpy(&loan, message.data, sizeof loan);
        HOLDS(loan.size && (uint64_t)loan.chunk * RING_UNIT + loan.size <= PAGES * RING_PAGE);
        if (world->borrows < MANY)
            world->borrowed[world->borrows++] = loan;
    }
}

static void give_back(struct world *world) {
    uint32_t which = byte(&world->input);
    if (!world->borrows)
        return;
    struct ring_loan loan = taken_out(world->borrowed, &world->borrows, which);
    ring_return(&world->consumer, loan.chunk);
    if (world->returns < MANY)
        world->returned[world->returns++] = loan;
}

/* --- lies --------------------------------------------------------------------------------------------------------- */

/* All of a message as the consumer wants it next, of whatever size; of a loan, that it lies wherever it likes. */
static void forge(struct world *world) {
    uint32_t size = byte(&world->input) * 3, loan = byte(&world->input);
    struct ring_loan where = {loan % (UNITS + 2), byte(&world->input) * 256};
    if (!(world->hostile & HOSTILE_PRODUCER))
        return;
    world->lied |= HOSTILE_PRODUCER;
    for (uint32_t index = 0; index < ring_span(size); index++) {
        uint64_t position = world->consumer.at + index;
        atomic_store(&front->slots[position % SLOTS].header, ring_header(position, size, 9, index ? RING_GOES_ON : 0));
    }
    if (loan & 0x80) {
        struct ring_slot *slot = &front->slots[world->consumer.at % SLOTS];
        memcpy(slot->payload, &where, sizeof where);
        atomic_store(&slot->header, ring_header(world->consumer.at, sizeof where, 9, RING_LOAN));
    }
}

/* Headers that are nearly right are worth more than noise. */
static void lie_of_messages(struct world *world) {
    uint32_t how = byte(&world->input);
    uint64_t position = world->consumer.at + how % 12;
    _Atomic uint64_t *header = &front->slots[position % SLOTS].header;
    if (!(world->hostile & HOSTILE_PRODUCER))
        return;
    world->lied |= HOSTILE_PRODUCER;
    if (how & 0x80)
        atomic_store(header, word(&world->input));
    else if (how & 0x40)
        atomic_store(header, ring_header(position, byte(&world->input) * 3, 9, (uint8_t)byte(&world->input)));
    else
        memset(front->slots[position % SLOTS].payload, (int)byte(&world->input), 8);
}

static void lie_of_room(struct world *world) {
    uint32_t how = byte(&world->input);
    if (!(world->hostile & HOSTILE_CONSUMER))
        return;
    world->lied |= HOSTILE_CONSUMER;
    uint64_t place = world->producer.collected + how % 3;
    if (how & 0x80)
        atomic_store(&back->head, word(&world->input));
    else if (how & 0x40)
        atomic_store(&back->head, world->producer.at - byte(&world->input) % 40 + 2);
    else
        atomic_store(&back->returns[place % UNITS], (place + 1) << 32 | byte(&world->input) % (UNITS + 2));
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void tell(struct world *world) {
    ring_publish(&world->consumer);
}

/* Who gets everything back has one arena again. */
static void settle(struct world *world) {
    while (world->holds)
        give(world, world->held[--world->holds].chunk);
    for (uint32_t chunk = 0; chunk < UNITS; chunk++)
        if (arena_state(&world->arena, chunk) == ARENA_LENT)
            give(world, chunk);
    arena_flush(&world->arena);
    HOLDS(arena_take(&world->arena, arena_class(PAGES * RING_PAGE)) == 0);
    arena_drop(&world->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const steps[])(struct world *) = {push,        push_batch, pop,     pop,       tell,            loan,
                                                    push_loan,   push_loan,  collect, give_back, lie_of_messages, pop,
                                                    lie_of_room, keep_unsent, forge};
    struct world world = {.input = {data, data + size}};
    lay(&world);
    world.hostile = byte(&world.input);
    while (world.input.at < world.input.end) {
        steps[byte(&world.input) % (sizeof steps / sizeof *steps)](&world);
        HOLDS(world.producer.at - world.producer.freed <= SLOTS);
        HOLDS(world.lied || (!world.producer.broken && !world.consumer.broken));
    }
    settle(&world);
    return 0;
}
