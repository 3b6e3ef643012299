/* One queue from one process to one other, over two shared memories: the protocol, without Python and without waiting.
 *
 * Each side writes one memory and reads the other's. Everything that is read from the other side is read once, into a
 * register, and checked there: a peer that writes nonsense ends its own ring and nothing else. docs/adr/0007. */
#pragma once

#include "_probe.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RING_SLOT 64
#define RING_INLINE 56
#define RING_SPAN_MAX 10
#define RING_MESSAGE_MAX 512
#define RING_SLOTS_MIN 32
#define RING_SLOTS_MAX (1u << 20)
#define RING_PUBLISH 64 /* slots after which the producer hears of its room at the latest, or a quarter of them all */
#define RING_PAGE 4096
#define RING_UNIT 1024 /* of the arena: the smallest chunk */
#define RING_GOES_ON 0x80 /* flag of every slot of a message but its first */
#define RING_LOAN 0x40    /* flag of a message whose payload says where in the arena it lies: struct ring_loan */

_Static_assert(RING_SPAN_MAX * RING_INLINE >= RING_MESSAGE_MAX, "a message of the largest size fits its slots");
_Static_assert(RING_SLOTS_MIN / 2 >= RING_SPAN_MAX, "half of the smallest ring holds the largest message");

enum ring_result { RING_DONE, RING_NOT_NOW, RING_BROKEN };

/* What one side says beside the messages. A word of its own to wait on, for nobody can write the other's. */
struct ring_bell {
    _Atomic uint32_t rung;   /* changes with each wake-up that this side gives: what the other waits on */
    _Atomic uint32_t asleep; /* whether this side waits to be woken */
    _Atomic uint32_t cpu;    /* where it ran last; a hint */
};

/* header: sequence (32 bits), size (16), type (8), flags (8). The sequence is the slot's position plus one, so that one
 * load says whether there is a message and what it is. */
struct ring_slot {
    _Atomic uint64_t header;
    unsigned char payload[RING_INLINE];
};

struct ring_front { /* the producer's memory: this page, then the slots, from a page on the arena */
    _Alignas(64) _Atomic uint64_t tail;
    _Alignas(64) struct ring_bell bell;
    _Alignas(RING_PAGE) struct ring_slot slots[];
};

struct ring_back { /* the consumer's memory: this page, then what it gave back of the arena */
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) struct ring_bell bell;
    _Alignas(RING_PAGE) _Atomic uint64_t returns[]; /* sequence (32 bits), chunk (32) */
};

struct ring_loan { /* chunk: which unit of the arena it begins with */
    uint32_t chunk, size;
};

_Static_assert(sizeof(struct ring_slot) == RING_SLOT, "a slot is a cache line");
_Static_assert(sizeof(struct ring_front) == RING_PAGE, "slots begin at the second page");
_Static_assert(sizeof(struct ring_back) == RING_PAGE, "returns begin at the second page");
_Static_assert(offsetof(struct ring_front, bell) == offsetof(struct ring_back, bell), "a bell says where its memory is");

/* Positions are kept here and never read back from memory that is shared. */
struct ring_producer {
    struct ring_front *mine;
    const struct ring_back *theirs;
    uint64_t slots, at, freed;
    uint64_t units, collected; /* of the arena, as many returns as it has units; and how many of them were read */
    bool broken;
};

struct ring_consumer {
    struct ring_back *mine;
    const struct ring_front *theirs;
    uint64_t slots, at, told;
    uint64_t units, returned;
    bool broken;
};

struct ring_message {
    uint32_t size;
    uint8_t type;
    bool loan; /* then `data` begins with a struct ring_loan that lies within the arena */
    unsigned char data[RING_SPAN_MAX * RING_INLINE];
};

struct ring_part { /* of a batch */
    const unsigned char *data;
    uint32_t size;
};

static inline uint32_t ring_span(uint32_t size) {
    return size <= RING_INLINE ? 1 : (size + RING_INLINE - 1) / RING_INLINE;
}

static inline uint64_t ring_header(uint64_t position, uint32_t size, uint8_t type, uint8_t flags) {
    return (position + 1) << 32 | (uint64_t)(size & 0xffff) << 16 | (uint64_t)type << 8 | flags;
}

/* --- producer --------------------------------------------------------------------------------------------------- */

