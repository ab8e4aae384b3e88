/* Lifecycles that a class patch saw entered and not yet left. Includes record/layout.h. */

#ifndef TENURE_OPEN_MANAGERS_H
#define TENURE_OPEN_MANAGERS_H

#include "../record/layout.h"

/* Whether a weak reference is to this object; with NULL, whether to any. Without a reference it is taken to be. */
bool reference_is_to(PyObject *reference, PyObject *wanted);

void open_managers_add(PyObject *manager, Handle *handle, bool any_task);
Handle *open_managers_take(PyObject *manager, bool any_task); /* a new reference, or NULL */
void open_managers_clear(void);

#endif
