/* The start of a patched method: begins the record of an entry or an acquire, and finds the record of a release. */

#include "method_start.h"

#include "../callbacks.h"
#include "../errors.h"
#include "../identify/call_sites.h"
#include "../identify/lifecycle_begin.h"
#include "../identify/lifecycle_release.h"
#include "../record/stamps.h"
#include "held_tokens.h"

bool method_is_wanted(const Method *method, PyObject *manager)
{
    if (method->predicate == NULL) {
        return true;
    }
    PyObject *answer = PyObject_CallOneArg(method->predicate, manager);
    int is_true = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (is_true < 0) {
        fault("asking whether a manager is to be recorded");
    }
    return is_true > 0;
}

/* ---- entry and acquire ---- */

Handle *start_enter(PyObject *manager, bool sync)
{
    if (!recording) {
        return NULL;
    }
    PyObject *site = call_site_of_caller(sync ? BY_WITH : BY_ASYNC_WITH, Py_TYPE(manager));
    if (site != NULL) {
        Handle *handle = begin_at_site(manager, site);
        Py_DECREF(site);
        return handle;
    }
    PyObject *is_sync = sync ? Py_True : Py_False;
    PyObject *record = callbacks.enter == NULL ? NULL
                                            : PyObject_CallFunctionObjArgs(callbacks.enter, manager, is_sync, NULL);
    return begin_resolved(record, "entering a patched manager");
}

Handle *start_acquire(const Method *method, PyObject *manager)
{
    if (!recording) {
        return NULL;
    }
    PyObject *site = method->flags & ITSELF ? call_site_of_caller(BY_CALL, Py_TYPE(manager)) : NULL;
    if (site == NULL) {
        return begin_resolved(PyObject_CallOneArg(method->resolve, manager), "finding out who acquires");
    }
    Handle *handle = method_is_wanted(method, manager) && !PyErr_Occurred() ? begin_at_site(manager, site) : NULL;
    Py_DECREF(site);
    return handle;
}

/* ---- release ---- */

static bool is_named(const PyCodeObject *code, PyObject *name)
{
    return code->co_name == name || PyUnicode_Compare(code->co_name, name) == 0;
}

/* Whether the release is the caller's own: the caller is neither the class's own __aexit__ nor a waiting condition. */
static bool is_callers_release(const Method *method, PyObject *token)
{
    static PyObject *wait;
    int offset;
    PyCodeObject *code = call_site_code(&offset);
    if (code == NULL) {
        return true;
    }
    if (wait == NULL) {
        wait = PyUnicode_InternFromString("wait");
    }
    bool is_ordinary = wait != NULL && !is_named(code, wait) && !is_named(code, method->name);
    bool is_exempt = (PyObject *)code == method->exempt_code;
    Py_DECREF(code);
    if (is_exempt || is_ordinary) {
        return !is_exempt;
    }
    PyObject *answer = PyObject_CallOneArg(method->resolve, token);
    bool is_true = answer == Py_True;
    Py_XDECREF(answer);
    if (answer == NULL) {
        fault("finding out who releases");
    }
    return is_true;
}

Handle *start_release(const Method *method, PyObject *token)
{
    if (method->flags & BY_RESULT) {
        return begin_resolved(PyObject_CallOneArg(method->on_value, token), "finding out what a release ends");
    }
    if (!is_callers_release(method, token) || PyErr_Occurred()) {
        return NULL;
    }
    bool is_counted = method->flags & COUNTED;
    Handle *handle = held_tokens_take(token, is_counted);
    if (handle != NULL) {
        release_begin(handle, NULL);
    }
    else if (is_counted && method->on_value != NULL && held_tokens_has_given_back(token) && !PyErr_Occurred()) {
        Py_XDECREF(PyObject_CallOneArg(method->on_value, token));
        fault("noting a release too many");
    }
    return handle;
}
