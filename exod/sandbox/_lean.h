/* What an instance reports of its own walls. */
#ifndef EXOD_LEAN_H
#define EXOD_LEAN_H

#include <Python.h>

#include "_walls.h"

/* A dict of words, or NULL with an exception. */
PyObject *walls_lean(const struct child *child);

#endif
