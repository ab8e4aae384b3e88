/* The proxy of a method's result that is awaitable but not a coroutine. Includes driver.h, method.h. */

#ifndef TENURE_AWAITABLE_PROXY_H
#define TENURE_AWAITABLE_PROXY_H

#include "driver.h"
#include "method.h"

extern PyTypeObject AwaitableProxy_Type;

bool is_awaitable(PyObject *object);

/* Makes the object to await instead of the one that a method returned, which it steals. */
PyObject *awaitable_wrap(PyObject *awaitable, const Method *method, const Await *await);

#endif
