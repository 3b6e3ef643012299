/* Memory that is lent with a message instead of being copied into slots: who has which chunk of the arena.
 *
 * All of this is the producer's own knowledge and lies in its own heap; the shared memory holds payload only. Three
 * levels: what was freed last, by class (no search); pages cut into chunks of one class; pages, halved and joined. */
#pragma once

#include "_core.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_UNITS (RING_PAGE / RING_UNIT) /* in a page; a chunk is named by the unit that it begins with */
#define ARENA_ORDERS 17 /* of pages: 4 KiB to 256 MiB */
#define ARENA_CLASSES (2 + ARENA_ORDERS)
#define ARENA_CACHE 16
#define ARENA_NONE UINT32_MAX

enum arena_state { ARENA_FREE, ARENA_CACHED, ARENA_LOANED, ARENA_LENT };

struct arena_page {
    uint32_t next, previous; /* in one of the lists below */
    uint8_t order;           /* of the free run that begins here */
    bool listed;             /* it is such a run */
    uint8_t parts;           /* bits of its free chunks, where it is cut */
};

struct arena {
    uint32_t pages;
    uint64_t asked, hits; /* of these, so many were answered by what was freed last */
    struct arena_page *page;
    uint8_t *chunk; /* per unit: class of the chunk that begins there, and whose it is */
    uint32_t runs[ARENA_ORDERS];
    uint32_t cut[2];
    uint32_t cache[ARENA_CLASSES][ARENA_CACHE];
    uint32_t cached[ARENA_CLASSES];
};

/* 0: 1 KiB, 1: 2 KiB, then whole pages. */
static inline uint32_t arena_class(uint32_t size) {
    uint32_t units = (size + RING_UNIT - 1) / RING_UNIT;
    return units <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(units - 1);
}

static inline enum arena_state arena_state(const struct arena *arena, uint32_t chunk) {
    return arena->chunk[chunk] & 3;
}

static inline void arena_mark(struct arena *arena, uint32_t chunk, uint32_t class, enum arena_state state) {
    arena->chunk[chunk] = (uint8_t)(class << 2 | state);
}

/* --- lists of pages ----------------------------------------------------------------------------------------------- */

static inline void arena_list(struct arena *arena, uint32_t *head, uint32_t index) {
    arena->page[index].previous = ARENA_NONE;
    arena->page[index].next = *head;
    if (*head != ARENA_NONE)
        arena->page[*head].previous = index;
    *head = index;
}

static inline void arena_unlist(struct arena *arena, uint32_t *head, uint32_t index) {
    struct arena_page *page = &arena->page[index];
    if (page->previous == ARENA_NONE)
        *head = page->next;
    else
        arena->page[page->previous].next = page->next;
    if (page->next != ARENA_NONE)
        arena->page[page->next].previous = page->previous;
}

/* --- runs of pages ------------------------------------------------------------------------------------------------ */

static inline void arena_give_run(struct arena *arena, uint32_t index, uint32_t order) {
    for (; arena->pages > 1u << order; order++) {
        uint32_t other = index ^ 1u << order;
        if (!arena->page[other].listed || arena->page[other].order != order)
            break;
        arena_unlist(arena, &arena->runs[order], other);
        arena->page[other].listed = false;
        index &= other;
    }
    arena->page[index].order = (uint8_t)order;
    arena->page[index].listed = true;
    arena_list(arena, &arena->runs[order], index);
}

static inline uint32_t arena_take_run(struct arena *arena, uint32_t order) {
    uint32_t found = order;
    while (found < ARENA_ORDERS && arena->runs[found] == ARENA_NONE)
        found++;
    if (found == ARENA_ORDERS)
        return ARENA_NONE;
    uint32_t index = arena->runs[found];
    arena_unlist(arena, &arena->runs[found], index);
    arena->page[index].listed = false;
    while (found-- > order) {
        uint32_t half = index + (1u << found);
        arena->page[half].order = (uint8_t)found;
        arena->page[half].listed = true;
        arena_list(arena, &arena->runs[found], half);
    }
    return index;
}

/* --- pages that are cut into chunks of one class ---------------------------------------------------------------- */

static inline uint8_t arena_parts(uint32_t class) {
    return class ? 0x5 : 0xf; /* the units at which a chunk may begin */
}

