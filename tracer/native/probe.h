/* The native probe: what its files know of each other.
 *
 *   map.c        numbers by address: tasks, marks, open lifecycles of class patches
 *   clock.c      the clock
 *   handle.c     an open lifecycle
 *   records.c    the buffer of closed records, the chain of open ones, and the drain
 *   tasks.c      who is running
 *   stamps.c     what rewritten code and adapters call
 *   opened.c     lifecycles that a class patch saw entered and not yet left
 *   driver.c     the coroutine that a class patch returns
 *   watched.c    what it returns where the method's own result is awaitable but no coroutine
 *   method.c     the class patch
 *   module.c     the module
 *
 * All of it runs under the GIL, in the main interpreter only, and never raises into the program: what cannot be
 * recorded is counted. No object of the program is kept alive; objects are known by address while they live.
 */

#ifndef TENURE_PROBE_H
#define TENURE_PROBE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- map.c: (address, number) to number; address is never 0 ---- */

typedef struct {
    uint64_t address, second, value;
} Slot;

typedef struct {
    Slot *slots;
    size_t size, used; /* size is a power of two or 0 */
} Map;

Slot *map_find(const Map *map, uint64_t address, uint64_t second);
Slot *map_add(Map *map, uint64_t address, uint64_t second); /* the slot of this key, new ones with value 0; or NULL */
void map_remove(Map *map, Slot *slot);                      /* moves other slots: any Slot * is stale afterwards */
void map_clear(Map *map);

/* ---- clock.c ---- */

int64_t clock_ns(void); /* time.perf_counter_ns(), or what set_clock() put in its place */
PyObject *clock_set(PyObject *module, PyObject *callable);

/* ---- handle.c ---- */

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

extern PyTypeObject Handle_Type;

Handle *handle_new(PyObject *site, PyObject *manager);

/* ---- records.c ---- */

void handle_open(Handle *handle);  /* the acquire begins: order, stamp, link */
void handle_close(Handle *handle); /* stamped released: into the buffer, or wait for the next drain */

PyObject *records_set_context(PyObject *module, PyObject *reader);
PyObject *records_put(PyObject *module, PyObject *entry);
PyObject *records_drain(PyObject *module, PyObject *none);
PyObject *records_waiting(PyObject *module, PyObject *none);
PyObject *records_take_lost(PyObject *module, PyObject *none);
PyObject *records_set_limit(PyObject *module, PyObject *number);
PyObject *records_clear(PyObject *module, PyObject *none);

/* ---- tasks.c ---- */

uint64_t task_current(void); /* the id of the running task or thread; 0 where even that failed */
void tasks_forked(void);     /* this may be the child of a fork: no loop runs in it */
PyObject *tasks_current(PyObject *module, PyObject *none);
PyObject *tasks_known(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *tasks_gone(PyObject *module, PyObject *address);
PyObject *tasks_clear(PyObject *module, PyObject *none);

/* ---- cancel.c ---- */

void cancel_let_go(void); /* Task.cancel is as it was */
PyObject *cancel_watch(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *cancel_unwatch(PyObject *module, PyObject *none);

/* ---- creating.c ---- */

void creating_let_go(void); /* Task's initialiser is its own */
PyObject *creating_watch(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *creating_unwatch(PyObject *module, PyObject *none);

/* ---- stamps.c ---- */

extern bool recording;

void stamp_acquired(Handle *handle); /* none of them does anything to a handle that is not open */
void stamp_leaving(Handle *handle, PyObject *error);  /* error: NULL or None where the body ended well */
void stamp_released(Handle *handle, PyObject *value); /* value: what __aexit__ returned */
void stamp_failed(Handle *handle, PyObject *error);   /* error: an exception; NULL: the coroutine was thrown away */
void stamp_end(Handle *handle);
void mark_set(Handle *handle);
bool mark_is_set(PyObject *manager); /* the running task is entering this one already */
void marks_clear(void);

PyObject *stamps_begin(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_body_raised(PyObject *module, PyObject *handle);
PyObject *stamps_raised(PyObject *module, PyObject *handle);
PyObject *stamps_acquired(PyObject *module, PyObject *handle);
PyObject *stamps_leaving(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_released(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_failed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_mark(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_is_marked(PyObject *module, PyObject *manager);

/* ---- opened.c ---- */

bool opened_any(PyObject *manager, bool moves);
void opened_remember(PyObject *manager, Handle *handle, bool moves);
Handle *opened_recall(PyObject *manager, bool moves); /* a new reference, or NULL */
PyObject *opened_clear(PyObject *module, PyObject *none);

/* ---- driver.c ---- */

extern PyTypeObject Driver_Type;

enum { LEAVES = 1, MOVES = 2, SYNC = 4 };

/* A driver of a coroutine or iterator, which it steals; error: what left the body, or NULL. */
PyObject *driver_make(PyObject *inner, PyObject *manager, PyObject *error, int flags);
void driver_fail(PyObject *driver); /* there is nothing to drive: the exception that is set came instead, and stays */

/* ---- watched.c ---- */

extern PyTypeObject Watched_Type;

/* What to await instead of an object that a method returned, which it steals. */
PyObject *watched_around(PyObject *awaitable, PyObject *manager, PyObject *error, int flags);

/* ---- method.c ---- */

extern PyTypeObject Method_Type;

PyObject *method_new(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* ---- module.c: what is asked of Python ---- */

typedef struct {
    PyObject *settled;       /* habits.settled: site to (type, resource) */
    PyObject *shared;        /* identity.shared: address to (resource, patched) */
    PyObject *ask;           /* (site, manager) -> (resource, patched) */
    PyObject *find_task;     /* () -> id */
    PyObject *failure_of;    /* (exception) -> Failure */
    PyObject *enter;         /* (manager, sync) -> handle or None */
    PyObject *thrown_away;   /* the Failure of a coroutine that was closed */
    PyObject *current_task;  /* asyncio.current_task */
    PyObject *running_loop;  /* asyncio._get_running_loop */
    PyObject *current_tasks; /* asyncio's dict of the running tasks, by loop; None from 3.14 on */
    PyObject *fault;         /* (where, exception): counts and logs */
} Python;

extern Python python;

void fault(const char *where); /* counts the exception that is set, and clears it; an interrupt is put back */
PyObject *exception_taken(void); /* the exception that is set, as an object, no longer set; a new reference or NULL */
void exception_put_back(PyObject *error); /* steals */

#endif
