/* Sleeping and waking of exosdk/ring/_bell.h and _doorbell.c: does one sleep on while something was published for it?
 *
 * What a side writes is seen by the other when its buffer drains, at any time and in any order between places, but before
 * a fence is over. It is the same for both sides: a consumer waits for messages, a producer for room. The waker may be
 * killed between any two steps. A nap ends by itself only then: otherwise it would hide each lost wake-up.
 *
 * Environment: WEAK, what is left out (0: nothing); DOORBELL: 1 for the eventfd instead of the futex. */
#define TIMES 2

hidden byte weak, doorbell;

byte published, asleep, rung, rang; /* the words in memory; the last one is the waker's own */
chan publishing = [TIMES] of { byte }; /* and what is written and not seen yet */
chan saying = [2 * TIMES] of { byte };
bool sleeping; /* in the kernel, which calls nobody that is not */
bool edge;     /* the eventfd was written since it was looked at */
bool dead;
byte found;

#define STRONG(order) (weak != (order))

proctype draining() {
end:
    do
    :: publishing?published
    :: saying?asleep
    od
}

/* Calls of the kernel are fences as well. WEAK 1: the fence of ring_wake. WEAK 4: each listening has the same number. */
proctype waker() {
    byte sent, seen;
    {
        do
        :: sent < TIMES ->
            sent++;
            publishing!sent;
            !STRONG(1) || empty(publishing);
            seen = asleep;
            if
            :: seen && !doorbell ->
                rung++;
                empty(publishing);
                sleeping = false
            :: doorbell && seen && seen != rang ->
                rang = seen;
                empty(publishing);
                edge = true
            :: else
            fi
        :: else -> break
        od
    } unless { dead }
}

/* WEAK 2: the fence of ring_nap, or of listen(). WEAK 3: `rung` is read after the last look, not before. */
proctype sleeper() {
    byte before, listened;
    bool there;
    do
    :: found == TIMES -> break
    :: dead && !len(publishing) && published == found -> break
    :: published > found -> found = published
    :: else ->
        listened = (doorbell && STRONG(4) -> listened + 1 : 1);
        if
        :: before = rung; saying!listened
        :: saying!listened; before = rung
        fi;
        !STRONG(2) || empty(saying);
        there = published > found;
        if
        :: there
        :: !there && !STRONG(3) -> before = rung
        :: !there && STRONG(3)
        fi;
        if
        :: there
        :: !there && doorbell -> empty(saying); edge || dead; edge = false
        :: !there && !doorbell ->
            atomic { empty(saying); sleeping = rung == before }
            !sleeping || dead
        fi;
        saying!0
    od
}

proctype killer() {
    if
    :: !weak -> dead = true
    :: true
    fi
}

init {
    atomic {
        c_code { weak = atoi(getenv("WEAK")); doorbell = atoi(getenv("DOORBELL")); };
        run draining(); run waker(); run sleeper(); run killer()
    }
    timeout -> assert(found == TIMES || (dead && found == published))
}
