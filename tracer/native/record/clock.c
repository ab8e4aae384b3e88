/* The clock of time.perf_counter_ns(), without the call. */

#include "clock.h"

#ifdef __linux__
#include <time.h>
#endif

static PyObject *replacement; /* for tests: a callable that returns ns */

static int64_t replaced_ns(void)
{
    PyObject *number = PyObject_CallNoArgs(replacement);
    int64_t ns = number == NULL ? -1 : PyLong_AsLongLong(number);
    Py_XDECREF(number);
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(replacement);
    }
    return ns;
}

int64_t clock_ns(void)
{
    if (replacement != NULL) {
        return replaced_ns();
    }
#ifdef __linux__
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#elif PY_VERSION_HEX >= 0x030D0000
    PyTime_t now = 0;
    (void)PyTime_PerfCounterRaw(&now);
    return now;
#else
    return _PyTime_GetPerfCounter();
#endif
}

PyObject *clock_set(PyObject *Py_UNUSED(module), PyObject *callable)
{
    PyObject *before = replacement;
    replacement = callable == Py_None ? NULL : Py_NewRef(callable);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
