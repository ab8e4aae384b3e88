/* What a class patch returns where a method's result is awaitable but no coroutine. Includes driver.h, method.h. */

#ifndef TENURE_AWAITABLE_PROXY_H
#define TENURE_AWAITABLE_PROXY_H

#include "driver.h"
#include "method.h"

extern PyTypeObject AwaitableProxy_Type;

bool is_awaitable(PyObject *object);

/* What to await instead of an object that a method returned, which it steals. */
PyObject *awaitable_wrap(PyObject *awaitable, const Method *method, const Await *await);

#endif
