/* OpenTelemetry's context at the begin of a lifecycle, if the program has imported OpenTelemetry
 * (tenure._identify.otel_context). */

#include "otel_context.h"

#include "../errors.h"

static PyObject *read_context; /* a context variable, or () -> the context; NULL: the program has none */

void otel_context_read(Handle *handle)
{
    if (read_context == NULL) {
        return;
    }
    PyObject *context = NULL;
    if (PyContextVar_CheckExact(read_context)) {
        (void)PyContextVar_Get(read_context, NULL, &context);
    }
    else {
        context = PyObject_CallNoArgs(read_context);
    }
    if (context != NULL && PyObject_IsTrue(context) == 1) {
        handle->context = context;
    }
    else {
        Py_XDECREF(context); /* most contexts are empty */
    }
    if (PyErr_Occurred()) {
        fault("reading OpenTelemetry's context");
        PyErr_Clear();
    }
}

PyObject *otel_context_set(PyObject *Py_UNUSED(module), PyObject *reader)
{
    PyObject *before = read_context;
    read_context = reader == Py_None ? NULL : Py_NewRef(reader);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
