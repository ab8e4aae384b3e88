/* Attributes read without running code of the program, as tenure._core.object_access.attribute: a C type's own
 * attributes, and what lies in the object's dictionary. */

#include "plain_attribute.h"

#include <stdbool.h>

PyObject *plain_attribute(PyObject *object, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *value = NULL;
    PyObject *declared = _PyType_Lookup(type, name); /* borrowed */
    if (declared != NULL) {
        PyTypeObject *kind = Py_TYPE(declared);
        if (kind == &PyGetSetDescr_Type || kind == &PyMemberDescr_Type) {
            value = kind->tp_descr_get(declared, object, (PyObject *)type);
        }
        PyErr_Clear();
        return value;
    }
    PyObject *values = type->tp_dictoffset == 0 ? NULL : PyObject_GenericGetDict(object, NULL);
    if (values != NULL && PyDict_Check(values)) {
        value = Py_XNewRef(PyDict_GetItemWithError(values, name));
    }
    Py_XDECREF(values);
    PyErr_Clear();
    return value;
}

static PyObject *get_name, *set_name, *dict_name; /* "__get__", "__set__", "__dict__" */

static bool is_plain_descriptor(PyObject *declared)
{
    return Py_IS_TYPE(declared, &PyGetSetDescr_Type) || Py_IS_TYPE(declared, &PyMemberDescr_Type);
}

/* What lies in the object's dictionary, or in a class's; a new reference, NULL without an exception: nothing. */
static PyObject *held_by(PyObject *object, PyObject *name)
{
    PyObject *kept = _PyType_Lookup(Py_TYPE(object), dict_name); /* borrowed */
    if (kept == NULL || !is_plain_descriptor(kept)) {
        return NULL;
    }
    PyObject *value = NULL, *held = Py_TYPE(kept)->tp_descr_get(kept, object, (PyObject *)Py_TYPE(object));
    if (held != NULL && PyDict_Check(held)) {
        value = Py_XNewRef(PyDict_GetItemWithError(held, name));
    } else if (held != NULL && Py_IS_TYPE(held, &PyDictProxy_Type)) {
        value = PyObject_GetItem(held, name);
    }
    Py_XDECREF(held);
    if (value == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
    }
    return value;
}

PyObject *plain_attribute_of(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 2 || count > 3 || !PyUnicode_CheckExact(arguments[1])) {
        return PyErr_Format(PyExc_TypeError, "attribute() takes an object, a name and a default");
    }
    if (dict_name == NULL && ((get_name = PyUnicode_InternFromString("__get__")) == NULL ||
                              (set_name = PyUnicode_InternFromString("__set__")) == NULL ||
                              (dict_name = PyUnicode_InternFromString("__dict__")) == NULL)) {
        return NULL;
    }
    PyObject *object = arguments[0], *name = arguments[1], *otherwise = count == 3 ? arguments[2] : Py_None;
    PyObject *declared = Py_XNewRef(_PyType_Lookup(Py_TYPE(object), name)), *value = NULL;
    if (declared != NULL && is_plain_descriptor(declared)) {
        value = Py_TYPE(declared)->tp_descr_get(declared, object, (PyObject *)Py_TYPE(object));
        if (value == NULL && (PyErr_ExceptionMatches(PyExc_AttributeError) || PyErr_ExceptionMatches(PyExc_TypeError))) {
            PyErr_Clear();
            value = Py_NewRef(otherwise);
        }
        Py_DECREF(declared);
        return value;
    }
    bool is_computed = declared != NULL && _PyType_Lookup(Py_TYPE(declared), get_name) != NULL;
    if (!is_computed || _PyType_Lookup(Py_TYPE(declared), set_name) == NULL) {
        value = held_by(object, name);
    }
    if (value == NULL && !PyErr_Occurred()) {
        value = Py_NewRef(declared == NULL || is_computed ? otherwise : declared);
    }
    Py_XDECREF(declared);
    return value;
}
