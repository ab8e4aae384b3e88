/* Open lifecycles that a call began. Includes record/layout.h. */

#ifndef TENURE_HELD_TOKENS_H
#define TENURE_HELD_TOKENS_H

#include "../record/layout.h"

void held_tokens_add(PyObject *token, Handle *handle);
bool held_tokens_has(PyObject *token);
Handle *held_tokens_take(PyObject *token); /* a new reference, or NULL */
void held_tokens_clear(void);

#endif
