/* How a patched method ended. Includes record/layout.h, method.h. */

#ifndef TENURE_METHOD_RESULT_H
#define TENURE_METHOD_RESULT_H

#include "../record/layout.h"
#include "method.h"

void method_returned(const Method *method, PyObject *manager, Handle *handle, PyObject *value);
void method_raised(Handle *handle); /* what is set, and stays */
/* The value, or NULL where it raised; steals the handle, which may be NULL. */
PyObject *method_ended(const Method *method, PyObject *manager, Handle *handle, PyObject *value);

#endif
