/* The begin of a release that any task may make. Includes record/layout.h. */

#ifndef TENURE_LIFECYCLE_RELEASE_H
#define TENURE_LIFECYCLE_RELEASE_H

#include "../record/layout.h"

/* Stamps the release, after noting the running task if another one acquired. error: as for stamp_leaving. An interrupt
 * may be set afterwards. */
void release_begin(Handle *handle, PyObject *error);

PyObject *release_leaving(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
