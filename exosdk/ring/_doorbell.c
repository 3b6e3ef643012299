/* How a consumer that waits for other things as well, in poll(2), is told of a message: an eventfd that only the producer
 * holds, in an epoll instance that only the consumer holds. Neither can make the other's call block. */
#include "_end.h"

/* It blocks for nobody: the counter is the producer's alone, and 2^64 wake-ups do not happen. */
void doorbell_wake(struct end *self) {
    uint32_t asleep = ring_wake(&self->producer.mine->bell, &self->producer.theirs->bell);
    if (!(asleep & RING_LISTENS) || asleep == self->rang || self->doorbell < 0)
        return;
    self->rang = asleep;
    PROBE_2("wake", self->producer.mine, asleep);
    uint64_t once = 1;
    while (write(self->doorbell, &once, sizeof once) < 0 && errno == EINTR) {
    }
}

PyObject *producer_ring_on(struct end *self, PyObject *argument) {
    long fd = PyLong_AsLong(argument);
    if (fd == -1 && PyErr_Occurred())
        return NULL;
    if (fd < -1 || fd > INT32_MAX) {
        end_refused("cannot ring: a doorbell is a descriptor, or -1");
        return NULL;
    }
    self->doorbell = (int)fd;
    self->rang = 0;
    if (self->peer.at)
        doorbell_wake(self); /* for what was sent before it was hung up */
    Py_RETURN_NONE;
}

/* As in ring_nap: first it says that it listens, then it looks. */
PyObject *consumer_listen(struct end *self, PyObject *Py_UNUSED(none)) {
    if (end_usable(self))
        return NULL;
    _Atomic uint32_t *asleep = &self->consumer.mine->bell.asleep;
    if (!end_has_message(self)) {
        self->listened += RING_TIMES;
        atomic_store_explicit(asleep, self->listened | RING_LISTENS, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        if (!end_has_message(self))
            Py_RETURN_TRUE;
    }
    atomic_store_explicit(asleep, 0, memory_order_relaxed);
    Py_RETURN_FALSE;
}

PyObject *consumer_awake(struct end *self, PyObject *Py_UNUSED(none)) {
    if (end_usable(self))
        return NULL;
    atomic_store_explicit(&self->consumer.mine->bell.asleep, 0, memory_order_relaxed);
    Py_RETURN_NONE;
}
