/* A class patch: replaces a method in a class and looks like it: attributes, signature, source and kind of function are
 * the original's. If there is nothing to record, it calls the original and returns its result. */

#include "patched_method.h"

#include "../record/buffer.h"
#include "acquire_release.h"
#include "manager_methods.h"
#include "method.h"

#include <stdbool.h>
#include <structmember.h>

static PyObject *method_call(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    static MethodCall *const by_role[] = {call_enter, call_leave, call_acquire, call_release};
    const Method *method = (const Method *)self;
    buffer_hand_over();
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
    Py_VISIT(method->predicate);
    Py_VISIT(method->resolve);
    Py_VISIT(method->on_value);
    return 0;
}

static void method_dealloc(PyObject *self)
{
    Method *method = (Method *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(method->original);
    Py_XDECREF(method->predicate);
    Py_XDECREF(method->resolve);
    Py_XDECREF(method->on_value);
    Py_XDECREF(method->exempt_code);
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

/* No tp_clear: the method may be called until its class is cleared, which breaks the cycle. */
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
        method->predicate = method->resolve = method->on_value = method->exempt_code = method->name = NULL;
        method->role = role;
        method->flags = 0;
        method->call = method_call;
    }
    return method;
}

/* ---- the three constructors: strict, so that no argument of a wrong type is accepted ---- */

static int set_or_refuse(PyObject **place, PyObject *object, bool is_right, const char *expected)
{
    if (!is_right) {
        PyErr_Format(PyExc_TypeError, "expected %s, got %.100s", expected, Py_TYPE(object)->tp_name);
        return 0;
    }
    *place = object == Py_None ? NULL : object;
    return 1;
}

static int to_callable(PyObject *object, void *place)
{
    return set_or_refuse(place, object, PyCallable_Check(object), "a callable");
}

static int to_callable_or_null(PyObject *object, void *place)
{
    return set_or_refuse(place, object, object == Py_None || PyCallable_Check(object), "a callable or None");
}

static int to_code_or_null(PyObject *object, void *place)
{
    return set_or_refuse(place, object, object == Py_None || PyCode_Check(object), "a code object or None");
}

static int flag_if(PyObject *boolean, int flag)
{
    return boolean == Py_True ? flag : 0;
}

PyObject *method_of_manager(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *named)
{
    static char *names[] = {"", "predicate", "leaves", "any_task", "sync", NULL};
    PyObject *original, *predicate, *leaves, *any_task, *sync;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O&$O&O!O!O!:patch", names, to_callable, &original,
                                     to_callable_or_null, &predicate, &PyBool_Type, &leaves, &PyBool_Type, &any_task,
                                     &PyBool_Type, &sync)) {
        return NULL;
    }
    Method *method = make(leaves == Py_True ? LEAVES : ENTERS, original);
    if (method != NULL) {
        method->predicate = Py_XNewRef(predicate);
        method->flags = flag_if(any_task, ANY_TASK) | flag_if(sync, SYNC);
        PyObject_GC_Track((PyObject *)method);
    }
    return (PyObject *)method;
}

PyObject *method_that_takes(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *named)
{
    static char *names[] = {"", "exempt_code", "predicate", "resolve", "on_value", "itself", "by_result", "sync", NULL};
    PyObject *original, *exempt_code, *predicate, *resolve, *on_value, *itself, *by_result, *sync;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O&$O&O&O&O&O!O!O!:take", names, to_callable, &original,
                                     to_code_or_null, &exempt_code, to_callable_or_null, &predicate, to_callable,
                                     &resolve, to_callable, &on_value, &PyBool_Type, &itself, &PyBool_Type, &by_result,
                                     &PyBool_Type, &sync)) {
        return NULL;
    }
    Method *method = make(TAKES, original);
    if (method != NULL) {
        method->exempt_code = Py_XNewRef(exempt_code);
        method->predicate = Py_XNewRef(predicate);
        method->resolve = Py_NewRef(resolve);
        method->on_value = Py_NewRef(on_value);
        method->flags = flag_if(itself, ITSELF) | flag_if(by_result, BY_RESULT) | flag_if(sync, SYNC);
        PyObject_GC_Track((PyObject *)method);
    }
    return (PyObject *)method;
}

PyObject *method_that_gives(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *named)
{
    static char *names[] = {"", "name", "exempt_code", "resolve", "on_value",
                            "itself", "by_result", "later", "counted", NULL};
    PyObject *original, *name, *exempt_code, *resolve, *on_value, *itself, *by_result, *later, *counted;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O&$UO&O&O&O!O!O!O!:give", names, to_callable, &original, &name,
                                     to_code_or_null, &exempt_code, to_callable, &resolve, to_callable_or_null,
                                     &on_value, &PyBool_Type, &itself, &PyBool_Type, &by_result, &PyBool_Type,
                                     &later, &PyBool_Type, &counted)) {
        return NULL;
    }
    if (by_result == Py_True && on_value == NULL) {
        return PyErr_Format(PyExc_TypeError, "give() with by_result=True needs a callable on_value");
    }
    Method *method = make(GIVES, original);
    if (method != NULL) {
        method->name = Py_NewRef(name);
        method->exempt_code = Py_XNewRef(exempt_code);
        method->resolve = Py_NewRef(resolve);
        method->on_value = Py_XNewRef(on_value);
        method->flags = flag_if(itself, ITSELF) | flag_if(by_result, BY_RESULT) | flag_if(later, LATER) |
                        flag_if(counted, COUNTED);
        PyObject_GC_Track((PyObject *)method);
    }
    return (PyObject *)method;
}