static inline enum ring_result ring_room(struct ring_producer *ring, uint64_t wanted) {
    if (ring->broken)
        return RING_BROKEN;
    if (ring->at - ring->freed + wanted <= ring->slots)
        return RING_DONE;
    /* acquire: what is written into a slot must not overtake the word that it was read out. */
    uint64_t head = atomic_load_explicit(&ring->theirs->head, memory_order_acquire);
    if (head < ring->freed || head > ring->at) {
        ring->broken = true;
        return RING_BROKEN;
    }
    ring->freed = head;
    return ring->at - head + wanted <= ring->slots ? RING_DONE : RING_NOT_NOW;
}

static inline struct ring_slot *ring_fill(struct ring_producer *ring, uint64_t position, const void *data,
                                          uint32_t size) {
    struct ring_slot *slot = &ring->mine->slots[position & (ring->slots - 1)];
    memcpy(slot->payload, data, size);
    return slot;
}

/* All of a message but the header of its first slot, which is returned: whoever sees that one sees all of it. */
static inline struct ring_slot *ring_write(struct ring_producer *ring, uint64_t position, uint8_t type,
                                           struct ring_part part) {
    PROBE_4("push", ring->mine, position, type, part.size);
    for (uint32_t more = ring_span(part.size) - 1; more; more--) {
        uint32_t from = more * RING_INLINE, rest = part.size - from;
        struct ring_slot *slot =
            ring_fill(ring, position + more, part.data + from, rest < RING_INLINE ? rest : RING_INLINE);
        uint64_t header = ring_header(position + more, part.size, type, RING_GOES_ON);
        atomic_store_explicit(&slot->header, header, memory_order_relaxed);
    }
    return ring_fill(ring, position, part.data, part.size < RING_INLINE ? part.size : RING_INLINE);
}

static inline void ring_advance(struct ring_producer *ring, uint64_t slots) {
    ring->at += slots;
    atomic_store_explicit(&ring->mine->tail, ring->at, memory_order_relaxed); /* for whoever counts, not for the peer */
}

/* The size must have been checked. `flags` are 0 or RING_LOAN. */
static inline enum ring_result ring_push(struct ring_producer *ring, uint8_t type, uint8_t flags, const void *data,
                                         uint32_t size) {
    uint32_t span = ring_span(size);
    enum ring_result room = ring_room(ring, span);
    if (room != RING_DONE) {
        PROBE_4("drop", ring->mine, ring->at, type, size);
        return room;
    }
    struct ring_slot *first = ring_write(ring, ring->at, type, (struct ring_part){data, size});
    /* release: the payload is there before the word that it is. */
    atomic_store_explicit(&first->header, ring_header(ring->at, size, type, flags), memory_order_release);
    ring_advance(ring, span);
    return RING_DONE;
}

/* As many as fit, from the front; they appear at once, for the first of them is written last. */
static inline enum ring_result ring_push_batch(struct ring_producer *ring, uint8_t type, const struct ring_part *parts,
                                               uint32_t count, uint32_t *pushed) {
    uint64_t slots = 0;
    uint32_t fits = 0;
    for (; fits < count; fits++) {
        uint32_t span = ring_span(parts[fits].size);
        if (ring->at - ring->freed + slots + span > ring->slots) {
            enum ring_result room = ring_room(ring, slots + span);
            if (room == RING_BROKEN)
                return room;
            if (room == RING_NOT_NOW) {
                PROBE_4("drop", ring->mine, ring->at + slots, type, parts[fits].size);
                break;
            }
        }
        slots += span;
    }
    uint64_t position = ring->at + slots;
    for (uint32_t index = fits; index--;) {
        position -= ring_span(parts[index].size);
        struct ring_slot *first = ring_write(ring, position, type, parts[index]);
        uint64_t header = ring_header(position, parts[index].size, type, 0);
        if (index)
            atomic_store_explicit(&first->header, header, memory_order_relaxed);
        else
            atomic_store_explicit(&first->header, header, memory_order_release);
    }
    ring_advance(ring, slots);
    *pushed = fits;
    return fits ? RING_DONE : ring->broken ? RING_BROKEN : RING_NOT_NOW;
}

/* How many messages come after what the other side said last that it has read: from this side's own slots. */
static inline uint64_t ring_unread(const struct ring_producer *ring) {
    uint64_t found = 0;
    for (uint64_t position = ring->freed; position < ring->at; position++) {
        const struct ring_slot *slot = &ring->mine->slots[position & (ring->slots - 1)];
        found += !(atomic_load_explicit(&slot->header, memory_order_relaxed) & RING_GOES_ON);
    }
    return found;
}

