/* Who creates a task by calling asyncio.Task. Includes nothing of the probe. */

#ifndef TENURE_TASK_CREATION_H
#define TENURE_TASK_CREATION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

void task_creation_restore(void); /* give Task its original initialiser */

PyObject *task_creation_watch(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *task_creation_unwatch(PyObject *module, PyObject *none);

#endif
