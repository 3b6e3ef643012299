/* An extension module as a package brings one along; with BESIDE its answer comes from a library that lies beside it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef BESIDE
int beside(void);
#else
static int beside(void) {
    return 42;
}
#endif

static PyObject *answer(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    return PyLong_FromLong(beside());
}

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "machine", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_machine(void) {
    return PyModule_Create(&module);
}
