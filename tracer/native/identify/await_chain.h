/* The chain of awaits of a task that does not run. Includes nothing of the probe. */

#ifndef TENURE_AWAIT_CHAIN_H
#define TENURE_AWAIT_CHAIN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

enum { MAX_LEVELS = 100 };

typedef struct {
    PyCodeObject *code[MAX_LEVELS]; /* owned; outermost first */
    int offset[MAX_LEVELS];         /* of the instruction that awaits, in bytes */
    int depth;                      /* how many there are */
    uint64_t shape;                 /* the same for the same instructions */
    int resource_level;             /* the innermost one that is a method of a known resource; -1: none */
    uint64_t resource;              /* that resource */
    PyObject *delay;                /* owned; of `sleep`, else NULL */
    PyObject *timed;                /* owned; what the innermost level, `wait_for` of 3.11, waits for, else NULL */
    PyObject *tail;                 /* owned; what the innermost one awaits */
} Chain;

bool await_chain_prepare(void); /* once, before the first walk */
void await_chain_walk(PyObject *coroutine, PyObject *future, Chain *chain);
void await_chain_release(Chain *chain);

#endif
