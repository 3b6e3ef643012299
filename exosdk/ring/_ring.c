/* The queue for Python: two memories mapped between guard pages, and a call for each verb. */
#include "_end.h"

#include <sys/mman.h>

#define FOREVER 1e9 /* seconds */
#define BATCH 64
#define ARENA_MAX (256 << 20)

static PyObject *BrokenError;

static size_t slots_size(size_t slots) {
    return (slots * RING_SLOT + RING_PAGE - 1) & ~(size_t)(RING_PAGE - 1);
}

static size_t front_size(const struct end *self) {
    return RING_PAGE + slots_size(self->slots) + self->arena;
}

static size_t back_size(const struct end *self) {
    size_t returns = self->arena / RING_UNIT * sizeof(uint64_t);
    return RING_PAGE + ((returns + RING_PAGE - 1) & ~(size_t)(RING_PAGE - 1));
}

unsigned char *end_arena(const struct mapping *front, const struct end *self) {
    return front->at + RING_PAGE + slots_size(self->slots);
}

int end_refused(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return -1;
}

/* --- what both ends are ------------------------------------------------------------------------------------------- */

static PyTypeObject producer_type, consumer_type;

static bool produces(const struct end *self) {
    return Py_IS_TYPE((PyObject *)self, &producer_type);
}

