/* The begin of a lifecycle. Includes record/layout.h. */

#ifndef TENURE_LIFECYCLE_BEGIN_H
#define TENURE_LIFECYCLE_BEGIN_H

#include "../record/layout.h"

bool is_being_entered(PyObject *manager); /* the running task is entering this one already */

/* Begin the lifecycle of a manager that is entered now, at this site, or with the record that Python made (stolen). A
 * new reference, or NULL: it is not recorded here, or an interrupt is set. */
Handle *begin_at_site(PyObject *manager, PyObject *site);
Handle *begin_resolved(PyObject *record, const char *where);

PyObject *begin_at(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *begin_is_marked(PyObject *module, PyObject *manager);

#endif
