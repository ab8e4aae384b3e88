/* Local variables of a frame that another thread or task is in. Includes nothing of the probe. */

#ifndef TENURE_FRAME_LOCALS_H
#define TENURE_FRAME_LOCALS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A new reference; NULL, and no exception, where the variable is unbound or a closure's. */
PyObject *frame_argument(PyFrameObject *frame, PyCodeObject *code);                     /* the first argument */
PyObject *frame_local(PyFrameObject *frame, PyCodeObject *code, const char *const *names); /* the first of these */

PyObject *frame_local_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count); /* for Python */

#endif
