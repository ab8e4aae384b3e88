/* A handle: an open lifecycle. Its operators are the stamps of rewritten code, because an operator on a local variable
 * is the shortest path from bytecode to C: no name to look up, no call. */

#include "handle.h"

#include "buffer.h"
#include "stamps.h"

enum { FREE_LIST_SIZE = 64 };

/* Freed handles, reused for the next lifecycles: that saves half of the cost of an allocation. */
static Handle *free_list[FREE_LIST_SIZE];
static int free_count;

static Handle *allocate(void)
{
    if (free_count > 0) {
        return (Handle *)PyObject_Init((PyObject *)free_list[--free_count], &Handle_Type);
    }
    return PyObject_New(Handle, &Handle_Type);
}

Handle *handle_new(PyObject *site, PyObject *manager)
{
    Handle *handle = allocate();
    if (handle == NULL) {
        return NULL;
    }
    handle->stamps = (Stamps){.site = Py_NewRef(site)};
    handle->manager = Py_NewRef(manager);
    handle->address = handle->releaser = 0;
    handle->body = handle->raised = handle->context = handle->shown = NULL;
    handle->before = handle->after = NULL;
    return handle;
}

static void handle_dealloc(PyObject *self)
{
    Handle *handle = (Handle *)self;
    Py_XDECREF(handle->stamps.site);
    Py_XDECREF(handle->manager);
    Py_XDECREF(handle->body);
    Py_XDECREF(handle->raised);
    Py_XDECREF(handle->context);
    Py_XDECREF(handle->shown);
    if (free_count < FREE_LIST_SIZE) {
        free_list[free_count++] = handle;
    }
    else {
        PyObject_Free(self);
    }
}

PyObject *handle_enter(Handle *handle)
{
    PyObject *manager = handle->manager;
    handle->manager = NULL;
    if (manager != NULL && handle->stamps.resource != 0) {
        handle->address = (uint64_t)(uintptr_t)manager;
        buffer_open(handle);
    }
    return manager;
}

/* +record: returns the manager; its acquire begins. */
static PyObject *positive(PyObject *self)
{
    buffer_hand_over();
    PyObject *manager = handle_enter((Handle *)self);
    return manager != NULL ? manager : Py_NewRef(Py_None);
}

/* -record: stamps acquired; the second time, stamps release. */
static PyObject *negative(PyObject *self)
{
    Handle *handle = (Handle *)self;
    if (handle->stamps.acquired == 0) {
        stamp_acquired(handle);
    }
    else {
        stamp_leaving(handle, NULL);
    }
    Py_RETURN_NONE;
}

/* ~record: stamps released. */
static PyObject *invert(PyObject *self)
{
    stamp_end((Handle *)self);
    Py_RETURN_NONE;
}

/* record[PLACE], as in the Python probe's records. */
static PyObject *item(PyObject *self, Py_ssize_t place)
{
    Handle *handle = (Handle *)self;
    const Stamps *stamps = &handle->stamps;
    switch (place) {
    case 0:
        return Py_NewRef(stamps->site != NULL ? stamps->site : Py_None);
    case 1:
        return PyLong_FromUnsignedLongLong(stamps->task);
    case 2:
        return PyLong_FromUnsignedLongLong(stamps->resource);
    case 3:
        return PyLong_FromLongLong(stamps->acquire);
    case 4:
        return PyLong_FromLongLong(stamps->acquired);
    case 5:
        return PyLong_FromLongLong(stamps->release);
    case 6:
        return PyLong_FromLongLong(stamps->released);
    case 7:
        return Py_NewRef(handle->body != NULL ? handle->body : Py_None);
    case 8:
        return Py_NewRef(handle->raised != NULL ? handle->raised : Py_None);
    case 9:
        return PyLong_FromUnsignedLongLong(handle->releaser);
    default:
        PyErr_SetString(PyExc_IndexError, "a record has 10 places");
        return NULL;
    }
}

static PySequenceMethods places = {.sq_item = item};

static PyNumberMethods operators = {.nb_positive = positive, .nb_negative = negative, .nb_invert = invert};

PyTypeObject Handle_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tenure._probe.Record",
    .tp_basicsize = sizeof(Handle),
    .tp_dealloc = handle_dealloc,
    .tp_as_number = &operators,
    .tp_as_sequence = &places,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "An open lifecycle. +record returns the manager to enter, -record stamps acquired and then release, "
              "~record stamps released.",
};

/* ---- what is called from Python ---- */

static Handle *as_handle(PyObject *object)
{
    if (!Py_IS_TYPE(object, &Handle_Type)) {
        PyErr_Format(PyExc_TypeError, "expected a record, not %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return (Handle *)object;
}

Handle *handle_of_two(PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "expected a record and one more argument");
        return NULL;
    }
    return as_handle(arguments[0]);
}

PyObject *handle_body_raised(PyObject *Py_UNUSED(module), PyObject *record)
{
    Handle *handle = as_handle(record);
    if (handle == NULL) {
        return NULL;
    }
    PyObject *error = PyErr_GetHandledException();
    if (error != NULL) {
        stamp_body_raised(handle, error);
    }
    Py_XDECREF(error);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *handle_raised(PyObject *Py_UNUSED(module), PyObject *record)
{
    Handle *handle = as_handle(record);
    if (handle == NULL) {
        return NULL;
    }
    PyObject *error = PyErr_GetHandledException();
    if (error != NULL) {
        stamp_raised(handle, error);
    }
    Py_XDECREF(error);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *handle_acquired(PyObject *Py_UNUSED(module), PyObject *record)
{
    Handle *handle = as_handle(record);
    if (handle == NULL) {
        return NULL;
    }
    stamp_acquired(handle);
    Py_RETURN_NONE;
}

PyObject *handle_released(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    stamp_released(handle, arguments[1]);
    Py_RETURN_NONE;
}

PyObject *handle_failed(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    stamp_failed(handle, arguments[1]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}
