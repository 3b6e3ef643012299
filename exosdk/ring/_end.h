/* An end of a ring as Python has it, and what its parts share. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_arena.h"
#include "_bell.h"
#include "_core.h"

/* One memory: `size` bytes with a page that nobody may touch on either side. */
struct mapping {
    unsigned char *at;
    size_t size;
};

/* For reading only of one that is sealed. 0, or -1 with the exception that is set. */
int mapping_make(struct mapping *into, int fd, size_t size, int protection);
void mapping_drop(struct mapping *mapping);

struct end {
    PyObject_HEAD
    union {
        struct ring_producer producer;
        struct ring_consumer consumer;
    };
    struct arena books; /* of a producer that lends */
    struct ring_patience patience;
    struct mapping own, peer;
    size_t slots, arena;
    unsigned waiting; /* threads that sleep on it */
    unsigned seen;    /* views of its arena that somebody has */
    int doorbell;     /* of a producer: the eventfd that it rings, which is the caller's; -1 for none */
    uint32_t rang, listened; /* for what number of the consumer's the last time; of a consumer: its own number */
};

/* The other modules' part: what the ring refuses, as the exception that is set. */
bool end_has_message(struct end *self);
int end_usable(const struct end *self);
int end_refused(const char *what);
PyObject *end_broken(void);
int end_type_of(PyObject *argument);
unsigned char *end_arena(const struct mapping *front, const struct end *self);

/* How a consumer that waits for other things as well is told. */
void doorbell_wake(struct end *self);
PyObject *producer_ring_on(struct end *self, PyObject *argument);
PyObject *consumer_listen(struct end *self, PyObject *none);
PyObject *consumer_awake(struct end *self, PyObject *none);

/* Loan and Borrowed, and the methods that make them. */
int loan_types(PyObject *module);
PyObject *producer_loan(struct end *self, PyObject *argument);
PyObject *producer_push_loan(struct end *self, PyObject *const *args, Py_ssize_t count);
PyObject *borrowed_new(struct end *self, const struct ring_message *message);
