/* A class patch: stands in a class in place of __aenter__ or __aexit__ (or __enter__, __exit__) and is that method to
 * whoever looks: attributes, signature, source, kind of function are the original's. Where it has nothing to record it
 * calls the original and returns what that returned. */

#include "probe.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject *original;
    PyObject *wants; /* (manager) -> bool, or NULL: all */
    vectorcallfunc call;
    int flags;
} Method;

/* ---- calls ---- */

static bool is_wanted(const Method *method, PyObject *manager)
{
    if (!recording || mark_is_set(manager)) {
        return false;
    }
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

/* The exception among the arguments of __aexit__, however they were passed; borrowed, or NULL. */
static PyObject *raised_in_body(PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t all = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    for (Py_ssize_t at = 1; at < all; at++) {
        if (PyExceptionInstance_Check(arguments[at])) {
            return arguments[at];
        }
    }
    return NULL;
}

static PyObject *call_now(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0];
    bool leaves = method->flags & LEAVES, moves = method->flags & MOVES;
    Handle *handle = leaves ? opened_recall(manager, moves) : NULL;
    if (leaves && handle != NULL) {
        stamp_leaving(handle, raised_in_body(arguments, PyVectorcall_NARGS(count), names));
    }
    else if (!leaves) {
        PyObject *record = PyObject_CallFunctionObjArgs(python.enter, manager, Py_True, NULL);
        if (record == NULL) {
            fault("entering a patched manager");
        }
        handle = record != NULL && Py_IS_TYPE(record, &Handle_Type) ? (Handle *)record : NULL;
        if (handle == NULL) {
            Py_XDECREF(record);
        }
    }
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_Vectorcall(method->original, arguments, count, names);
    if (handle == NULL) {
        return value;
    }
    if (value == NULL) {
        PyObject *error = exception_taken();
        stamp_failed(handle, error);
        exception_put_back(error);
    }
    else if (leaves) {
        stamp_released(handle, value);
    }
    else {
        stamp_acquired(handle);
        opened_remember(manager, handle, moves);
    }
    Py_DECREF(handle);
    return value;
}

static PyObject *call_to_await(const Method *method, PyObject *const *arguments, size_t count, PyObject *names)
{
    PyObject *manager = arguments[0], *error = NULL;
    if (method->flags & LEAVES) {
        error = raised_in_body(arguments, PyVectorcall_NARGS(count), names);
    }
    PyObject *awaitable = PyObject_Vectorcall(method->original, arguments, count, names);
    if (awaitable != NULL) {
        return watched_around(awaitable, manager, error, method->flags);
    }
    PyObject *raised = exception_taken();
    PyObject *driver = driver_make(Py_NewRef(Py_None), manager, error, method->flags);
    if (driver == NULL) {
        PyErr_Clear();
    }
    exception_put_back(raised);
    if (driver != NULL) {
        driver_fail(driver);
        raised = exception_taken(); /* while the driver goes */
        Py_DECREF(driver);
        exception_put_back(raised);
    }
    return NULL;
}

static PyObject *method_call(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    const Method *method = (const Method *)self;
    bool is_ours = PyVectorcall_NARGS(count) >= 1 && ((method->flags & LEAVES)
                                                          ? opened_any(arguments[0], method->flags & MOVES)
                                                          : is_wanted(method, arguments[0]));
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (!is_ours) {
        return PyObject_Vectorcall(method->original, arguments, count, names);
    }
    return method->flags & SYNC ? call_now(method, arguments, count, names)
                                : call_to_await(method, arguments, count, names);
}

/* ---- the object ---- */

static PyObject *method_get(PyObject *self, PyObject *manager, PyObject *Py_UNUSED(kind))
{
    return manager == NULL || manager == Py_None ? Py_NewRef(self) : PyMethod_New(self, manager);
}

static PyObject *method_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_GetAttrString(((Method *)self)->original, "__qualname__"); /* as functions are: by their name */
}

static bool is_own_name(PyObject *name)
{
    static const char *const names[] = {"__tenure__",  "__wrapped__",   "__get__",
                                        "__call__",    "__reduce__",    "__reduce_ex__"};
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        if (PyUnicode_CompareWithASCIIString(name, names[at]) == 0) {
            return true;
        }
    }
    return false;
}

static PyObject *method_getattr(PyObject *self, PyObject *name)
{
    return is_own_name(name) ? PyObject_GenericGetAttr(self, name)
                             : PyObject_GetAttr(((Method *)self)->original, name);
}

static int method_setattr(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((Method *)self)->original, name, value);
}

static PyObject *method_repr(PyObject *self)
{
    return PyObject_Repr(((Method *)self)->original);
}

static int method_traverse(PyObject *self, visitproc visit, void *arg)
{
    Method *method = (Method *)self;
    Py_VISIT(method->original);
    Py_VISIT(method->wants);
    return 0;
}

static void method_dealloc(PyObject *self)
{
    Method *method = (Method *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(method->original);
    Py_XDECREF(method->wants);
    PyObject_GC_Del(self);
}

static PyObject *is_tenures(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    Py_RETURN_TRUE;
}

static PyObject *wrapped(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(((Method *)self)->original);
}

static PyGetSetDef method_attributes[] = {
    {"__tenure__", is_tenures, NULL, NULL, NULL},
    {"__wrapped__", wrapped, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef method_methods[] = {
    {"__reduce__", method_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* No tp_clear: what a class holds may be called until the class itself is taken apart, which breaks the cycle. */
PyTypeObject Method_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tenure._probe.Method",
    .tp_basicsize = sizeof(Method),
    .tp_dealloc = method_dealloc,
    .tp_traverse = method_traverse,
    .tp_vectorcall_offset = offsetof(Method, call),
    .tp_call = PyVectorcall_Call,
    .tp_descr_get = method_get,
    .tp_getattro = method_getattr,
    .tp_setattro = method_setattr,
    .tp_repr = method_repr,
    .tp_getset = method_attributes,
    .tp_methods = method_methods,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
                Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

PyObject *method_new(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 5) {
        return PyErr_Format(PyExc_TypeError, "patch() takes a method, wants, leaves, moves and sync");
    }
    Method *method = PyObject_GC_New(Method, &Method_Type);
    if (method == NULL) {
        return NULL;
    }
    method->original = Py_NewRef(arguments[0]);
    method->wants = arguments[1] == Py_None ? NULL : Py_NewRef(arguments[1]);
    method->flags = (arguments[2] == Py_True ? LEAVES : 0) | (arguments[3] == Py_True ? MOVES : 0) |
                    (arguments[4] == Py_True ? SYNC : 0);
    method->call = method_call;
    PyObject_GC_Track((PyObject *)method);
    return (PyObject *)method;
}
