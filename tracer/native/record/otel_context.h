/* OpenTelemetry's context of a lifecycle. Includes layout.h. */

#ifndef TENURE_OTEL_CONTEXT_H
#define TENURE_OTEL_CONTEXT_H

#include "layout.h"

void otel_context_read(Handle *handle); /* store the active context in the handle */
PyObject *otel_context_set(PyObject *module, PyObject *reader);

#endif
