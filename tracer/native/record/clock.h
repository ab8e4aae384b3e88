/* The clock. Includes nothing of the probe. */

#ifndef TENURE_CLOCK_H
#define TENURE_CLOCK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

int64_t clock_ns(void); /* time.perf_counter_ns(), or the callable of set_clock() */
PyObject *clock_set(PyObject *module, PyObject *callable);

#endif