static inline uint32_t arena_take_part(struct arena *arena, uint32_t class) {
    uint32_t index = arena->cut[class];
    if (index == ARENA_NONE) {
        index = arena_take_run(arena, 0);
        if (index == ARENA_NONE)
            return ARENA_NONE;
        arena->page[index].parts = arena_parts(class);
        arena_list(arena, &arena->cut[class], index);
    }
    struct arena_page *page = &arena->page[index];
    uint32_t part = (uint32_t)__builtin_ctz(page->parts);
    page->parts &= (uint8_t)~(1u << part);
    if (!page->parts)
        arena_unlist(arena, &arena->cut[class], index);
    return index * ARENA_UNITS + part;
}

static inline void arena_give_part(struct arena *arena, uint32_t chunk, uint32_t class) {
    uint32_t index = chunk / ARENA_UNITS;
    struct arena_page *page = &arena->page[index];
    if (!page->parts)
        arena_list(arena, &arena->cut[class], index);
    page->parts |= (uint8_t)(1u << chunk % ARENA_UNITS);
    if (page->parts == arena_parts(class)) {
        arena_unlist(arena, &arena->cut[class], index);
        page->parts = 0;
        arena_give_run(arena, index, 0);
    }
}

/* --- chunks ------------------------------------------------------------------------------------------------------- */

static inline void arena_put_back(struct arena *arena, uint32_t chunk, uint32_t class) {
    arena_mark(arena, chunk, class, ARENA_FREE);
    if (class < 2)
        arena_give_part(arena, chunk, class);
    else
        arena_give_run(arena, chunk / ARENA_UNITS, class - 2);
}

static inline void arena_flush(struct arena *arena) {
    for (uint32_t class = 0; class < ARENA_CLASSES; class ++)
        while (arena->cached[class])
            arena_put_back(arena, arena->cache[class][--arena->cached[class]], class);
}

static inline uint32_t arena_search(struct arena *arena, uint32_t class) {
    if (class < 2)
        return arena_take_part(arena, class);
    uint32_t index = arena_take_run(arena, class - 2);
    return index == ARENA_NONE ? ARENA_NONE : index * ARENA_UNITS;
}

/* A chunk of the class, or ARENA_NONE when there is none left. */
static inline uint32_t arena_take(struct arena *arena, uint32_t class) {
    uint32_t chunk;
    arena->asked++;
    if (class < ARENA_CLASSES && arena->cached[class]) {
        arena->hits++;
        chunk = arena->cache[class][--arena->cached[class]];
    } else {
        chunk = class < ARENA_CLASSES ? arena_search(arena, class) : ARENA_NONE;
        if (chunk == ARENA_NONE && class < ARENA_CLASSES) {
            arena_flush(arena); /* what is kept at hand for other sizes may be what is missing */
            chunk = arena_search(arena, class);
        }
    }
    if (chunk != ARENA_NONE)
        arena_mark(arena, chunk, class, ARENA_LOANED);
    return chunk;
}

static inline void arena_give(struct arena *arena, uint32_t chunk) {
    uint32_t class = arena->chunk[chunk] >> 2;
    if (arena->cached[class] == ARENA_CACHE) {
        arena_put_back(arena, chunk, class);
        return;
    }
    arena_mark(arena, chunk, class, ARENA_CACHED);
    arena->cache[class][arena->cached[class]++] = chunk;
}

static inline void arena_drop(struct arena *arena) {
    free(arena->page);
    free(arena->chunk);
    memset(arena, 0, sizeof *arena);
}

/* `pages`: a power of two, at most 2 ** 16. False when there is no memory for the books. */
static inline bool arena_make(struct arena *arena, uint32_t pages) {
    memset(arena, 0, sizeof *arena);
    memset(arena->runs, 0xff, sizeof arena->runs);
    memset(arena->cut, 0xff, sizeof arena->cut);
    arena->pages = pages;
    arena->page = calloc(pages, sizeof *arena->page);
    arena->chunk = calloc(pages, ARENA_UNITS);
    if (!arena->page || !arena->chunk) {
        arena_drop(arena);
        return false;
    }
    arena_give_run(arena, 0, (uint32_t)__builtin_ctz(pages));
    return true;
}
