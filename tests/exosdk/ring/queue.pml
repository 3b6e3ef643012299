/* The protocol of exosdk/ring/_core.h for every order in which memory may be read and written.
 *
 * Each side is a list of reads and writes in the order of the program. It may do them in any other order, also before a
 * read that decides whether they are done at all: the language permits more than any processor does. Kept are only the
 * orders that the code asks for: what follows an acquire is done after it, what precedes a release before it, and what
 * concerns one place in the order of the program. A read that is repeated until it shows what it waits for is done once,
 * when it does. Either side may be killed between any two.
 *
 * Environment: WEAK, which of the orders is left out (0: none); LOANS: 1 for chunks of an arena instead of slots. */
#define SLOTS 4
#define MANY 32 /* reads and writes of a side */

#define HEADER(position) ((position) % SLOTS)
#define PAYLOAD(position) (SLOTS + (position) % SLOTS)
#define HEAD (2 * SLOTS)
#define CHUNK (2 * SLOTS + 1)
#define RETURN (2 * SLOTS + 2)

#define PRODUCER 0
#define CONSUMER 1

mtype = { store, message, room, expect };
/* store: `value` is written. message: read until it is `value`; what the last round left may be seen before, and nothing
 * else. room: read until it is `value` at least, unless it was before. expect: read, and has to be `value`. */

hidden mtype does[2 * MANY];
hidden byte at[2 * MANY];
hidden byte value[2 * MANY];
hidden byte acquires[2 * MANY];
hidden byte releases[2 * MANY];
hidden int needs[2 * MANY]; /* of its side, what has to be done before it */
hidden int all[2];
hidden byte weak, loans, side_, i, j, k, position;

byte memory[2 * SLOTS + 3];
byte freed; /* the largest head that the producer has seen */
int done[2];
bool dead[2];
bool bad;

/* --- programs ----------------------------------------------------------------------------------------------------- */

#define STRONG(order) (weak != (order))

inline add(what, where, which, acquire, release) {
    does[side_ * MANY + k] = what;
    at[side_ * MANY + k] = where;
    value[side_ * MANY + k] = which;
    acquires[side_ * MANY + k] = acquire;
    releases[side_ * MANY + k] = release;
    k++
}

/* ring_fill, and the header: WEAK 1 that of ring_push, 2 that of the first of ring_push_batch. */
inline fill(where, release) {
    add(store, PAYLOAD(where), where + 1, 0, 0);
    add(store, HEADER(where), where + 1, 0, release)
}

/* ring_room. WEAK 3. */
inline await_room(up_to) {
    add(room, HEAD, up_to - SLOTS, STRONG(3), 0)
}

/* ring_pop of a message of one slot or two. WEAK 4. */
inline pop(where, slots) {
    add(message, HEADER(where), where + 1, STRONG(4), 0);
    if
    :: slots == 2 ->
        add(expect, HEADER(where + 1), where + 2, 0, 0);
        add(expect, PAYLOAD(where + 1), where + 2, 0, 0)
    :: else
    fi;
    add(expect, PAYLOAD(where), where + 1, 0, 0)
}

/* ring_publish. WEAK 5. */
inline publish(where) {
    add(store, HEAD, where, 0, STRONG(5))
}

/* One message, one of two slots, a batch of both, one: seven positions on four slots. */
inline slots_program() {
    side_ = PRODUCER; k = 0;
    fill(0, STRONG(1));
    fill(2, 0); fill(1, STRONG(1));
    await_room(6);
    fill(5, 0); fill(4, 0); fill(3, STRONG(2));
    await_room(7);
    fill(6, STRONG(1));
    side_ = CONSUMER; k = 0;
    pop(0, 1); publish(1);
    pop(1, 2); publish(3);
    pop(3, 1); pop(4, 2); publish(6);
    pop(6, 1); publish(7)
}

/* One chunk, lent three times. ring_return: WEAK 6. ring_collect: WEAK 7. */
inline loans_program() {
    side_ = PRODUCER; k = 0;
    for (position : 0 .. 2) {
        if
        :: position -> add(message, RETURN, position, STRONG(7), 0)
        :: else
        fi;
        add(store, CHUNK, position + 1, 0, 0);
        fill(position, STRONG(1))
    }
    side_ = CONSUMER; k = 0;
    for (position : 0 .. 2) {
        pop(position, 1);
        add(expect, CHUNK, position + 1, 0, 0);
        add(store, RETURN, position + 1, 0, STRONG(6))
    }
}

inline find_needs() {
    for (side_ : 0 .. 1) {
        for (i : 0 .. MANY - 1) {
            if
            :: does[side_ * MANY + i] ->
                all[side_] = all[side_] | 1 << i;
                for (j : 0 .. MANY - 1) {
                    if
                    :: j < i && (acquires[side_ * MANY + j] || releases[side_ * MANY + i]
                                 || at[side_ * MANY + j] == at[side_ * MANY + i]) ->
                        needs[side_ * MANY + i] = needs[side_ * MANY + i] | 1 << j
                    :: else
                    fi
                }
            :: else
            fi
        }
    }
}

/* --- what is done ------------------------------------------------------------------------------------------------- */

#define HERE at[me * MANY + n]
#define NOW memory[HERE]
#define WANTED value[me * MANY + n]
#define WHAT does[me * MANY + n]
#define LEFT (HERE == RETURN -> WANTED - 1 : (WANTED > SLOTS -> WANTED - SLOTS : 0))
#define READY (WHAT && !(done[me] & 1 << n) && (done[me] & needs[me * MANY + n]) == needs[me * MANY + n])
#define SEEN ((WHAT != message || NOW != LEFT) && (WHAT != room || NOW >= WANTED || freed >= WANTED))

inline step(n) {
    atomic {
        READY && SEEN ->
        if
        :: WHAT == store -> NOW = WANTED
        :: WHAT == room -> freed = (NOW > freed -> NOW : freed)
        :: WHAT == message || WHAT == expect -> bad = bad || NOW != WANTED
        fi;
        done[me] = done[me] | 1 << n
    }
}

#define STEP(n) :: step(n)
#define STEPS(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3)

proctype side(byte me) {
end:
    do
    STEPS(0) STEPS(4) STEPS(8) STEPS(12) STEPS(16) STEPS(20)
    :: !weak && !dead[0] && !dead[1] -> dead[me] = true; break
    od
}

init {
    d_step {
        c_code { weak = atoi(getenv("WEAK")); loans = atoi(getenv("LOANS")); };
        if
        :: loans -> loans_program()
        :: else -> slots_program()
        fi;
        find_needs()
    }
    atomic { run side(PRODUCER); run side(CONSUMER) }
    /* What was read before it was known whether it would be is a fault only if it was. */
    timeout -> assert(!bad || (!dead[0] && !dead[1] && (done[0] != all[0] || done[1] != all[1])));
    assert(weak || dead[0] || dead[1] || (done[0] == all[0] && done[1] == all[1]))
}
