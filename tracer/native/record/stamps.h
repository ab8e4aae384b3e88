/* The four stamps, and how the phases ended. Includes layout.h. */

#ifndef TENURE_STAMPS_H
#define TENURE_STAMPS_H

#include "layout.h"

extern bool recording;

/* None of them does anything to a handle that is not open. */
void stamp_acquired(Handle *handle);
void stamp_leaving(Handle *handle, PyObject *error);  /* error: NULL or None where the body ended well */
void stamp_released(Handle *handle, PyObject *value); /* value: what __aexit__ returned */
void stamp_failed(Handle *handle, PyObject *error);   /* error: an exception; NULL: the coroutine was thrown away */
void stamp_end(Handle *handle);

void stamp_body_raised(Handle *handle, PyObject *error); /* no time yet: this exception is leaving the body */
void stamp_raised(Handle *handle, PyObject *error);      /* no time yet: this exception is leaving the statement */

#endif
