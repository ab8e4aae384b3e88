/* How a record is laid out, open and closed. Includes nothing of the probe. */

#ifndef TENURE_RECORD_LAYOUT_H
#define TENURE_RECORD_LAYOUT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    PyObject *site; /* the text that names it; or, where resource is 0, an entry of another kind (a task) */
    uint64_t task, resource;
    int64_t acquire, acquired, release, released; /* 0 where not reached */
    uint32_t order;                               /* of the acquires; wraps: only one drain's entries are compared */
    uint32_t flags;                               /* of a handle; a closed record has none */
} Stamps;

_Static_assert(sizeof(Stamps) <= 64, "a closed record takes at most 64 bytes");

enum { LINKED = 1, MARKED = 2, PATCHED = 4, DRAINED = 8, PHASE_SHIFT = 8, PHASE_MASK = 3 << PHASE_SHIFT };
enum { ACQUIRING, HELD, RELEASING, CLOSED };

/* A lifecycle while the program is in it: the `record` of rewritten code and of adapters. Linked from its acquire until
 * it is closed and drained; the link owns a reference, so that a handle whose frame vanished goes on being seen. */
typedef struct Handle {
    PyObject_HEAD
    Stamps stamps;
    PyObject *manager;       /* between begin() and the entry; then NULL */
    uint64_t address;        /* the manager's, while MARKED */
    PyObject *body, *raised; /* Failure; Failure or True; NULL for None */
    PyObject *context;       /* OpenTelemetry's, that it began in; NULL: none, or the program has no OpenTelemetry */
    PyObject *shown;         /* the list that the ledger has of it, once it was drained while open */
    struct Handle *before, *after;
} Handle;

_Static_assert(sizeof(Handle) <= 160, "an open record takes at most 160 bytes");

#endif
