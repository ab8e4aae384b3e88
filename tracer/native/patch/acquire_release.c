/* What a patched acquire() does when it is called, and what a release() does: from the one to the other it is held
 * (tenure.adapters._kit.acquire_release). */

#include "probe.h"

/* ---- acquire ---- */

Handle *call_takes(const Method *method, PyObject *manager)
{
    if (!recording) {
        return NULL;
    }
    PyObject *site = method->flags & ITSELF ? caller_site(BY_CALL) : NULL;
    if (site == NULL) {
        return begin_asked(PyObject_CallOneArg(method->asks, manager), "finding out who acquires");
    }
    Handle *handle = method_wants(method, manager) && !PyErr_Occurred() ? begin_known(manager, site) : NULL;
    Py_DECREF(site);
    return handle;
}

PyObject *take_called(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0];
    bool is_ours = recording && !caller_is(method->passes);
    Handle *handle = is_ours && method->flags & SYNC ? call_takes(method, manager) : NULL;
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    if (!is_ours || method->flags & SYNC) {
        return method_ended(method, manager, handle, value);
    }
    return value == NULL ? NULL : watched_around(value, method, &(Await){.manager = manager});
}

/* ---- release ---- */

/* What says whose use is given back; borrowed, NULL where nothing of it is held. With BY_RESULT Python knows (`asks`):
 * it is told of the object, or, without ITSELF, of the arguments. */
static PyObject *token_of(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    if (!(method->flags & BY_RESULT)) {
        return held_is(arguments[0]) ? arguments[0] : NULL;
    }
    Py_ssize_t all = PyVectorcall_NARGS(count) + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    Py_ssize_t first = method->flags & ITSELF ? 0 : 1, last = method->flags & ITSELF ? 1 : all;
    for (Py_ssize_t at = first; at < last; at++) {
        PyObject *answer = PyObject_CallOneArg(method->asks, arguments[at]);
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

static bool is_named(const PyCodeObject *code, PyObject *name)
{
    return code->co_name == name || PyUnicode_Compare(code->co_name, name) == 0;
}

/* Whether it is the caller that gives back: not the class's own __aexit__, nor a condition that waits. */
static bool is_callers(const Method *method, PyObject *token)
{
    static PyObject *wait;
    int offset;
    PyCodeObject *code = caller_code(&offset);
    if (code == NULL) {
        return true;
    }
    if (wait == NULL) {
        wait = PyUnicode_InternFromString("wait");
    }
    bool is_plain = wait != NULL && !is_named(code, wait) && !is_named(code, method->name);
    bool passes = (PyObject *)code == method->passes;
    Py_DECREF(code);
    if (passes || is_plain) {
        return !passes;
    }
    PyObject *answer = PyObject_CallOneArg(method->asks, token);
    bool is_true = answer == Py_True;
    Py_XDECREF(answer);
    if (answer == NULL) {
        fault("finding out who releases");
    }
    return is_true;
}

Handle *call_gives(const Method *method, PyObject *token)
{
    if (method->flags & BY_RESULT) {
        return begin_asked(PyObject_CallOneArg(method->tells, token), "finding out what a release ends");
    }
    Handle *handle = is_callers(method, token) && !PyErr_Occurred() ? held_give_back(token) : NULL;
    if (handle != NULL) {
        stamp_leaving(handle, NULL);
    }
    return handle;
}

PyObject *give_called(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *token = token_of(method, arguments, count, names);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Handle *handle = token == NULL || method->flags & LATER ? NULL : call_gives(method, token);
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    if (value != NULL && token != NULL && method->flags & LATER) {
        return watched_around(value, method, &(Await){.manager = token});
    }
    if (handle != NULL && value != NULL && value != Py_None && is_awaitable(value)) {
        value = watched_around(value, method, &(Await){.manager = token, .handle = handle, .is_on = true});
        Py_DECREF(handle);
        return value;
    }
    return method_ended(method, token, handle, value);
}
