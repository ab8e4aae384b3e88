/* Open lifecycles that a call began. Includes record/layout.h. */

#ifndef TENURE_HELD_TOKENS_H
#define TENURE_HELD_TOKENS_H

#include "../record/layout.h"

void held_tokens_add(PyObject *token, Handle *handle);
bool held_tokens_has(PyObject *token);
Handle *held_tokens_take(PyObject *token); /* a new reference, or NULL */

/* For a condition's wait: takes the record out while the token is given up, and keeps it again. */
PyObject *held_tokens_give_up(PyObject *module, PyObject *token);
PyObject *held_tokens_hold_again(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

void held_tokens_clear(void);

#endif
