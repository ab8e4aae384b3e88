/* Attributes read without running code of the program. Includes nothing of the probe. */

#ifndef TENURE_PLAIN_ATTRIBUTE_H
#define TENURE_PLAIN_ATTRIBUTE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A new reference; NULL, and no exception, where there is none or the program's code would compute it. */
PyObject *plain_attribute(PyObject *object, PyObject *name);

/* tenure._core.object_access.attribute: the object, the name and, if not None, the default. */
PyObject *plain_attribute_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
