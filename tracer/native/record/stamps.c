/* The stamps. */

#include "stamps.h"

#include "../callbacks.h"
#include "../errors.h"
#include "buffer.h"
#include "clock.h"
#include "marks.h"

bool recording;

static bool is_open(const Handle *handle)
{
    return handle->stamps.flags & LINKED && handle->stamps.released == 0;
}

static PyObject *failure_of(PyObject *error)
{
    if (error == NULL) {
        return Py_XNewRef(callbacks.thrown_away);
    }
    PyObject *failure = callbacks.failure_of == NULL ? NULL : PyObject_CallOneArg(callbacks.failure_of, error);
    if (failure == NULL && PyErr_Occurred()) {
        fault("describing an exception");
    }
    return failure;
}

/* Whether this failure describes this exception, compared by identity while the exception propagates. */
static bool describes(PyObject *failure, PyObject *error)
{
    if (failure == NULL || error == NULL || !PyTuple_Check(failure) || PyTuple_GET_SIZE(failure) < 4) {
        return false;
    }
    void *identity = PyLong_AsVoidPtr(PyTuple_GET_ITEM(failure, 3));
    PyErr_Clear();
    return identity == error;
}

static void set_raised(Handle *handle, PyObject *error)
{
    PyObject *raised = describes(handle->body, error) ? Py_NewRef(Py_True) : failure_of(error);
    Py_XSETREF(handle->raised, raised);
}

void stamp_acquired(Handle *handle)
{
    if (is_open(handle)) {
        handle->stamps.acquired = clock_ns();
        mark_clear(handle);
    }
}

void stamp_leaving(Handle *handle, PyObject *error)
{
    if (is_open(handle)) {
        if (error != NULL && error != Py_None) {
            Py_XSETREF(handle->body, failure_of(error));
        }
        handle->stamps.release = clock_ns();
    }
}

void stamp_end(Handle *handle)
{
    if (is_open(handle)) {
        mark_clear(handle);
        handle->stamps.released = clock_ns();
        buffer_close(handle);
    }
}

/* Whether this return value suppresses an exception; false if only a method of the program decides, which the
 * interpreter calls itself. */
static bool is_true(PyObject *value)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (!(kind->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        int answer = PyObject_IsTrue(value);
        PyErr_Clear();
        return answer > 0;
    }
    return (kind->tp_as_number == NULL || kind->tp_as_number->nb_bool == NULL) &&
           (kind->tp_as_mapping == NULL || kind->tp_as_mapping->mp_length == NULL) &&
           (kind->tp_as_sequence == NULL || kind->tp_as_sequence->sq_length == NULL);
}

void stamp_released(Handle *handle, PyObject *value)
{
    if (!is_open(handle)) {
        return;
    }
    if (handle->body != NULL && !is_true(value)) {
        Py_XSETREF(handle->raised, Py_NewRef(Py_True));
    }
    stamp_end(handle);
}

void stamp_failed(Handle *handle, PyObject *error)
{
    if (is_open(handle)) {
        set_raised(handle, error);
        stamp_end(handle);
    }
}

void stamp_body_raised(Handle *handle, PyObject *error)
{
    if (is_open(handle)) {
        Py_XSETREF(handle->body, failure_of(error));
    }
}

void stamp_raised(Handle *handle, PyObject *error)
{
    if (is_open(handle)) {
        set_raised(handle, error);
    }
}
