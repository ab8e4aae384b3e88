/* The end of a patched method. Includes record/layout.h, method.h. */

#ifndef TENURE_METHOD_RESULT_H
#define TENURE_METHOD_RESULT_H

#include "../record/layout.h"
#include "method.h"

void method_returned(const Method *method, PyObject *manager, Handle *handle, PyObject *value);
void method_raised(Handle *handle); /* the exception that is set, which stays set */
/* Returns the value, NULL if the method raised; steals the handle, which may be NULL. */
PyObject *method_ended(const Method *method, PyObject *manager, Handle *handle, PyObject *value);

#endif
