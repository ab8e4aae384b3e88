/* The drain: the buffer's content as lists. Includes nothing of the probe. */

#ifndef TENURE_DRAIN_H
#define TENURE_DRAIN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *drain_buffer(PyObject *module, PyObject *none);

#endif
