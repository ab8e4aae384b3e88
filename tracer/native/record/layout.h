/* The layout of a record, open and closed. Includes nothing of the probe. */

#ifndef TENURE_RECORD_LAYOUT_H
#define TENURE_RECORD_LAYOUT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    PyObject *site; /* the text of the site; if resource is 0, an entry of another kind (a task) */
    uint64_t task, resource;
    int64_t acquire, acquired, release, released; /* 0 where not reached */
    uint32_t order;                               /* of the acquires; wraps: only one drain's entries are compared */
    uint32_t flags;                               /* of a handle; a closed record has none */
} Stamps;

_Static_assert(sizeof(Stamps) <= 64, "a closed record takes at most 64 bytes");

enum { LINKED = 1, MARKED = 2, PATCHED = 4, DRAINED = 8, PHASE_SHIFT = 8, PHASE_MASK = 3 << PHASE_SHIFT };
enum { ACQUIRING, HELD, RELEASING, CLOSED };

/* An open lifecycle: the `record` of rewritten code and of adapters. Linked from its acquire until it is closed and
 * drained. The link owns a reference, so the buffer still sees a handle whose frame is gone. */
typedef struct Handle {
    PyObject_HEAD
    Stamps stamps;
    PyObject *manager;       /* between begin() and the entry; then NULL */
    uint64_t address;        /* the manager's, while MARKED */
    PyObject *body, *raised; /* Failure; Failure or True; NULL for None */
    PyObject *context;       /* OpenTelemetry's context at the begin; NULL: empty, or there is no OpenTelemetry */
    uint64_t releaser;       /* the task that released it, if another one than `task`; else 0 */
    PyObject *shown;         /* the ledger's list of this lifecycle, if a drain found it open */
    struct Handle *before, *after;
} Handle;

_Static_assert(sizeof(Handle) <= 160, "an open record takes at most 160 bytes");

#endif
