/* What a class patch returns to be awaited. It drives the coroutine that the method itself returned, and takes its stamps
 * when that starts and when it ends; while it is suspended no frame is added to the program's. Whoever asks it anything
 * else (cr_frame, cr_await, __class__, __qualname__) is answered by the coroutine.
 *
 * A record begins when the coroutine starts, not when it is made: it may be given to another task. */

#include "probe.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject *inner;   /* a coroutine, or the iterator that an awaitable gave */
    PyObject *manager; /* until the record is told how it ended */
    PyObject *error;   /* what left the body, until the release begins */
    Handle *handle;    /* NULL where nobody records this */
    PyObject *weak_references;
    int flags;
    bool started, running, told;
} Driver;

static PyObject *own_names[4]; /* send, throw, close, __await__ */

/* ---- the record ---- */

static Handle *enter(PyObject *manager)
{
    PyObject *record = python.enter == NULL ? NULL : PyObject_CallFunctionObjArgs(python.enter, manager, Py_False, NULL);
    if (record == NULL && PyErr_Occurred()) {
        fault("entering a patched manager");
    }
    if (record != NULL && !Py_IS_TYPE(record, &Handle_Type)) {
        Py_CLEAR(record);
    }
    return (Handle *)record;
}

static bool start(Driver *driver)
{
    driver->started = true;
    if (driver->flags & LEAVES) {
        driver->handle = opened_recall(driver->manager, driver->flags & MOVES);
        if (driver->handle != NULL) {
            stamp_leaving(driver->handle, driver->error);
        }
        Py_CLEAR(driver->error);
    }
    else {
        driver->handle = enter(driver->manager);
    }
    return !PyErr_Occurred();
}

/* The coroutine returned this. */
static void tell_value(Driver *driver, PyObject *value)
{
    if (driver->handle != NULL && !driver->told) {
        driver->told = true;
        if (driver->flags & LEAVES) {
            stamp_released(driver->handle, value);
        }
        else {
            stamp_acquired(driver->handle);
            opened_remember(driver->manager, driver->handle, driver->flags & MOVES);
        }
    }
    Py_CLEAR(driver->manager);
}

/* The coroutine raised what is set, and it goes on. */
static void tell_error(Driver *driver)
{
    if (driver->handle != NULL && !driver->told) {
        driver->told = true;
        PyObject *error = exception_taken();
        stamp_failed(driver->handle, error);
        if (PyErr_Occurred()) {
            Py_XDECREF(error); /* an interrupt came meanwhile */
        }
        else {
            exception_put_back(error);
        }
    }
    Py_CLEAR(driver->manager);
}

/* ---- driving ---- */

static PySendResult drive(PyObject *self, PyObject *value, PyObject **result)
{
    Driver *driver = (Driver *)self;
    *result = NULL;
    if (driver->running) {
        return PyIter_Send(driver->inner, value, result); /* which refuses */
    }
    if (!driver->started && !driver->told && !start(driver)) {
        return PYGEN_ERROR;
    }
    driver->running = true;
    PySendResult sent = PyIter_Send(driver->inner, value, result);
    driver->running = false;
    if (sent == PYGEN_RETURN) {
        tell_value(driver, *result);
        if (PyErr_Occurred()) {
            Py_CLEAR(*result);
            sent = PYGEN_ERROR;
        }
    }
    else if (sent == PYGEN_ERROR) {
        tell_error(driver);
    }
    return sent;
}

static PyObject *stop_iteration(PyObject *value)
{
    PyObject *error = value == Py_None ? PyObject_CallNoArgs(PyExc_StopIteration)
                                       : PyObject_CallOneArg(PyExc_StopIteration, value);
    if (error != NULL) {
        PyErr_SetObject(PyExc_StopIteration, error);
        Py_DECREF(error);
    }
    Py_DECREF(value);
    return NULL;
}

static PyObject *driver_send(PyObject *self, PyObject *value)
{
    PyObject *result;
    return drive(self, value, &result) == PYGEN_RETURN ? stop_iteration(result) : result;
}

static PyObject *driver_next(PyObject *self)
{
    return driver_send(self, Py_None);
}

/* An exception given as (type, value, traceback), made into the one object that it means. */
static PyObject *thrown(PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *kind = arguments[0], *value = arguments[1], *error;
    if (PyExceptionInstance_Check(value)) {
        error = Py_NewRef(value);
    }
    else if (!PyExceptionClass_Check(kind)) {
        return Py_NewRef(kind);
    }
    else if (value == Py_None) {
        error = PyObject_CallNoArgs(kind);
    }
    else {
        error = PyTuple_Check(value) ? PyObject_CallObject(kind, value) : PyObject_CallOneArg(kind, value);
    }
    if (error != NULL && count > 2 && arguments[2] != Py_None && PyExceptionInstance_Check(error) &&
        PyException_SetTraceback(error, arguments[2]) < 0) {
        Py_CLEAR(error);
    }
    return error;
}

