/* Who cancels a task. Includes nothing of the probe. */

#ifndef TENURE_TASK_CANCEL_H
#define TENURE_TASK_CANCEL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

void task_cancel_restore(void); /* give Task.cancel its original definition */

PyObject *task_cancel_watch(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *task_cancel_unwatch(PyObject *module, PyObject *none);

#endif
