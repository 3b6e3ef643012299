/* What no library offers a plugin: any system call by any entry, any address. Loaded by the zygotes of hostile tests. */
#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* For attempts to write to: longer than what they write, so that nothing else is hit. */
__attribute__((noinline, aligned(4096))) static int harmless(void) {
    __asm__ volatile(".skip 16, 0x90");
    return 7;
}

/* Numbers as they are; of bytes and bytearrays where they lie. */
static int argument(PyObject *value, unsigned long *into) {
    if (PyBytes_Check(value))
        *into = (unsigned long)PyBytes_AsString(value);
    else if (PyByteArray_Check(value))
        *into = (unsigned long)PyByteArray_AsString(value);
    else
        *into = PyLong_AsUnsignedLongMask(value);
    return PyErr_Occurred() != NULL;
}

static int arguments(PyObject *args, unsigned long into[7]) {
    for (Py_ssize_t i = 0; i < PyTuple_Size(args) && i < 7; i++)
        if (argument(PyTuple_GetItem(args, i), &into[i]))
            return -1;
    return 0;
}

static PyObject *py_syscall(PyObject *self, PyObject *args) {
    unsigned long a[7] = {0};
    (void)self;
    if (arguments(args, a))
        return NULL;
    errno = 0;
    long result = syscall((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    return Py_BuildValue("(li)", result, errno);
}

static PyObject *py_int80(PyObject *self, PyObject *args) {
    unsigned long a[7] = {0};
    long result = -ENOSYS;
    (void)self;
    if (arguments(args, a))
        return NULL;
#ifdef __x86_64__
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]) : "memory");
#endif
    return PyLong_FromLong(result);
}

static PyObject *py_address(PyObject *self, PyObject *value) {
    unsigned long found = 0;
    (void)self;
    return argument(value, &found) ? NULL : PyLong_FromUnsignedLong(found);
}

static PyObject *py_harmless(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    return PyLong_FromUnsignedLong((unsigned long)harmless);
}

static PyObject *py_peek(PyObject *self, PyObject *args) {
    unsigned long a[7] = {0};
    (void)self;
    return arguments(args, a) ? NULL : PyBytes_FromStringAndSize((const char *)a[0], (Py_ssize_t)a[1]);
}

static PyObject *py_poke(PyObject *self, PyObject *args) {
    unsigned long address;
    Py_buffer data;
    (void)self;
    if (!PyArg_ParseTuple(args, "ky*", &address, &data))
        return NULL;
    memcpy((void *)address, data.buf, (size_t)data.len);
    PyBuffer_Release(&data);
    Py_RETURN_NONE;
}

static PyObject *py_run(PyObject *self, PyObject *value) {
    unsigned long address;
    (void)self;
    return argument(value, &address) ? NULL : PyLong_FromLong(((int (*)(void))address)());
}

static PyMethodDef methods[] = {
    {"syscall", py_syscall, METH_VARARGS, NULL}, {"int80", py_int80, METH_VARARGS, NULL},
    {"address", py_address, METH_O, NULL},       {"harmless", py_harmless, METH_NOARGS, NULL},
    {"peek", py_peek, METH_VARARGS, NULL},       {"poke", py_poke, METH_VARARGS, NULL},
    {"run", py_run, METH_O, NULL},               {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_attack", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__attack(void) {
    return PyModule_Create(&module);
}
