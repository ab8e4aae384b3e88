/* The call of a patched __aenter__, __aexit__, __enter__ or __exit__. Includes method.h. */

#ifndef TENURE_MANAGER_METHODS_H
#define TENURE_MANAGER_METHODS_H

#include "method.h"

MethodCall call_enter, call_leave;

#endif
