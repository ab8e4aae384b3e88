/* What a patched __aenter__ or __aexit__ does when it is called, and __enter__ or __exit__. */

#include "probe.h"

static bool is_wanted(const Method *method, PyObject *manager)
{
    return recording && !mark_is_set(manager) && !PyErr_Occurred() && method_wants(method, manager);
}

/* The exception among the arguments of __aexit__, however they were passed; borrowed, or NULL. */
static PyObject *raised_in_body(PyObject *const *arguments, size_t count, PyObject *names)
{
    Py_ssize_t all = PyVectorcall_NARGS(count) + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    for (Py_ssize_t at = 1; at < all; at++) {
        if (PyExceptionInstance_Check(arguments[at])) {
            return arguments[at];
        }
    }
    return NULL;
}

Handle *enter_manager(PyObject *manager, bool sync)
{
    if (!recording) {
        return NULL;
    }
    PyObject *site = caller_site(sync ? BY_WITH : BY_ASYNC_WITH);
    if (site != NULL) {
        Handle *handle = begin_known(manager, site);
        Py_DECREF(site);
        return handle;
    }
    PyObject *is_sync = sync ? Py_True : Py_False;
    PyObject *record = python.enter == NULL ? NULL
                                            : PyObject_CallFunctionObjArgs(python.enter, manager, is_sync, NULL);
    return begin_asked(record, "entering a patched manager");
}

/* What is awaited instead of what the original returns. */
static PyObject *call_to_await(const Method *method, const Await *await, PyObject *const *arguments, size_t count,
                               PyObject *names)
{
    PyObject *awaitable = PyObject_Vectorcall(method->original, arguments, count, names);
    if (awaitable != NULL) {
        return watched_around(awaitable, method, await);
    }
    PyObject *raised = exception_taken();
    PyObject *driver = driver_make(Py_NewRef(Py_None), method, await);
    if (driver == NULL) {
        PyErr_Clear();
    }
    exception_put_back(raised);
    if (driver != NULL) {
        driver_fail(driver);
        raised = exception_taken(); /* while the driver goes */
        Py_DECREF(driver);
        exception_put_back(raised);
    }
    return NULL;
}

PyObject *enter_called(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0];
    bool is_ours = is_wanted(method, manager);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (is_ours && !(method->flags & SYNC)) {
        return call_to_await(method, &(Await){.manager = manager}, arguments, count, names);
    }
    Handle *handle = is_ours ? enter_manager(manager, true) : NULL;
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    return method_ended(method, manager, handle, value);
}

PyObject *leave_called(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0], *value;
    Handle *handle = opened_recall(manager, method->flags & MOVES);
    if (PyErr_Occurred()) {
        Py_XDECREF(handle);
        return NULL;
    }
    if (handle == NULL) {
        return PyObject_Vectorcall(method->original, arguments, count, names);
    }
    PyObject *error = raised_in_body(arguments, count, names);
    if (!(method->flags & SYNC)) {
        Await await = {.manager = manager, .error = error, .handle = handle};
        value = call_to_await(method, &await, arguments, count, names);
        Py_DECREF(handle);
        return value;
    }
    stamp_leaving(handle, error);
    value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    return method_ended(method, manager, handle, value);
}
