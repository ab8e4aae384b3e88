/* What a class patch returns where the method's result is awaitable but no coroutine: a future, an object that is both
 * awaitable and manager. It is that object to whoever looks, and awaiting it is watched. */

#include "probe.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject *awaitable, *manager, *error;
    const Method *method; /* owned */
    Handle *handle;
    PyObject *weak_references;
    bool is_on;
} Watched;

static PyObject *awaits(PyObject *self)
{
    Watched *watched = (Watched *)self;
    PyObject *iterator = Py_TYPE(watched->awaitable)->tp_as_async->am_await(watched->awaitable);
    if (iterator != NULL && !PyIter_Check(iterator)) {
        PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'", Py_TYPE(iterator)->tp_name);
        Py_CLEAR(iterator);
    }
    PyObject *error = iterator == NULL ? exception_taken() : NULL;
    PyObject *inner = iterator == NULL ? Py_NewRef(Py_None) : iterator;
    Await await = {watched->manager, watched->error, watched->handle, watched->is_on};
    PyObject *driver = driver_make(inner, watched->method, &await);
    if (driver != NULL) {
        Py_CLEAR(watched->handle); /* whoever awaits it again ends nothing */
    }
    if (error != NULL) {
        exception_put_back(error);
        if (driver != NULL) {
            driver_fail(driver);
        }
        Py_CLEAR(driver);
    }
    return driver;
}

static PyObject *awaits_by_name(PyObject *self, PyObject *Py_UNUSED(none))
{
    return awaits(self);
}

static PyObject *watched_getattr(PyObject *self, PyObject *name)
{
    if (PyUnicode_CompareWithASCIIString(name, "__await__") == 0) {
        return PyObject_GenericGetAttr(self, name);
    }
    return PyObject_GetAttr(((Watched *)self)->awaitable, name);
}

static int watched_setattr(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((Watched *)self)->awaitable, name, value);
}

static PyObject *watched_repr(PyObject *self)
{
    return PyObject_Repr(((Watched *)self)->awaitable);
}

static int watched_traverse(PyObject *self, visitproc visit, void *arg)
{
    Watched *watched = (Watched *)self;
    Py_VISIT(watched->awaitable);
    Py_VISIT(watched->manager);
    Py_VISIT(watched->error);
    Py_VISIT((PyObject *)watched->method);
    return 0;
}

static int watched_clear(PyObject *self)
{
    Watched *watched = (Watched *)self;
    Py_CLEAR(watched->error);
    return 0;
}

static void watched_dealloc(PyObject *self)
{
    Watched *watched = (Watched *)self;
    PyObject_GC_UnTrack(self);
    if (watched->handle != NULL && !watched->is_on) {
        opened_remember(watched->manager, watched->handle, watched->method->flags & MOVES); /* nobody awaited it */
    }
    if (watched->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_XDECREF(watched->awaitable);
    Py_XDECREF(watched->manager);
    Py_XDECREF(watched->error);
    Py_XDECREF(watched->handle);
    Py_DECREF((PyObject *)watched->method);
    PyObject_GC_Del(self);
}

static PyMethodDef watched_methods[] = {
    {"__await__", awaits_by_name, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods watched_async = {.am_await = awaits};

PyTypeObject Watched_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tenure._probe.Watched",
    .tp_basicsize = sizeof(Watched),
    .tp_dealloc = watched_dealloc,
    .tp_traverse = watched_traverse,
    .tp_clear = watched_clear,
    .tp_weaklistoffset = offsetof(Watched, weak_references),
    .tp_getattro = watched_getattr,
    .tp_setattro = watched_setattr,
    .tp_repr = watched_repr,
    .tp_methods = watched_methods,
    .tp_as_async = &watched_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static bool is_coroutine(PyObject *object)
{
    if (PyCoro_CheckExact(object)) {
        return true;
    }
    if (!PyGen_CheckExact(object)) {
        return false;
    }
    PyObject *code = PyObject_GetAttrString(object, "gi_code"); /* of a function that types.coroutine made */
    bool is_one = code != NULL && PyCode_Check(code) && ((PyCodeObject *)code)->co_flags & CO_ITERABLE_COROUTINE;
    Py_XDECREF(code);
    PyErr_Clear();
    return is_one;
}

/* The interpreter is about to refuse the object itself; the record says so now. */
static void note_refusal(PyObject *object, const Method *method, const Await *await)
{
    PyObject *driver = driver_make(Py_NewRef(Py_None), method, await);
    if (driver != NULL) {
        PyErr_Format(PyExc_TypeError, "'async with' received an object from %s that does not implement __await__: %.100s",
                     method->role == LEAVES ? "__aexit__" : "__aenter__", Py_TYPE(object)->tp_name);
        driver_fail(driver);
        Py_DECREF(driver);
    }
    PyErr_Clear();
}

bool is_awaitable(PyObject *object)
{
    return is_coroutine(object) ||
           (Py_TYPE(object)->tp_as_async != NULL && Py_TYPE(object)->tp_as_async->am_await != NULL);
}

PyObject *watched_around(PyObject *awaitable, const Method *method, const Await *await)
{
    if (is_coroutine(awaitable)) {
        return driver_make(awaitable, method, await);
    }
    if (!is_awaitable(awaitable)) {
        if (method->role == ENTERS || method->role == LEAVES) {
            note_refusal(awaitable, method, await);
        }
        return awaitable;
    }
    Watched *watched = PyObject_GC_New(Watched, &Watched_Type);
    if (watched == NULL) {
        Py_DECREF(awaitable);
        return NULL;
    }
    watched->awaitable = awaitable;
    watched->manager = Py_NewRef(await->manager);
    watched->error = Py_XNewRef(await->error);
    watched->method = (const Method *)Py_NewRef((PyObject *)method);
    watched->handle = (Handle *)Py_XNewRef((PyObject *)await->handle);
    watched->weak_references = NULL;
    watched->is_on = await->is_on;
    PyObject_GC_Track((PyObject *)watched);
    return (PyObject *)watched;
}