static PyObject *end_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"fd", "slots", "arena", NULL};
    int fd;
    Py_ssize_t slots = 0, arena = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|$nn", names, &fd, &slots, &arena))
        return NULL;
    if (arena < 0 || arena > ARENA_MAX || arena % RING_PAGE || arena & (arena - 1)) {
        end_refused("cannot map the ring: an arena is a power of two from 4 KiB to 256 MiB, or nothing");
        return NULL;
    }
    if (slots < RING_SLOTS_MIN || slots > RING_SLOTS_MAX || slots & (slots - 1)) {
        end_refused("cannot map the ring: slots are a power of two from 32 to 1048576");
        return NULL;
    }
    struct end *self = (struct end *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->slots = (size_t)slots;
    self->arena = (size_t)arena;
    self->patience.spin = RING_SPIN;
    self->doorbell = -1;
    bool books = type == &consumer_type || !arena || arena_make(&self->books, (uint32_t)(arena / RING_PAGE));
    if (!books)
        PyErr_NoMemory();
    if (!books || mapping_make(&self->own, fd, produces(self) ? front_size(self) : back_size(self), PROT_READ | PROT_WRITE))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *end_attach(struct end *self, PyObject *argument) {
    int fd = PyObject_AsFileDescriptor(argument);
    if (fd < 0)
        return NULL;
    if (self->peer.at || !self->own.at) {
        end_refused("cannot attach to the ring: that was done before, or it is closed");
        return NULL;
    }
    if (mapping_make(&self->peer, fd, produces(self) ? back_size(self) : front_size(self), PROT_READ))
        return NULL;
    if (produces(self))
        self->producer = (struct ring_producer){
            .mine = (void *)self->own.at, .theirs = (void *)self->peer.at, .slots = self->slots,
            .units = self->arena / RING_UNIT};
    else
        self->consumer = (struct ring_consumer){
            .mine = (void *)self->own.at, .theirs = (void *)self->peer.at, .slots = self->slots,
            .units = self->arena / RING_UNIT};
    Py_RETURN_NONE;
}

static PyObject *end_close(struct end *self, PyObject *Py_UNUSED(none)) {
    if (self->waiting || self->seen) {
        PyErr_SetString(PyExc_RuntimeError, "cannot close the ring: a thread waits on it, or looks at a loan");
        return NULL;
    }
    mapping_drop(&self->own);
    mapping_drop(&self->peer);
    Py_RETURN_NONE;
}

static void end_dealloc(struct end *self) {
    mapping_drop(&self->own);
    mapping_drop(&self->peer);
    arena_drop(&self->books);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

int end_usable(const struct end *self) {
    if (self->peer.at)
        return 0;
    return end_refused("cannot use the ring: it is closed, or not attached to the other end");
}

PyObject *end_broken(void) {
    PyErr_SetString(BrokenError, "the ring is broken: the other end wrote what no ring writes");
    return NULL;
}

static bool has_room(void *ring) {
    return ring_room(ring, RING_SPAN_MAX) != RING_NOT_NOW;
}

static bool has_message(void *ring) {
    uint64_t header;
    return ring_peek(ring, &header) != RING_NOT_NOW;
}

bool end_has_message(struct end *self) {
    return has_message(&self->consumer);
}

/* A producer that waits for room is woken when half of the ring is free: each wake-up is worth a batch. What it says of
 * its tail may be old or a lie: then it is woken early, or has itself to blame. */
static void wake_producer(struct ring_consumer *ring) {
    uint64_t tail = atomic_load_explicit(&ring->theirs->tail, memory_order_relaxed);
    if ((int64_t)(tail - ring->at) <= (int64_t)(ring->slots / 2))
        ring_wake(&ring->mine->bell, &ring->theirs->bell);
}

static void tell(struct ring_consumer *ring) {
    ring_publish(ring);
    wake_producer(ring);
}

/* On a copy: another thread may use the ring meanwhile. */
static bool waited(struct end copy, uint64_t deadline, struct ring_patience *patience) {
    if (produces(&copy)) {
        struct ring_producer *ring = &copy.producer;
        return ring_wait(&ring->mine->bell, &ring->theirs->bell, patience, has_room, ring, deadline);
    }
    struct ring_consumer *ring = &copy.consumer;
    return ring_wait(&ring->mine->bell, &ring->theirs->bell, patience, has_message, ring, deadline);
}

static PyObject *end_wait(struct end *self, PyObject *argument) {
    double seconds = argument == Py_None ? FOREVER : PyFloat_AsDouble(argument);
    if (PyErr_Occurred() || end_usable(self))
        return NULL;
    if (!(seconds >= 0) || seconds > FOREVER) {
        end_refused("cannot wait so long: seconds are from 0 to 1e9");
        return NULL;
    }
    uint64_t deadline = ring_now() + (uint64_t)(seconds * 1e9);
    if (!produces(self) && self->consumer.told != self->consumer.at)
        tell(&self->consumer);
    for (;;) {
        struct ring_patience patience = self->patience;
        struct end copy = *self;
        bool found;
        self->waiting++;
        Py_BEGIN_ALLOW_THREADS
        found = waited(copy, deadline, &patience);
        Py_END_ALLOW_THREADS
        self->patience = patience;
        int raised = PyErr_CheckSignals(); /* runs Python, which must not close what is waited on */
        self->waiting--;
        if (raised)
            return NULL;
        if (found)
            Py_RETURN_TRUE;
        if (ring_now() >= deadline)
            Py_RETURN_FALSE;
    }
}

/* --- producer ----------------------------------------------------------------------------------------------------- */

/* A message that is checked: its type in 8 bits, its payload no larger than a message. */
int end_type_of(PyObject *argument) {
    long type = PyLong_AsLong(argument);
    if (type == -1 && PyErr_Occurred())
        return -1;
    return type >= 0 && type <= 255 ? (int)type : end_refused("cannot send a message: its type is from 0 to 255");
}

static int part_of(PyObject *payload, struct ring_part *part) {
    if (!PyBytes_CheckExact(payload)) {
        PyErr_Format(PyExc_TypeError, "cannot send a message: its payload is bytes, not %.100s",
                     Py_TYPE(payload)->tp_name);
        return -1;
    }
    if (PyBytes_GET_SIZE(payload) > RING_MESSAGE_MAX)
        return end_refused("cannot send a message: more than 512 bytes travel in a loan");
    *part = (struct ring_part){(unsigned char *)PyBytes_AS_STRING(payload), (uint32_t)PyBytes_GET_SIZE(payload)};
    return 0;
}

static PyObject *producer_push(struct end *self, PyObject *const *args, Py_ssize_t count) {
    struct ring_part part;
    int type;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "push(type, payload)");
        return NULL;
    }
    if ((type = end_type_of(args[0])) < 0 || part_of(args[1], &part) || end_usable(self))
        return NULL;
    switch (ring_push(&self->producer, (uint8_t)type, 0, part.data, part.size)) {
    case RING_NOT_NOW:
        Py_RETURN_FALSE;
    case RING_BROKEN:
        return end_broken();
    case RING_DONE:
        break;
    }
    doorbell_wake(self);
    Py_RETURN_TRUE;
}

