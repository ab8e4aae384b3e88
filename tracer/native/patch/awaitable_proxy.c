/* The object that a class patch returns if the method's result is awaitable but not a coroutine: a future, or an object
 * that is both awaitable and manager. It looks like that object, and awaiting it is recorded. */

#include "awaitable_proxy.h"

#include "../errors.h"
#include "open_managers.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject *awaitable, *manager, *error;
    const Method *method; /* owned */
    Handle *handle;
    PyObject *weak_references;
    bool is_leaving;
} AwaitableProxy;

static PyObject *proxy_await(PyObject *self)
{
    AwaitableProxy *proxy = (AwaitableProxy *)self;
    PyObject *iterator = Py_TYPE(proxy->awaitable)->tp_as_async->am_await(proxy->awaitable);
    if (iterator != NULL && !PyIter_Check(iterator)) {
        PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'", Py_TYPE(iterator)->tp_name);
        Py_CLEAR(iterator);
    }
    PyObject *error = iterator == NULL ? take_exception() : NULL;
    PyObject *inner = iterator == NULL ? Py_NewRef(Py_None) : iterator;
    Await await = {proxy->manager, proxy->error, proxy->handle, proxy->is_leaving};
    PyObject *driver = driver_make(inner, proxy->method, &await);
    if (driver != NULL) {
        Py_CLEAR(proxy->handle); /* a second await ends no lifecycle */
    }
    if (error != NULL) {
        restore_exception(error);
        if (driver != NULL) {
            driver_fail(driver);
        }
        Py_CLEAR(driver);
    }
    return driver;
}

static PyObject *proxy_await_method(PyObject *self, PyObject *Py_UNUSED(none))
{
    return proxy_await(self);
}

static PyObject *proxy_getattr(PyObject *self, PyObject *name)
{
    if (PyUnicode_CompareWithASCIIString(name, "__await__") == 0) {
        return PyObject_GenericGetAttr(self, name);
    }
    return PyObject_GetAttr(((AwaitableProxy *)self)->awaitable, name);
}

static int proxy_setattr(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((AwaitableProxy *)self)->awaitable, name, value);
}

static PyObject *proxy_repr(PyObject *self)
{
    return PyObject_Repr(((AwaitableProxy *)self)->awaitable);
}

static int proxy_traverse(PyObject *self, visitproc visit, void *arg)
{
    AwaitableProxy *proxy = (AwaitableProxy *)self;
    Py_VISIT(proxy->awaitable);
    Py_VISIT(proxy->manager);
    Py_VISIT(proxy->error);
    Py_VISIT((PyObject *)proxy->method);
    return 0;
}

static int proxy_clear(PyObject *self)
{
    AwaitableProxy *proxy = (AwaitableProxy *)self;
    Py_CLEAR(proxy->error);
    return 0;
}

static void proxy_dealloc(PyObject *self)
{
    AwaitableProxy *proxy = (AwaitableProxy *)self;
    PyObject_GC_UnTrack(self);
    if (proxy->handle != NULL && !proxy->is_leaving) {
        open_managers_add(proxy->manager, proxy->handle, proxy->method->flags & ANY_TASK); /* it was never awaited */
    }
    if (proxy->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_XDECREF(proxy->awaitable);
    Py_XDECREF(proxy->manager);
    Py_XDECREF(proxy->error);
    Py_XDECREF(proxy->handle);
    Py_DECREF((PyObject *)proxy->method);
    PyObject_GC_Del(self);
}

static PyMethodDef proxy_methods[] = {
    {"__await__", proxy_await_method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods proxy_async = {.am_await = proxy_await};

PyTypeObject AwaitableProxy_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tenure._probe.Watched",
    .tp_basicsize = sizeof(AwaitableProxy),
    .tp_dealloc = proxy_dealloc,
    .tp_traverse = proxy_traverse,
    .tp_clear = proxy_clear,
    .tp_weaklistoffset = offsetof(AwaitableProxy, weak_references),
    .tp_getattro = proxy_getattr,
    .tp_setattro = proxy_setattr,
    .tp_repr = proxy_repr,
    .tp_methods = proxy_methods,
    .tp_as_async = &proxy_async,
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
    PyObject *code = PyObject_GetAttrString(object, "gi_code"); /* of a function decorated by types.coroutine */
    bool is_one = code != NULL && PyCode_Check(code) && ((PyCodeObject *)code)->co_flags & CO_ITERABLE_COROUTINE;
    Py_XDECREF(code);
    PyErr_Clear();
    return is_one;
}

/* The interpreter is about to refuse the object; the record gets that failure now. */
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

PyObject *awaitable_wrap(PyObject *awaitable, const Method *method, const Await *await)
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
    AwaitableProxy *proxy = PyObject_GC_New(AwaitableProxy, &AwaitableProxy_Type);
    if (proxy == NULL) {
        Py_DECREF(awaitable);
        return NULL;
    }
    proxy->awaitable = awaitable;
    proxy->manager = Py_NewRef(await->manager);
    proxy->error = Py_XNewRef(await->error);
    proxy->method = (const Method *)Py_NewRef((PyObject *)method);
    proxy->handle = (Handle *)Py_XNewRef((PyObject *)await->handle);
    proxy->weak_references = NULL;
    proxy->is_leaving = await->is_leaving;
    PyObject_GC_Track((PyObject *)proxy);
    return (PyObject *)proxy;
}
