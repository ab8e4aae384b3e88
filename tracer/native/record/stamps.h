/* The four stamps, and the outcomes of the phases. Includes layout.h. */

#ifndef TENURE_STAMPS_H
#define TENURE_STAMPS_H

#include "layout.h"

extern bool recording;

/* None of them does anything to a handle that is not open. */
void stamp_acquired(Handle *handle);
void stamp_leaving(Handle *handle, PyObject *error);  /* error: NULL or None if the body raised nothing */
void stamp_released(Handle *handle, PyObject *value); /* value: what __aexit__ returned */
void stamp_failed(Handle *handle, PyObject *error);   /* error: an exception; NULL: the coroutine was discarded */
void stamp_end(Handle *handle);

void stamp_body_raised(Handle *handle, PyObject *error); /* this exception is leaving the body; takes no time */
void stamp_raised(Handle *handle, PyObject *error);      /* this exception is leaving the statement; takes no time */

#endif
