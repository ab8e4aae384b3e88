/* What a patched __aenter__, __aexit__, __enter__ or __exit__ does when it is called. Includes method.h. */

#ifndef TENURE_MANAGER_METHODS_H
#define TENURE_MANAGER_METHODS_H

#include "method.h"

Called call_enter, call_leave;

#endif
