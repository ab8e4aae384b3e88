/* What a patched acquire() or release() does when it is called. Includes method.h. */

#ifndef TENURE_ACQUIRE_RELEASE_H
#define TENURE_ACQUIRE_RELEASE_H

#include "method.h"

Called call_acquire, call_release;

#endif
