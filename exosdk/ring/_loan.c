/* Chunks of a ring's arena as Python has them: a Loan is written and sent, what was Borrowed is read and given back. */
#include "_end.h"

struct piece {
    PyObject_HEAD
    struct end *end;
    uint32_t chunk, size;
    unsigned seen;
    bool over; /* sent, or given back */
};

static PyTypeObject loan_type, borrowed_type;

static PyObject *piece_new(PyTypeObject *type, struct end *end, uint32_t chunk, uint32_t size) {
    struct piece *self = (struct piece *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->end = (struct end *)Py_NewRef((PyObject *)end);
    self->chunk = chunk;
    self->size = size;
    return (PyObject *)self;
}

static const struct mapping *front(const struct piece *self) {
    return Py_IS_TYPE((PyObject *)self, &loan_type) ? &self->end->own : &self->end->peer;
}

static int piece_view(struct piece *self, Py_buffer *view, int flags) {
    bool reads = Py_IS_TYPE((PyObject *)self, &borrowed_type);
    const struct mapping *memory = front(self);
    if (self->over || !memory->at) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, "cannot look at the loan: it was sent or given back, or its ring is closed");
        return -1;
    }
    unsigned char *at = end_arena(memory, self->end) + (size_t)self->chunk * RING_UNIT;
    if (PyBuffer_FillInfo(view, (PyObject *)self, at, self->size, reads, flags))
        return -1;
    self->seen++;
    self->end->seen++;
    return 0;
}

static void piece_viewed(struct piece *self, Py_buffer *Py_UNUSED(view)) {
    self->seen--;
    self->end->seen--;
}

static Py_ssize_t piece_length(struct piece *self) {
    return self->size;
}

/* A chunk whose ring is closed is nobody's any more. */
static void piece_end(struct piece *self) {
    if (self->over)
        return;
    self->over = true;
    if (!front(self)->at)
        return;
    if (Py_IS_TYPE((PyObject *)self, &loan_type))
        arena_give(&self->end->books, self->chunk);
    else if (self->end->own.at)
        ring_return(&self->end->consumer, self->chunk);
}

static PyObject *piece_release(struct piece *self, PyObject *Py_UNUSED(none)) {
    if (self->seen) {
        PyErr_SetString(PyExc_BufferError, "cannot give the loan back: somebody still looks at it");
        return NULL;
    }
    piece_end(self);
    Py_RETURN_NONE;
}

static void piece_dealloc(struct piece *self) {
    piece_end(self);
    Py_DECREF((PyObject *)self->end);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* --- made by ------------------------------------------------------------------------------------------------------ */

/* What came back is looked for where none is at hand: a look takes a line of cache from the consumer, which writes there
 * just then. A chunk that was not lent is nothing that comes back. */
static int collect(struct end *self) {
    uint32_t chunk;
    enum ring_result result;
    while ((result = ring_collect(&self->producer, &chunk)) == RING_DONE) {
        if (arena_state(&self->books, chunk) != ARENA_LENT) {
            self->producer.broken = true;
            break;
        }
        arena_give(&self->books, chunk);
    }
    return self->producer.broken ? -1 : 0;
}

PyObject *producer_loan(struct end *self, PyObject *argument) {
    Py_ssize_t size = PyLong_AsSsize_t(argument);
    if ((size == -1 && PyErr_Occurred()) || end_usable(self))
        return NULL;
    if (size < 1 || (size_t)size > self->arena) {
        end_refused("cannot lend so much: a loan is from 1 byte to the whole arena");
        return NULL;
    }
    uint32_t class = arena_class((uint32_t)size);
    if (!self->books.cached[class] && collect(self))
        return end_broken();
    uint32_t chunk = arena_take(&self->books, class);
    if (chunk == ARENA_NONE)
        Py_RETURN_NONE;
    PyObject *loan = piece_new(&loan_type, self, chunk, (uint32_t)size);
    if (!loan)
        arena_give(&self->books, chunk);
    return loan;
}

PyObject *producer_push_loan(struct end *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2 || !Py_IS_TYPE(args[1], &loan_type)) {
        PyErr_SetString(PyExc_TypeError, "push_loan(type, loan)");
        return NULL;
    }
    struct piece *loan = (struct piece *)args[1];
    int type = end_type_of(args[0]);
    if (type < 0 || end_usable(self))
        return NULL;
    if (loan->end != self || loan->over || loan->seen) {
        end_refused("cannot send the loan: it is another ring's, was sent, or somebody still looks at it");
        return NULL;
    }
    struct ring_loan told = {loan->chunk, loan->size};
    switch (ring_push(&self->producer, (uint8_t)type, RING_LOAN, &told, sizeof told)) {
    case RING_NOT_NOW:
        Py_RETURN_FALSE;
    case RING_BROKEN:
        return end_broken();
    case RING_DONE:
        break;
    }
    loan->over = true;
    arena_mark(&self->books, loan->chunk, self->books.chunk[loan->chunk] >> 2, ARENA_LENT);
    doorbell_wake(self);
    Py_RETURN_TRUE;
}

PyObject *borrowed_new(struct end *self, const struct ring_message *message) {
    struct ring_loan loan;
    memcpy(&loan, message->data, sizeof loan);
    return piece_new(&borrowed_type, self, loan.chunk, loan.size);
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static PyBufferProcs views = {(getbufferproc)piece_view, (releasebufferproc)piece_viewed};
static PySequenceMethods lengths = {.sq_length = (lenfunc)piece_length};
static PyMethodDef methods[] = {
    {"release", (PyCFunction)(void (*)(void))piece_release, METH_NOARGS,
     "release(): give it back unsent, or after it was read; twice is fine."},
    {0},
};

#define PIECE(NAME, DOC)                                                                                               \
    {                                                                                                                  \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = "exosdk.ring." NAME, .tp_doc = DOC,                                   \
        .tp_basicsize = sizeof(struct piece), .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,      \
        .tp_dealloc = (destructor)piece_dealloc, .tp_methods = methods, .tp_as_buffer = &views,                        \
        .tp_as_sequence = &lengths                                                                                     \
    }

static PyTypeObject loan_type = PIECE("Loan", "A chunk to be written through a memoryview of it, and then sent.");
static PyTypeObject borrowed_type = PIECE(
    "Borrowed", "A chunk to be read in place through a memoryview of it; its sender may write it meanwhile: "
                "copy what is looked at twice.");

int loan_types(PyObject *module) {
    return PyModule_AddType(module, &loan_type) || PyModule_AddType(module, &borrowed_type);
}
