/* Open lifecycles that a class patch saw entered. Includes record/layout.h. */

#ifndef TENURE_OPEN_MANAGERS_H
#define TENURE_OPEN_MANAGERS_H

#include "../record/layout.h"

/* Whether a weak reference refers to this object; wanted NULL: to any object. True if there is no reference. */
bool reference_is_to(PyObject *reference, PyObject *wanted);

void open_managers_add(PyObject *manager, Handle *handle, bool any_task);
Handle *open_managers_take(PyObject *manager, bool any_task); /* a new reference, or NULL */
void open_managers_clear(void);

#endif
