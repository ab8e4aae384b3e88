/* Open lifecycles that a call began. Includes record/layout.h. */

#ifndef TENURE_HELD_TOKENS_H
#define TENURE_HELD_TOKENS_H

#include "../record/layout.h"

void held_tokens_add(PyObject *token, Handle *handle);
bool held_tokens_has(PyObject *token);
bool held_tokens_has_given_back(PyObject *token); /* whether the running task has released a use of its own */

/* A new reference, or NULL: nothing is held, or the token is counted and this release is one too many. */
Handle *held_tokens_take(PyObject *token, bool is_counted);

/* For a condition's wait: takes the record out while the token is given up, and keeps it again. */
PyObject *held_tokens_give_up(PyObject *module, PyObject *token);
PyObject *held_tokens_hold_again(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

void held_tokens_clear(void);

#endif
