/* The call of a patched __aenter__, __aexit__, __enter__ or __exit__. */

#include "manager_methods.h"

#include "../errors.h"
#include "../identify/lifecycle_begin.h"
#include "../identify/lifecycle_release.h"
#include "../record/stamps.h"
#include "awaitable_proxy.h"
#include "method_result.h"
#include "method_start.h"
#include "open_managers.h"

static bool is_wanted(const Method *method, PyObject *manager)
{
    return recording && !is_being_entered(manager) && !PyErr_Occurred() && method_is_wanted(method, manager);
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

/* Calls the original and returns the object to await instead of its result. */
static PyObject *call_to_await(const Method *method, const Await *await, PyObject *const *arguments, size_t count,
                               PyObject *names)
{
    PyObject *awaitable = PyObject_Vectorcall(method->original, arguments, count, names);
    if (awaitable != NULL) {
        return awaitable_wrap(awaitable, method, await);
    }
    PyObject *raised = take_exception();
    PyObject *driver = driver_make(Py_NewRef(Py_None), method, await);
    if (driver == NULL) {
        PyErr_Clear();
    }
    restore_exception(raised);
    if (driver != NULL) {
        driver_fail(driver);
        raised = take_exception(); /* set aside while the driver is freed */
        Py_DECREF(driver);
        restore_exception(raised);
    }
    return NULL;
}

PyObject *call_enter(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0];
    bool is_recorded = is_wanted(method, manager);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (is_recorded && !(method->flags & SYNC)) {
        return call_to_await(method, &(Await){.manager = manager}, arguments, count, names);
    }
    Handle *handle = is_recorded ? start_enter(manager, true) : NULL;
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    return method_ended(method, manager, handle, value);
}

PyObject *call_leave(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0], *value;
    Handle *handle = open_managers_take(manager, method->flags & ANY_TASK);
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
    release_begin(handle, error);
    value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    return method_ended(method, manager, handle, value);
}
