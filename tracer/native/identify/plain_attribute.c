/* Attributes read without running code of the program, as tenure._core.object_access.attribute: a C type's own
 * attributes, and what lies in the object's dictionary. */

#include "plain_attribute.h"

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
