/* The coroutine that a class patch returns: what its files know of each other.
 *
 *   driver.c     the object
 *   driving.c    send, throw, close
 *   telling.c    what its record is told, and when
 */

#ifndef TENURE_DRIVER_H
#define TENURE_DRIVER_H

#include "probe.h"

typedef struct {
    PyObject_HEAD
    PyObject *inner;      /* a coroutine, or the iterator that an awaitable gave */
    PyObject *manager;    /* or the token of a call; until the record is told how it ended */
    PyObject *error;      /* what left the body, until the release begins */
    const Method *method; /* owned */
    Handle *handle;       /* NULL where nobody records this, or does not yet */
    PyObject *weak_references;
    bool started, running, told;
} Driver;

extern PyObject *driver_names[4]; /* send, throw, close, __await__ */

/* ---- telling.c ---- */

bool tell_start(Driver *driver);                    /* it is driven for the first time; false: an interrupt is set */
void tell_value(Driver *driver, PyObject *value);   /* the coroutine returned this */
void tell_error(Driver *driver);                    /* it raised what is set, and that goes on */
void tell_closed(Driver *driver);                   /* it was closed, or thrown away: a cancellation */

/* ---- driving.c ---- */

PySendResult drive(PyObject *driver, PyObject *value, PyObject **result);
PyObject *drive_next(PyObject *driver);
PyObject *drive_send(PyObject *driver, PyObject *value);
PyObject *drive_throw(PyObject *driver, PyObject *const *arguments, Py_ssize_t count);
PyObject *drive_close(PyObject *driver, PyObject *none);

#endif
