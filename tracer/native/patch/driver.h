/* The coroutine that a class patch returns. Includes record/layout.h, method.h. */

#ifndef TENURE_DRIVER_H
#define TENURE_DRIVER_H

#include "../record/layout.h"
#include "method.h"

extern PyTypeObject Driver_Type;

typedef struct {
    PyObject *manager; /* or the token of a call */
    PyObject *error;   /* what left the body, or NULL */
    Handle *handle;    /* of what it ends; NULL where that begins or is found when it is driven */
    bool is_on;        /* the release has begun */
} Await;

PyObject *driver_make(PyObject *inner, const Method *method, const Await *await); /* steals the coroutine or iterator */
void driver_fail(PyObject *driver); /* there is nothing to drive: the exception that is set came instead, and stays */

#endif
