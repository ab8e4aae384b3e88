/* Looks at tasks that do not run. Includes nothing of the probe. */

#ifndef TENURE_AWAIT_LOOKS_H
#define TENURE_AWAIT_LOOKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *await_looks(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
