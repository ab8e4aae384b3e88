/* The call of a patched acquire() or release(). Includes method.h. */

#ifndef TENURE_ACQUIRE_RELEASE_H
#define TENURE_ACQUIRE_RELEASE_H

#include "method.h"

MethodCall call_acquire, call_release;

#endif
