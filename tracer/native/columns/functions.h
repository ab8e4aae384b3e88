/* The columns of a batch for tenure.wire.columns_backend. Includes nothing of the probe. */

#ifndef TENURE_COLUMNS_FUNCTIONS_H
#define TENURE_COLUMNS_FUNCTIONS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum { COLUMNS_INTERFACE = 1 }; /* of the functions below; columns_backend.py has the same number */

PyObject *columns_write(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *columns_read(PyObject *module, PyObject *arguments);
PyObject *columns_values(PyObject *module, PyObject *arguments);

#endif
