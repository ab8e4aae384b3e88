/* The running task. Includes nothing of the probe. */

#ifndef TENURE_TASKS_H
#define TENURE_TASKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

uint64_t task_current(void);  /* the id of the running task or thread; 0 if the lookup failed */
void tasks_forget_loop(void); /* clear the cached loop: in the child of a fork no loop runs */

PyObject *tasks_current(PyObject *module, PyObject *none);
PyObject *tasks_add(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *tasks_remove(PyObject *module, PyObject *address);
PyObject *tasks_clear(PyObject *module, PyObject *none);

#endif
