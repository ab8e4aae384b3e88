/* A class patch: stands in a class in place of a method and is that method to whoever looks: attributes, signature,
 * source, kind of function are the original's. Where it has nothing to record it calls the original and returns what
 * that returned. */

#include "probe.h"

#include <structmember.h>

static PyObject *method_call(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    static Called *const by_role[] = {enter_called, leave_called, take_called, give_called};
    const Method *method = (const Method *)self;
    return PyVectorcall_NARGS(count) < 1 ? PyObject_Vectorcall(method->original, arguments, count, names)
                                         : by_role[method->role](method, arguments, count, names);
}

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
    Py_VISIT(method->asks);
    Py_VISIT(method->tells);
    return 0;
}

static void method_dealloc(PyObject *self)
{
    Method *method = (Method *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(method->original);
    Py_XDECREF(method->wants);
    Py_XDECREF(method->asks);
    Py_XDECREF(method->tells);
    Py_XDECREF(method->passes);
    Py_XDECREF(method->name);
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

static Method *make(int role, PyObject *original)
{
    Method *method = PyObject_GC_New(Method, &Method_Type);
    if (method != NULL) {
        method->original = Py_NewRef(original);
        method->wants = method->asks = method->tells = method->passes = method->name = NULL;
        method->role = role;
        method->flags = 0;
        method->call = method_call;
    }
    return method;
}

static PyObject *unless_none(PyObject *object)
{
    return object == Py_None ? NULL : Py_NewRef(object);
}

PyObject *method_of_manager(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 5) {
        return PyErr_Format(PyExc_TypeError, "patch() takes a method, wants, leaves, moves and sync");
    }
    Method *method = make(arguments[2] == Py_True ? LEAVES : ENTERS, arguments[0]);
    if (method != NULL) {
        method->wants = unless_none(arguments[1]);
        method->flags = (arguments[3] == Py_True ? MOVES : 0) | (arguments[4] == Py_True ? SYNC : 0);
        PyObject_GC_Track((PyObject *)method);
    }
    return (PyObject *)method;
}

PyObject *method_that_takes(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 8) {
        return PyErr_Format(PyExc_TypeError, "take() takes a method, passes, wants, asks, tells, itself, by_result, sync");
    }
    Method *method = make(TAKES, arguments[0]);
    if (method != NULL) {
        method->passes = unless_none(arguments[1]);
        method->wants = unless_none(arguments[2]);
        method->asks = Py_NewRef(arguments[3]);
        method->tells = Py_NewRef(arguments[4]);
        method->flags = (arguments[5] == Py_True ? ITSELF : 0) | (arguments[6] == Py_True ? BY_RESULT : 0) |
                        (arguments[7] == Py_True ? SYNC : 0);
        PyObject_GC_Track((PyObject *)method);
    }
    return (PyObject *)method;
}

PyObject *method_that_gives(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 8) {
        return PyErr_Format(PyExc_TypeError, "give() takes a method, its name, passes, asks, tells, itself, by_result and later");
    }
    Method *method = make(GIVES, arguments[0]);
    if (method != NULL) {
        method->name = Py_NewRef(arguments[1]);
        method->passes = unless_none(arguments[2]);
        method->asks = Py_NewRef(arguments[3]);
        method->tells = unless_none(arguments[4]);
        method->flags = (arguments[5] == Py_True ? ITSELF : 0) | (arguments[6] == Py_True ? BY_RESULT : 0) |
                        (arguments[7] == Py_True ? LATER : 0);
        PyObject_GC_Track((PyObject *)method);
    }
    return (PyObject *)method;
}
