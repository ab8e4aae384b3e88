/* The begin of a lifecycle: its resource, its task, and for a class patch whether it is recorded and at which site. */

#include "lifecycle_begin.h"

#include "../callbacks.h"
#include "../errors.h"
#include "../record/handle.h"
#include "../record/marks.h"
#include "../record/stamps.h"
#include "tasks.h"

/* Stores the answer (resource, patched) in the handle. */
static void apply_answer(Handle *handle, PyObject *answer)
{
    handle->stamps.resource = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(answer, 0));
    if (PyTuple_GET_ITEM(answer, 1) == Py_True) {
        handle->stamps.flags |= PATCHED;
    }
}

/* Finds the resource of a manager if its site alone does not determine it; false if an interrupt is set. */
static bool resolve_resource(Handle *handle, PyObject *site, PyObject *manager)
{
    PyObject *address = PyLong_FromVoidPtr(manager);
    PyObject *answer = address == NULL ? NULL : PyDict_GetItemWithError(callbacks.resource_by_address, address);
    Py_XINCREF(answer);
    Py_XDECREF(address);
    if (answer == NULL && !PyErr_Occurred()) {
        answer = PyObject_CallFunctionObjArgs(callbacks.resource_of, site, manager, NULL);
    }
    if (answer != NULL && PyTuple_Check(answer) && PyTuple_GET_SIZE(answer) == 2) {
        apply_answer(handle, answer);
    }
    Py_XDECREF(answer);
    if (PyErr_Occurred()) {
        handle->stamps.resource = 0;
        fault("finding the resource of a manager");
    }
    return !PyErr_Occurred();
}

/* Makes a handle that is not entered yet; its resource is 0 if nothing is to be recorded. NULL if an interrupt is set
 * or there is no memory. task 0: look up the running task. */
static Handle *begin(PyObject *site, PyObject *manager, uint64_t task)
{
    Handle *handle = handle_new(site, manager);
    if (handle == NULL || !recording) {
        return handle;
    }
    PyObject *single_use = PyDict_GetItemWithError(callbacks.single_use_sites, site); /* (type, resource) */
    if (single_use != NULL && PyTuple_GET_ITEM(single_use, 0) == (PyObject *)Py_TYPE(manager)) {
        handle->stamps.resource = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(single_use, 1));
    }
    else if (PyErr_Occurred() || !resolve_resource(handle, site, manager)) {
        Py_DECREF(handle);
        return NULL;
    }
    if (handle->stamps.resource != 0) {
        handle->stamps.task = task ? task : task_current();
        if (handle->stamps.task == 0) {
            handle->stamps.resource = 0;
        }
        if (PyErr_Occurred()) {
            Py_CLEAR(handle);
        }
    }
    return handle;
}

PyObject *begin_at(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 && count != 3) {
        return PyErr_Format(PyExc_TypeError, "begin() takes a site, a manager and, where it is known, a task");
    }
    uint64_t task = count == 3 ? PyLong_AsUnsignedLongLong(arguments[2]) : 0;
    return PyErr_Occurred() ? NULL : (PyObject *)begin(arguments[0], arguments[1], task);
}

/* ---- for class patches ---- */

bool is_being_entered(PyObject *manager)
{
    return marks.used != 0 && mark_is_set(manager, task_current());
}

PyObject *begin_is_marked(PyObject *Py_UNUSED(module), PyObject *manager)
{
    bool is_set = is_being_entered(manager);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_set);
}

/* Whether this object is recorded: false if only other objects of its class are (tenure._identify.resources.is_wanted).
 * */
static bool is_wanted(PyObject *manager)
{
    if (callbacks.only_named == NULL || PySet_GET_SIZE(callbacks.only_named) == 0) {
        return true;
    }
    PyObject *kind = PyLong_FromVoidPtr(Py_TYPE(manager)); /* a metaclass may have a hash of its own */
    int is_single = kind == NULL ? -1 : PySet_Contains(callbacks.only_named, kind);
    Py_XDECREF(kind);
    if (is_single > 0) {
        PyObject *address = PyLong_FromVoidPtr(manager);
        int is_named = address == NULL ? -1 : PyDict_Contains(callbacks.named, address);
        Py_XDECREF(address);
        is_single = is_named < 0 ? -1 : !is_named;
    }
    if (is_single < 0) {
        fault("asking whether a manager was named");
    }
    return is_single == 0;
}

Handle *begin_at_site(PyObject *manager, PyObject *site)
{
    Handle *handle = NULL;
    if (!is_being_entered(manager) && is_wanted(manager) && !PyErr_Occurred()) {
        handle = begin(site, manager, 0);
        if (handle == NULL) {
            fault("entering a manager");
        }
    }
    if (handle != NULL && handle->stamps.resource == 0) {
        Py_CLEAR(handle);
    }
    if (handle != NULL) {
        Py_DECREF(handle_enter(handle));
    }
    return handle;
}

Handle *begin_resolved(PyObject *record, const char *where)
{
    if (record == NULL) {
        fault(where);
    }
    else if (!Py_IS_TYPE(record, &Handle_Type)) {
        Py_CLEAR(record);
    }
    return (Handle *)record;
}
