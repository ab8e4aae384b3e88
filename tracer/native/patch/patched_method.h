/* The object that replaces a method in a class. Includes nothing of the probe. */

#ifndef TENURE_PATCHED_METHOD_H
#define TENURE_PATCHED_METHOD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyTypeObject Method_Type;

PyObject *method_of_manager(PyObject *module, PyObject *arguments, PyObject *named);
PyObject *method_that_takes(PyObject *module, PyObject *arguments, PyObject *named);
PyObject *method_that_gives(PyObject *module, PyObject *arguments, PyObject *named);

#endif
