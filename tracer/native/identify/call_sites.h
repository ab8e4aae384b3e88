/* The sites of instructions that are not rewritten. Includes nothing of the probe. */

#ifndef TENURE_CALL_SITES_H
#define TENURE_CALL_SITES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

enum { BY_ASYNC_WITH, BY_WITH, BY_CALL }; /* kinds of calls; tenure._identify.call_site_cache has the same */

PyCodeObject *call_site_code(int *offset); /* the running frame's code and offset in bytes; new reference, or NULL */
bool caller_is(PyObject *code);
/* The cached site of what the caller enters; a new reference, or NULL: Python must find it. */
PyObject *call_site_of_caller(int call_kind, PyTypeObject *type);
void call_sites_clear(void);

PyObject *call_sites_add(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
