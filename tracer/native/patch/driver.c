/* The awaitable that a class patch returns. It drives the coroutine that the method itself returned, and stamps when
 * that starts and ends. It adds no frame while it is suspended. Every other attribute (cr_frame, cr_await, __class__,
 * __qualname__) is the coroutine's.
 *
 * A record begins when the coroutine starts, not when it is made: another task may await it. */

#include "driver.h"

#include "../errors.h"
#include "driver_events.h"
#include "driver_protocol.h"

#include <structmember.h>

enum { FREE_LIST_SIZE = 64 };

static Driver *free_list[FREE_LIST_SIZE]; /* freed drivers, reused: each lifecycle needs two */
static int free_count;

static PyObject *driver_self(PyObject *self)
{
    return Py_NewRef(self);
}

static PyObject *driver_await(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_NewRef(self);
}

/* ---- the object ---- */

static PyObject *driver_getattr(PyObject *self, PyObject *name)
{
    PyObject *inner = ((Driver *)self)->inner;
    for (size_t at = 0; at < sizeof driver_names / sizeof *driver_names; at++) {
        if (PyUnicode_Compare(name, driver_names[at]) == 0) {
            PyObject *attribute = PyObject_GetAttr(inner, name);
            if (attribute == NULL) {
                return NULL; /* an iterator that has no such method */
            }
            Py_DECREF(attribute);
            return PyObject_GenericGetAttr(self, name);
        }
    }
    return PyObject_GetAttr(inner, name);
}

static PyObject *driver_repr(PyObject *self)
{
    return PyObject_Repr(((Driver *)self)->inner);
}

static int driver_traverse(PyObject *self, visitproc visit, void *arg)
{
    Driver *driver = (Driver *)self;
    Py_VISIT(driver->inner);
    Py_VISIT(driver->manager);
    Py_VISIT(driver->error);
    Py_VISIT((PyObject *)driver->method);
    return 0;
}

static void driver_dealloc(PyObject *self)
{
    Driver *driver = (Driver *)self;
    PyObject_GC_UnTrack(self);
    if (driver->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    PyObject *before = PyErr_Occurred() ? take_exception() : NULL;
    Py_CLEAR(driver->inner); /* a coroutine that is suspended closes itself in here */
    driver_on_close(driver);
    if (before != NULL || PyErr_Occurred()) {
        restore_exception(before);
    }
    Py_CLEAR(driver->error);
    Py_CLEAR(driver->handle);
    Py_DECREF((PyObject *)driver->method);
    if (free_count < FREE_LIST_SIZE) {
        free_list[free_count++] = driver;
    }
    else {
        PyObject_GC_Del(self);
    }
}

static PyMethodDef driver_methods[] = {
    {"send", drive_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))drive_throw, METH_FASTCALL, NULL},
    {"close", drive_close, METH_NOARGS, NULL},
    {"__await__", driver_await, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods driver_async = {.am_await = driver_self, .am_send = drive};

/* No tp_clear: a cycle through a driver is broken at the coroutine, which needs its driver intact. */
PyTypeObject Driver_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tenure._probe.Driver",
    .tp_basicsize = sizeof(Driver),
    .tp_dealloc = driver_dealloc,
    .tp_traverse = driver_traverse,
    .tp_weaklistoffset = offsetof(Driver, weak_references),
    .tp_getattro = driver_getattr,
    .tp_repr = driver_repr,
    .tp_iter = driver_self,
    .tp_iternext = drive_next,
    .tp_methods = driver_methods,
    .tp_as_async = &driver_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

PyObject *driver_make(PyObject *inner, const Method *method, const Await *await)
{
    for (size_t at = 0; driver_names[3] == NULL && at < 4; at++) {
        static const char *const names[] = {"send", "throw", "close", "__await__"};
        driver_names[at] = PyUnicode_InternFromString(names[at]);
    }
    Driver *driver = NULL;
    if (driver_names[3] != NULL && free_count > 0) {
        driver = (Driver *)PyObject_Init((PyObject *)free_list[--free_count], &Driver_Type);
    }
    else if (driver_names[3] != NULL) {
        driver = PyObject_GC_New(Driver, &Driver_Type);
    }
    if (driver == NULL) {
        Py_DECREF(inner);
        return NULL;
    }
    driver->inner = inner;
    driver->manager = Py_NewRef(await->manager);
    driver->error = Py_XNewRef(await->error);
    driver->method = (const Method *)Py_NewRef((PyObject *)method);
    driver->handle = (Handle *)Py_XNewRef((PyObject *)await->handle);
    driver->weak_references = NULL;
    driver->started = await->is_leaving;
    driver->running = driver->finished = false;
    PyObject_GC_Track((PyObject *)driver);
    return (PyObject *)driver;
}

void driver_fail(PyObject *self)
{
    Driver *driver = (Driver *)self;
    PyObject *error = take_exception();
    if (driver->started || driver_on_start(driver)) {
        restore_exception(error);
        driver_on_error(driver);
    }
    else {
        Py_XDECREF(error);
    }
}
