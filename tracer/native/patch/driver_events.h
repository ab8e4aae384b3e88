/* The state of a driver, and what its record is told. Includes record/layout.h, method.h. */

#ifndef TENURE_DRIVER_EVENTS_H
#define TENURE_DRIVER_EVENTS_H

#include "../record/layout.h"
#include "method.h"

typedef struct {
    PyObject_HEAD
    PyObject *inner;      /* a coroutine, or the iterator that an awaitable gave */
    PyObject *manager;    /* or the token of a call; until the record is told how it ended */
    PyObject *error;      /* what left the body, until the release begins */
    const Method *method; /* owned */
    Handle *handle;       /* NULL where this is not recorded, or not yet */
    PyObject *weak_references;
    bool started, running, finished;
} Driver;

bool driver_on_start(Driver *driver);                  /* it is driven for the first time; false: an interrupt is set */
void driver_on_value(Driver *driver, PyObject *value); /* the coroutine returned this */
void driver_on_error(Driver *driver);                  /* it raised what is set, and that goes on */
void driver_on_close(Driver *driver);                  /* it was closed, or thrown away: a cancellation */

#endif