static PyObject *producer_push_batch(struct end *self, PyObject *const *args, Py_ssize_t count) {
    int type;
    if (count != 2 || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "push_batch(type, [payload, ...])");
        return NULL;
    }
    if ((type = end_type_of(args[0])) < 0 || end_usable(self))
        return NULL;
    struct ring_part parts[BATCH];
    Py_ssize_t all = PyList_GET_SIZE(args[1]), done = 0;
    for (Py_ssize_t index = 0; index < all; index++) /* before anything is sent */
        if (part_of(PyList_GET_ITEM(args[1], index), parts))
            return NULL;
    while (done < all) {
        uint32_t size = all - done < BATCH ? (uint32_t)(all - done) : BATCH, pushed = 0;
        for (uint32_t index = 0; index < size; index++)
            part_of(PyList_GET_ITEM(args[1], done + index), &parts[index]);
        if (ring_push_batch(&self->producer, (uint8_t)type, parts, size, &pushed) == RING_BROKEN)
            return end_broken();
        done += pushed;
        if (pushed)
            doorbell_wake(self);
        if (pushed < size)
            break;
    }
    return PyLong_FromSsize_t(done);
}

static int up_to_date(struct end *self) {
    if (end_usable(self))
        return -1;
    if (ring_room(&self->producer, self->slots) != RING_BROKEN)
        return 0;
    end_broken();
    return -1;
}

static PyObject *producer_depth(struct end *self, PyObject *Py_UNUSED(none)) {
    return up_to_date(self) ? NULL : PyLong_FromUnsignedLongLong(self->producer.at - self->producer.freed);
}

static PyObject *producer_unread(struct end *self, PyObject *Py_UNUSED(none)) {
    return up_to_date(self) ? NULL : PyLong_FromUnsignedLongLong(ring_unread(&self->producer));
}

/* --- consumer ----------------------------------------------------------------------------------------------------- */

static PyObject *popped(struct end *self, enum ring_result *result) {
    struct ring_message message;
    struct ring_consumer *ring = &self->consumer;
    uint64_t told = ring->told;
    *result = ring_pop(ring, &message);
    if (*result == RING_DONE && ring->told != told)
        wake_producer(ring);
    else if (*result == RING_NOT_NOW && ring->told != ring->at)
        tell(ring);
    if (*result != RING_DONE)
        return NULL;
    PyObject *type = PyLong_FromLong(message.type);
    PyObject *payload = message.loan ? borrowed_new(self, &message)
                                     : PyBytes_FromStringAndSize((char *)message.data, (Py_ssize_t)message.size);
    PyObject *pair = type && payload ? PyTuple_Pack(2, type, payload) : NULL;
    Py_XDECREF(type);
    Py_XDECREF(payload);
    return pair;
}

static PyObject *consumer_pop(struct end *self, PyObject *Py_UNUSED(none)) {
    enum ring_result result;
    if (end_usable(self))
        return NULL;
    PyObject *message = popped(self, &result);
    if (result == RING_BROKEN)
        return end_broken();
    if (result == RING_NOT_NOW)
        Py_RETURN_NONE;
    return message;
}

static PyObject *consumer_pop_batch(struct end *self, PyObject *argument) {
    Py_ssize_t most = PyLong_AsSsize_t(argument);
    if ((most == -1 && PyErr_Occurred()) || end_usable(self))
        return NULL;
    PyObject *found = PyList_New(0);
    while (found && PyList_GET_SIZE(found) < most) {
        enum ring_result result;
        PyObject *message = popped(self, &result);
        /* What came before a broken slot is good, and is handed over first. */
        if (result == RING_NOT_NOW || (result == RING_BROKEN && PyList_GET_SIZE(found)))
            break;
        if (!message || PyList_Append(found, message))
            Py_CLEAR(found);
        Py_XDECREF(message);
        if (result == RING_BROKEN)
            return end_broken();
    }
    return found;
}

/* --- module ------------------------------------------------------------------------------------------------------- */