/* The next chunk that came back, which the caller must know to be lent. */
static inline enum ring_result ring_collect(struct ring_producer *ring, uint32_t *chunk) {
    if (ring->broken)
        return RING_BROKEN;
    if (!ring->units)
        return RING_NOT_NOW;
    const _Atomic uint64_t *place = &ring->theirs->returns[ring->collected & (ring->units - 1)];
    /* acquire: what is written into the chunk must not overtake the word that it was read out. */
    uint64_t word = atomic_load_explicit(place, memory_order_acquire);
    uint32_t sequence = word >> 32;
    if (sequence == (uint32_t)(ring->collected + 1)) {
        ring->collected++;
        *chunk = (uint32_t)word;
        ring->broken = *chunk >= ring->units;
        return ring->broken ? RING_BROKEN : RING_DONE;
    }
    if (ring->collected < ring->units ? word == 0 : sequence == (uint32_t)(ring->collected + 1 - ring->units))
        return RING_NOT_NOW;
    ring->broken = true;
    return RING_BROKEN;
}

/* --- consumer --------------------------------------------------------------------------------------------------- */

static inline const struct ring_slot *ring_slot_at(const struct ring_consumer *ring, uint64_t position) {
    return &ring->theirs->slots[position & (ring->slots - 1)];
}

/* Whether there is a message, and its header. An empty slot holds what the last round left in it, or nothing yet. */
static inline enum ring_result ring_peek(struct ring_consumer *ring, uint64_t *header) {
    if (ring->broken)
        return RING_BROKEN;
    /* acquire: the payload is read after the word that it is there. */
    uint64_t found = atomic_load_explicit(&ring_slot_at(ring, ring->at)->header, memory_order_acquire);
    uint32_t sequence = found >> 32;
    if (sequence == (uint32_t)(ring->at + 1)) {
        *header = found;
        return RING_DONE;
    }
    if (ring->at < ring->slots ? found == 0 : sequence == (uint32_t)(ring->at + 1 - ring->slots))
        return RING_NOT_NOW;
    ring->broken = true;
    return RING_BROKEN;
}

/* release: the slots are read out before their room is given back. */
static inline void ring_publish(struct ring_consumer *ring) {
    atomic_store_explicit(&ring->mine->head, ring->at, memory_order_release);
    ring->told = ring->at;
}

/* Of the copy, which nobody writes any more. */
static inline bool ring_loan_lies_within(const struct ring_message *message, uint64_t units) {
    struct ring_loan loan;
    memcpy(&loan, message->data, sizeof loan);
    return message->size == sizeof loan && loan.size && loan.chunk < units
           && loan.size <= (units - loan.chunk) * RING_UNIT;
}

/* Never more of them than there are units, unless the producer lends what it did not get back: its own loss.
 * release: the chunk was read out before it may be written again. */
static inline void ring_return(struct ring_consumer *ring, uint32_t chunk) {
    uint64_t word = (ring->returned + 1) << 32 | chunk;
    atomic_store_explicit(&ring->mine->returns[ring->returned & (ring->units - 1)], word, memory_order_release);
    ring->returned++;
}

static inline enum ring_result ring_pop(struct ring_consumer *ring, struct ring_message *into) {
    uint64_t header = 0;
    enum ring_result found = ring_peek(ring, &header);
    if (found != RING_DONE)
        return found;
    uint32_t size = header >> 16 & 0xffff;
    uint32_t span = ring_span(size);
    uint8_t flags = header & 0xff;
    ring->broken = (flags && flags != RING_LOAN) || size > RING_MESSAGE_MAX;
    for (uint32_t more = 1; more < span && !ring->broken; more++) {
        const struct ring_slot *slot = ring_slot_at(ring, ring->at + more);
        uint64_t rest = atomic_load_explicit(&slot->header, memory_order_relaxed);
        ring->broken = rest != ring_header(ring->at + more, size, header >> 8 & 0xff, RING_GOES_ON);
        memcpy(into->data + more * RING_INLINE, slot->payload, RING_INLINE);
    }
    if (ring->broken)
        return RING_BROKEN;
    memcpy(into->data, ring_slot_at(ring, ring->at)->payload, RING_INLINE);
    into->size = size;
    into->type = header >> 8 & 0xff;
    into->loan = flags == RING_LOAN;
    if (into->loan && !ring_loan_lies_within(into, ring->units)) {
        ring->broken = true;
        return RING_BROKEN;
    }
    PROBE_4("pop", ring->mine, ring->at, into->type, into->size);
    ring->at += span;
    if (ring->at - ring->told >= (ring->slots / 4 < RING_PUBLISH ? ring->slots / 4 : RING_PUBLISH))
        ring_publish(ring);
    return RING_DONE;
}
