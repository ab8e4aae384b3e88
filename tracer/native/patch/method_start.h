/* The start of a patched method, when it is called or driven. Includes record/layout.h, method.h. */

#ifndef TENURE_METHOD_START_H
#define TENURE_METHOD_START_H

#include "../record/layout.h"
#include "method.h"

bool method_is_wanted(const Method *method, PyObject *manager);

/* A new reference, or NULL: it is not recorded here, or an interrupt is set. */
Handle *start_enter(PyObject *manager, bool sync);
Handle *start_acquire(const Method *method, PyObject *manager);
Handle *start_release(const Method *method, PyObject *token);

#endif
