/* The call of a patched acquire() or release(): the resource is held from the one to the other
 * (tenure.adapters._kit.acquire_release). */

#include "acquire_release.h"

#include "../errors.h"
#include "../identify/call_sites.h"
#include "../record/stamps.h"
#include "awaitable_proxy.h"
#include "held_tokens.h"
#include "method_result.h"
#include "method_start.h"

/* ---- acquire ---- */

PyObject *call_acquire(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0];
    bool is_recorded = recording && !caller_is(method->exempt_code);
    Handle *handle = is_recorded && method->flags & SYNC ? start_acquire(method, manager) : NULL;
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    if (!is_recorded || method->flags & SYNC) {
        return method_ended(method, manager, handle, value);
    }
    return value == NULL ? NULL : awaitable_wrap(value, method, &(Await){.manager = manager});
}

/* ---- release ---- */

/* Finds the token of the use that is released; borrowed, NULL if there is none. With BY_RESULT, Python's `resolve` is
 * called for the object or, without ITSELF, for each argument. */
static PyObject *token_of(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    if (!(method->flags & BY_RESULT)) {
        bool is_known = held_tokens_has(arguments[0]) ||
                        (method->flags & COUNTED && held_tokens_has_given_back(arguments[0]));
        return is_known ? arguments[0] : NULL;
    }
    Py_ssize_t all = PyVectorcall_NARGS(count) + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    Py_ssize_t first = method->flags & ITSELF ? 0 : 1, last = method->flags & ITSELF ? 1 : all;
    for (Py_ssize_t at = first; at < last; at++) {
        PyObject *answer = PyObject_CallOneArg(method->resolve, arguments[at]);
        bool is_held = answer == Py_True;
        Py_XDECREF(answer);
        if (answer == NULL) {
            fault("finding out what is released");
        }
        if (is_held || PyErr_Occurred()) {
            return is_held ? arguments[at] : NULL;
        }
    }
    return NULL;
}

PyObject *call_release(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *token = token_of(method, arguments, count, names);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Handle *handle = token == NULL || method->flags & LATER ? NULL : start_release(method, token);
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    if (value != NULL && token != NULL && method->flags & LATER) {
        return awaitable_wrap(value, method, &(Await){.manager = token});
    }
    if (handle != NULL && value != NULL && value != Py_None && is_awaitable(value)) {
        value = awaitable_wrap(value, method, &(Await){.manager = token, .handle = handle, .is_leaving = true});
        Py_DECREF(handle);
        return value;
    }
    return method_ended(method, token, handle, value);
}
