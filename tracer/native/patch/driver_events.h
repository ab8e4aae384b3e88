/* The state of a driver, and the events that stamp its record. Includes record/layout.h, method.h. */

#ifndef TENURE_DRIVER_EVENTS_H
#define TENURE_DRIVER_EVENTS_H

#include "../record/layout.h"
#include "method.h"

typedef struct {
    PyObject_HEAD
    PyObject *inner;      /* a coroutine, or the iterator that an awaitable gave */
    PyObject *manager;    /* or the token of a call; until the record has its outcome */
    PyObject *error;      /* what left the body, until the release begins */
    const Method *method; /* owned */
    Handle *handle;       /* NULL: not recorded, or not yet */
    PyObject *weak_references;
    bool started, running, finished;
} Driver;

bool driver_on_start(Driver *driver);                  /* it is driven for the first time; false: an interrupt is set */
void driver_on_value(Driver *driver, PyObject *value); /* the coroutine returned this */
void driver_on_error(Driver *driver);                  /* it raised the exception that is set, which stays set */
void driver_on_close(Driver *driver);                  /* it was closed or discarded: a cancellation */

#endif
