/* The coroutine that a class patch returns. Includes record/layout.h, method.h. */

#ifndef TENURE_DRIVER_H
#define TENURE_DRIVER_H

#include "../record/layout.h"
#include "method.h"

extern PyTypeObject Driver_Type;

typedef struct {
    PyObject *manager; /* or the token of a call */
    PyObject *error;   /* what left the body, or NULL */
    Handle *handle;    /* of the lifecycle that it ends; NULL if it begins one, or finds it when it is driven */
    bool is_leaving;        /* the release has begun */
} Await;

PyObject *driver_make(PyObject *inner, const Method *method, const Await *await); /* steals the coroutine or iterator */
void driver_fail(PyObject *driver); /* the method raised instead of returning: the exception stays set */

#endif
