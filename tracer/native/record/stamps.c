/* The stamps. */

#include "probe.h"

bool recording;

static Map marks; /* (address of a manager, task that is entering it) to how often it is */

/* ---- marks ---- */

void mark_set(Handle *handle)
{
    Slot *slot = map_add(&marks, handle->address, handle->stamps.task);
    if (slot != NULL) {
        slot->value++;
        handle->stamps.flags |= MARKED;
    }
}

static void mark_clear(Handle *handle)
{
    if (!(handle->stamps.flags & MARKED)) {
        return;
    }
    handle->stamps.flags &= ~(uint32_t)MARKED;
    Slot *slot = map_find(&marks, handle->address, handle->stamps.task);
    if (slot != NULL && --slot->value == 0) {
        map_remove(&marks, slot);
    }
}

bool mark_is_set(PyObject *manager)
{
    return marks.used != 0 && map_find(&marks, (uint64_t)(uintptr_t)manager, task_current()) != NULL;
}

void marks_clear(void)
{
    map_clear(&marks);
}

/* ---- the four stamps and how the phases ended ---- */

static bool is_open(const Handle *handle)
{
    return handle->stamps.flags & LINKED && handle->stamps.released == 0;
}

static PyObject *failure_of(PyObject *error)
{
    if (error == NULL) {
        return Py_XNewRef(python.thrown_away);
    }
    PyObject *failure = python.failure_of == NULL ? NULL : PyObject_CallOneArg(python.failure_of, error);
    if (failure == NULL && PyErr_Occurred()) {
        fault("describing an exception");
    }
    return failure;
}

/* Whether this is the failure of that very exception: its identity is compared while it is on its way. */
static bool tells_of(PyObject *failure, PyObject *error)
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
    PyObject *raised = tells_of(handle->body, error) ? Py_NewRef(Py_True) : failure_of(error);
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
        handle_close(handle);
    }
}

/* Whether this suppresses an exception; false where only the program's code could say, which the interpreter asks. */
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

/* ---- what is called from Python ---- */

static Handle *as_handle(PyObject *object)
{
    if (!Py_IS_TYPE(object, &Handle_Type)) {
        PyErr_Format(PyExc_TypeError, "expected a record, not %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return (Handle *)object;
}

static Handle *handle_of_two(PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "expected a record and one thing more");
        return NULL;
    }
    return as_handle(arguments[0]);
}

PyObject *stamps_body_raised(PyObject *Py_UNUSED(module), PyObject *record)
{
    Handle *handle = as_handle(record);
    if (handle == NULL) {
        return NULL;
    }
    PyObject *error = PyErr_GetHandledException();
    if (error != NULL && is_open(handle)) {
        Py_XSETREF(handle->body, failure_of(error));
    }
    Py_XDECREF(error);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *stamps_raised(PyObject *Py_UNUSED(module), PyObject *record)
{
    Handle *handle = as_handle(record);
    if (handle == NULL) {
        return NULL;
    }
    PyObject *error = PyErr_GetHandledException();
    if (error != NULL && is_open(handle)) {
        set_raised(handle, error);
    }
    Py_XDECREF(error);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *stamps_acquired(PyObject *Py_UNUSED(module), PyObject *record)
{
    Handle *handle = as_handle(record);
    if (handle == NULL) {
        return NULL;
    }
    stamp_acquired(handle);
    Py_RETURN_NONE;
}

PyObject *stamps_leaving(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    stamp_leaving(handle, arguments[1]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *stamps_released(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    stamp_released(handle, arguments[1]);
    Py_RETURN_NONE;
}

PyObject *stamps_failed(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    stamp_failed(handle, arguments[1]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *stamps_is_marked(PyObject *Py_UNUSED(module), PyObject *manager)
{
    bool is_set = mark_is_set(manager);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_set);
}
