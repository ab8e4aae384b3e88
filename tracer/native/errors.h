/* Exceptions: an error in the probe does not reach the program. Includes nothing of the probe. */

#ifndef TENURE_ERRORS_H
#define TENURE_ERRORS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

void fault(const char *where); /* counts the exception that is set, and clears it; an interrupt stays set */
PyObject *take_exception(void); /* the exception that is set, as an object, no longer set; a new reference or NULL */
void restore_exception(PyObject *error); /* sets it again; steals */

#endif
