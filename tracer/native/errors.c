/* Taking and restoring exceptions in each version of Python, and counting those of the probe. */

#include "errors.h"

#include "callbacks.h"

PyObject *take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *kind, *value, *traceback;
    PyErr_Fetch(&kind, &value, &traceback);
    if (kind == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&kind, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_DECREF(kind);
    Py_XDECREF(traceback);
    return value;
#endif
}

void restore_exception(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    if (error == NULL) {
        PyErr_Clear();
        return;
    }
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

void fault(const char *where)
{
    if (!PyErr_Occurred() || !PyErr_ExceptionMatches(PyExc_Exception)) {
        return; /* an interrupt belongs to the program */
    }
    PyObject *error = take_exception();
    PyObject *text = PyUnicode_FromString(where);
    if (text != NULL && callbacks.fault != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(callbacks.fault, text, error, NULL));
    }
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(error);
}
