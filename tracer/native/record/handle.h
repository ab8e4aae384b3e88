/* The handle as an object of Python. Includes layout.h. */

#ifndef TENURE_HANDLE_H
#define TENURE_HANDLE_H

#include "layout.h"

extern PyTypeObject Handle_Type;

Handle *handle_new(PyObject *site, PyObject *manager);
PyObject *handle_enter(Handle *handle); /* begins the acquire; the manager, a new reference; NULL the second time */

/* The arguments (record, ...) of a call from Python; NULL with a TypeError if they are others. */
Handle *handle_of_two(PyObject *const *arguments, Py_ssize_t count);

PyObject *handle_body_raised(PyObject *module, PyObject *record);
PyObject *handle_raised(PyObject *module, PyObject *record);
PyObject *handle_acquired(PyObject *module, PyObject *record);
PyObject *handle_released(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *handle_failed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