static PyObject *call_throw(PyObject *inner, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *error = count > 1 ? thrown(arguments, count) : Py_NewRef(arguments[0]);
    PyObject *result = error == NULL ? NULL : PyObject_CallMethodOneArg(inner, own_names[1], error);
    Py_XDECREF(error);
    return result;
}

static PyObject *driver_throw(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Driver *driver = (Driver *)self;
    if (count < 1 || count > 3) {
        return PyErr_Format(PyExc_TypeError, "throw() takes 1 to 3 arguments, got %zd", count);
    }
    if (driver->running || !driver->started) {
        driver->told = driver->told || !driver->started; /* it ends before it began: nothing is recorded */
        return call_throw(driver->inner, arguments, count);
    }
    driver->running = true;
    PyObject *result = call_throw(driver->inner, arguments, count);
    driver->running = false;
    if (result != NULL) {
        return result;
    }
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        tell_error(driver);
        return NULL;
    }
    PyObject *stop = exception_taken();
    PyObject *value = stop == NULL ? NULL : PyObject_GetAttrString(stop, "value");
    if (value != NULL) {
        tell_value(driver, value);
        Py_DECREF(value);
    }
    if (PyErr_Occurred()) {
        Py_XDECREF(stop);
    }
    else {
        exception_put_back(stop);
    }
    return NULL;
}

/* The coroutine was closed, or thrown away: to its record that is a cancellation. */
static void tell_closed(Driver *driver)
{
    if (driver->started && driver->handle != NULL && !driver->told) {
        driver->told = true;
        stamp_failed(driver->handle, NULL);
    }
    driver->told = true;
    Py_CLEAR(driver->manager);
}

static PyObject *driver_close(PyObject *self, PyObject *Py_UNUSED(none))
{
    Driver *driver = (Driver *)self;
    PyObject *result = PyObject_CallMethodNoArgs(driver->inner, own_names[2]);
    if (driver->running) {
        return result;
    }
    if (result == NULL) {
        tell_error(driver);
    }
    else {
        tell_closed(driver);
    }
    return result;
}

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
    for (size_t at = 0; at < sizeof own_names / sizeof *own_names; at++) {
        if (PyUnicode_Compare(name, own_names[at]) == 0) {
            PyObject *theirs = PyObject_GetAttr(inner, name);
            if (theirs == NULL) {
                return NULL; /* an iterator that has no such method */
            }
            Py_DECREF(theirs);
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
    return 0;
}

static void driver_dealloc(PyObject *self)
{
    Driver *driver = (Driver *)self;
    PyObject_GC_UnTrack(self);
    if (driver->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    PyObject *before = exception_taken();
    Py_CLEAR(driver->inner); /* a coroutine that is suspended closes itself in here */
    tell_closed(driver);
    exception_put_back(before);
    Py_CLEAR(driver->error);
    Py_CLEAR(driver->handle);
    PyObject_GC_Del(self);
}

static PyMethodDef driver_methods[] = {
    {"send", driver_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))driver_throw, METH_FASTCALL, NULL},
    {"close", driver_close, METH_NOARGS, NULL},
    {"__await__", driver_await, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods driver_async = {.am_await = driver_self, .am_send = drive};

/* No tp_clear: a cycle through a driver is broken at the coroutine, and a coroutine must find its driver whole. */
PyTypeObject Driver_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tenure._probe.Driver",
    .tp_basicsize = sizeof(Driver),
    .tp_dealloc = driver_dealloc,
    .tp_traverse = driver_traverse,
    .tp_weaklistoffset = offsetof(Driver, weak_references),
    .tp_getattro = driver_getattr,
    .tp_repr = driver_repr,
    .tp_iter = driver_self,
    .tp_iternext = driver_next,
    .tp_methods = driver_methods,
    .tp_as_async = &driver_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

PyObject *driver_make(PyObject *inner, PyObject *manager, PyObject *error, int flags)
{
    for (size_t at = 0; own_names[3] == NULL && at < 4; at++) {
        static const char *const names[] = {"send", "throw", "close", "__await__"};
        own_names[at] = PyUnicode_InternFromString(names[at]);
    }
    Driver *driver = own_names[3] == NULL ? NULL : PyObject_GC_New(Driver, &Driver_Type);
    if (driver == NULL) {
        Py_DECREF(inner);
        return NULL;
    }
    driver->inner = inner;
    driver->manager = Py_NewRef(manager);
    driver->error = Py_XNewRef(error);
    driver->handle = NULL;
    driver->weak_references = NULL;
    driver->flags = flags;
    driver->started = driver->running = driver->told = false;
    PyObject_GC_Track((PyObject *)driver);
    return (PyObject *)driver;
}

void driver_fail(PyObject *self)
{
    Driver *driver = (Driver *)self;
    PyObject *error = exception_taken();
    bool fine = start(driver);
    if (fine) {
        exception_put_back(error);
        tell_error(driver);
    }
    else {
        Py_XDECREF(error);
    }
}
