/* The end of a patched method: stamps its record, and keeps an open record for the call that ends it. */

#include "method_result.h"

#include "../errors.h"
#include "../record/stamps.h"
#include "held_tokens.h"
#include "open_managers.h"

void method_returned(const Method *method, PyObject *manager, Handle *handle, PyObject *value)
{
    switch (method->role) {
    case ENTERS:
        stamp_acquired(handle);
        open_managers_add(manager, handle, method->flags & ANY_TASK);
        break;
    case LEAVES:
        stamp_released(handle, value);
        break;
    case TAKES:
        if (value == Py_False || method->flags & BY_RESULT) {
            Py_XDECREF(PyObject_CallFunctionObjArgs(method->on_value, value, handle, NULL));
            fault("remembering what was acquired");
        }
        else {
            stamp_acquired(handle);
            held_tokens_add(manager, handle);
        }
        break;
    case GIVES:
        stamp_released(handle, Py_None);
        break;
    }
}

void method_raised(Handle *handle)
{
    PyObject *error = take_exception();
    stamp_failed(handle, error);
    if (PyErr_Occurred()) {
        Py_XDECREF(error); /* an interrupt came in between */
    }
    else {
        restore_exception(error);
    }
}

PyObject *method_ended(const Method *method, PyObject *manager, Handle *handle, PyObject *value)
{
    if (handle == NULL) {
        return value;
    }
    if (value == NULL && method->role == GIVES && !(method->flags & BY_RESULT) && handle->releaser != 0) {
        handle->releaser = 0; /* the release of another task's use was refused: it is still held */
        handle->stamps.release = 0;
        held_tokens_add(manager, handle);
    }
    else if (value == NULL) {
        method_raised(handle);
    }
    else {
        method_returned(method, manager, handle, value);
    }
    Py_DECREF(handle);
    return value;
}