#define BOTH                                                                                                           \
    {"attach", (PyCFunction)(void (*)(void))end_attach, METH_O, "attach(fd): map what the other end writes."},         \
        {"wait", (PyCFunction)(void (*)(void))end_wait, METH_O,                                                        \
         "wait(seconds | None) -> bool: whether there is something to do, room or a message, within that time."},      \
        {"close", (PyCFunction)(void (*)(void))end_close, METH_NOARGS, "close(): unmap both memories; twice is fine."}

static PyMethodDef producer_methods[] = {
    BOTH,
    {"push", (PyCFunction)(void (*)(void))producer_push, METH_FASTCALL,
     "push(type, payload) -> bool: False when there is no room. At most 512 bytes."},
    {"push_batch", (PyCFunction)(void (*)(void))producer_push_batch, METH_FASTCALL,
     "push_batch(type, payloads) -> int: how many had room, from the front; 64 at a time appear at once."},
    {"loan", (PyCFunction)(void (*)(void))producer_loan, METH_O,
     "loan(size) -> Loan | None: a chunk of the arena to be filled and sent; None while there is none."},
    {"push_loan", (PyCFunction)(void (*)(void))producer_push_loan, METH_FASTCALL,
     "push_loan(type, loan) -> bool: False when there is no room; the loan is kept then."},
    {"ring_on", (PyCFunction)(void (*)(void))producer_ring_on, METH_O,
     "ring_on(fd): the eventfd, still the caller's, to be written when the consumer listens; -1 for none."},
    {"depth", (PyCFunction)(void (*)(void))producer_depth, METH_NOARGS, "depth() -> int: slots not read yet."},
    {"unread", (PyCFunction)(void (*)(void))producer_unread, METH_NOARGS, "unread() -> int: messages not read yet."},
    {0},
};
static PyMethodDef consumer_methods[] = {
    BOTH,
    {"pop", (PyCFunction)(void (*)(void))consumer_pop, METH_NOARGS, "pop() -> (type, payload) | None: the next one."},
    {"pop_batch", (PyCFunction)(void (*)(void))consumer_pop_batch, METH_O,
     "pop_batch(limit) -> list: what is there, at most `limit`."},
    {"listen", (PyCFunction)(void (*)(void))consumer_listen, METH_NOARGS,
     "listen() -> bool: whether nothing is there; then the doorbell is rung for what comes, until awake()."},
    {"awake", (PyCFunction)(void (*)(void))consumer_awake, METH_NOARGS, "awake(): the doorbell need not be rung."},
    {0},
};

static PyTypeObject producer_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "exosdk.ring.Producer",
    .tp_doc = "Producer(fd, *, slots, arena=0): the end that sends. `fd`: its memory, not yet sealed.",
    .tp_basicsize = sizeof(struct end),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = end_new,
    .tp_dealloc = (destructor)end_dealloc,
    .tp_methods = producer_methods,
};
static PyTypeObject consumer_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "exosdk.ring.Consumer",
    .tp_doc = "Consumer(fd, *, slots, arena=0): the end that receives. `fd`: its memory, not yet sealed.",
    .tp_basicsize = sizeof(struct end),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = end_new,
    .tp_dealloc = (destructor)end_dealloc,
    .tp_methods = consumer_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "exosdk.ring._ring", .m_size = -1};

PyMODINIT_FUNC PyInit__ring(void) {
    PyObject *made = PyModule_Create(&module);
    BrokenError = PyErr_NewException("exosdk.ring.BrokenError", NULL, NULL);
    if (!made || !BrokenError || PyModule_AddObjectRef(made, "BrokenError", BrokenError)
        || loan_types(made) || PyModule_AddType(made, &producer_type) || PyModule_AddType(made, &consumer_type)
        || PyModule_AddIntConstant(made, "MESSAGE_MAX", RING_MESSAGE_MAX)
        || PyModule_AddIntConstant(made, "PAGE", RING_PAGE) || PyModule_AddIntConstant(made, "SLOT", RING_SLOT)
        || PyModule_AddIntConstant(made, "UNIT", RING_UNIT)) {
        Py_CLEAR(made);
    }
    return made;
}
