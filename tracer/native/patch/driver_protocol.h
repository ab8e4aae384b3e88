/* How a driver is driven: send, throw, close. Includes nothing of the probe. */

#ifndef TENURE_DRIVER_PROTOCOL_H
#define TENURE_DRIVER_PROTOCOL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyObject *driver_names[4]; /* send, throw, close, __await__; interned when the first driver is made */

PySendResult drive(PyObject *driver, PyObject *value, PyObject **result);
PyObject *drive_next(PyObject *driver);
PyObject *drive_send(PyObject *driver, PyObject *value);
PyObject *drive_throw(PyObject *driver, PyObject *const *arguments, Py_ssize_t count);
PyObject *drive_close(PyObject *driver, PyObject *none);

#endif
