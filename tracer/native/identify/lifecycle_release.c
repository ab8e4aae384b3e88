/* The begin of a release that any task may make: by a call, an exit stack, a generator that several tasks advance. */

#include "lifecycle_release.h"

#include "../callbacks.h"
#include "../errors.h"
#include "../record/handle.h"
#include "../record/stamps.h"
#include "tasks.h"

static uint64_t ask_python(uint64_t holder)
{
    PyObject *number = PyLong_FromUnsignedLongLong(holder);
    PyObject *answer = number == NULL ? NULL : PyObject_CallOneArg(callbacks.releaser_of, number);
    uint64_t releaser = answer == NULL ? 0 : PyLong_AsUnsignedLongLong(answer);
    Py_XDECREF(number);
    Py_XDECREF(answer);
    if (PyErr_Occurred()) {
        fault("finding the task that releases");
        return 0;
    }
    return releaser;
}

void release_begin(Handle *handle, PyObject *error)
{
    uint64_t holder = handle->stamps.task;
    if (recording && holder != 0 && handle->stamps.release == 0 && callbacks.releaser_of != NULL &&
        task_current() != holder && !PyErr_Occurred()) {
        handle->releaser = ask_python(holder); /* before the stamps: who sees those sees it too */
    }
    if (!PyErr_Occurred()) {
        stamp_leaving(handle, error);
    }
}

PyObject *release_leaving(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    release_begin(handle, arguments[1]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}
