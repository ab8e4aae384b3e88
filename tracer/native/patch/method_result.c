/* How a patched method ended, and whether its class wants it recorded at all. */

#include "probe.h"

bool method_wants(const Method *method, PyObject *manager)
{
    if (method->wants == NULL) {
        return true;
    }
    PyObject *answer = PyObject_CallOneArg(method->wants, manager);
    int is_true = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (is_true < 0) {
        fault("asking whether a manager is to be recorded");
    }
    return is_true > 0;
}

void method_returned(const Method *method, PyObject *manager, Handle *handle, PyObject *value)
{
    switch (method->role) {
    case ENTERS:
        stamp_acquired(handle);
        opened_remember(manager, handle, method->flags & MOVES);
        break;
    case LEAVES:
        stamp_released(handle, value);
        break;
    case TAKES:
        if (value == Py_False || method->flags & BY_RESULT) {
            Py_XDECREF(PyObject_CallFunctionObjArgs(method->tells, value, handle, NULL));
            fault("remembering what was acquired");
        }
        else {
            stamp_acquired(handle);
            held_hold(manager, handle);
        }
        break;
    case GIVES:
        stamp_released(handle, Py_None);
        break;
    }
}

void method_raised(Handle *handle)
{
    PyObject *error = exception_taken();
    stamp_failed(handle, error);
    if (PyErr_Occurred()) {
        Py_XDECREF(error); /* an interrupt came meanwhile */
    }
    else {
        exception_put_back(error);
    }
}

PyObject *method_ended(const Method *method, PyObject *manager, Handle *handle, PyObject *value)
{
    if (handle == NULL) {
        return value;
    }
    if (value == NULL) {
        method_raised(handle);
    }
    else {
        method_returned(method, manager, handle, value);
    }
    Py_DECREF(handle);
    return value;
}
