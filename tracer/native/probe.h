/* The native probe: what its files know of each other.
 *
 *   map.c        numbers by address: tasks, marks, open lifecycles of class patches
 *   clock.c      the clock
 *   handle.c     an open lifecycle
 *   records.h    the buffer of closed records and the chain of open ones: records.c, drain.c
 *   context.c    OpenTelemetry's context
 *   tasks.c      who is running
 *   begin.c      what begins a lifecycle
 *   stamps.c     the four stamps, and how the phases ended
 *   callers.c    the sites of instructions that are not rewritten
 *   opened.c     lifecycles that a class patch saw entered and not yet left
 *   held.c       lifecycles that a call began and no call ended yet
 *   driver.h     the coroutine that a class patch returns: driver.c, driving.c, telling.c
 *   watched.c    what it returns where the method's own result is awaitable but no coroutine
 *   method.c     the class patch
 *   managers.c   what one does in __aenter__'s and __aexit__'s place
 *   calls.c      what one does in acquire()'s and release()'s place
 *   ended.c      how the method ended
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
PyObject *handle_enter(Handle *handle); /* the acquire begins; the manager, a new reference, or NULL the second time */

/* ---- records.c ---- */

void handle_open(Handle *handle);  /* the acquire begins: order, stamp, link */
void handle_close(Handle *handle); /* stamped released: into the buffer, or wait for the next drain */

PyObject *records_put(PyObject *module, PyObject *entry);
PyObject *records_drain(PyObject *module, PyObject *none);
PyObject *records_waiting(PyObject *module, PyObject *none);
PyObject *records_take_lost(PyObject *module, PyObject *none);
PyObject *records_set_limit(PyObject *module, PyObject *number);
PyObject *records_clear(PyObject *module, PyObject *none);

/* ---- context.c ---- */

void context_take(Handle *handle); /* the one that is active now */
PyObject *context_set(PyObject *module, PyObject *reader);

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

PyObject *stamps_body_raised(PyObject *module, PyObject *handle);
PyObject *stamps_raised(PyObject *module, PyObject *handle);
PyObject *stamps_acquired(PyObject *module, PyObject *handle);
PyObject *stamps_leaving(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_released(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_failed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_mark(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *stamps_is_marked(PyObject *module, PyObject *manager);

/* ---- begin.c ---- */

PyObject *begin_at(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* A manager that is entered right now, at this site or as Python found out, which it steals; a new reference, or NULL:
 * nobody is to record it, or an interrupt is set. */
Handle *begin_known(PyObject *manager, PyObject *site);
Handle *begin_asked(PyObject *record, const char *where);

/* ---- callers.c ---- */

enum { BY_ASYNC_WITH, BY_WITH, BY_CALL }; /* tenure._identify.call_site_cache has the same */

PyCodeObject *caller_code(int *offset); /* of the running frame, and where in it, bytes; a new reference, or NULL */
bool caller_is(PyObject *code);
PyObject *caller_site(int how); /* of the running frame's instruction; a new reference, or NULL: ask Python */
void callers_clear(void);
PyObject *callers_known(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* ---- opened.c ---- */

/* Whether a weak reference is to this object; with NULL, whether to any. Without a reference: nobody can tell. */
bool reference_is_to(PyObject *reference, PyObject *wanted);

void opened_remember(PyObject *manager, Handle *handle, bool moves);
Handle *opened_recall(PyObject *manager, bool moves); /* a new reference, or NULL */
void opened_clear(void);

/* ---- held.c ---- */

void held_hold(PyObject *token, Handle *handle);
bool held_is(PyObject *token);
Handle *held_give_back(PyObject *token); /* a new reference, or NULL */
void held_clear(void);

/* ---- method.c ---- */

enum { ENTERS, LEAVES, TAKES, GIVES };                               /* roles */
enum { MOVES = 1, SYNC = 2, ITSELF = 4, BY_RESULT = 8, LATER = 16 }; /* flags */

typedef struct {
    PyObject_HEAD
    PyObject *original;
    PyObject *wants;   /* (manager) -> bool, or NULL: all */
    PyObject *asks;    /* TAKES: (manager) -> record or None; GIVES: (token) -> whether its caller gives it back, or,
                          with BY_RESULT, whether it is held */
    PyObject *tells;   /* TAKES: (value, record), of False, and with BY_RESULT always; GIVES with BY_RESULT: (token) ->
                          its record, now leaving, or None */
    PyObject *passes;  /* the code that calls it for a statement, or NULL */
    PyObject *name;    /* GIVES: the attribute's */
    vectorcallfunc call;
    int role, flags;
} Method;

typedef PyObject *Called(const Method *method, PyObject *const *arguments, size_t count, PyObject *names);

extern PyTypeObject Method_Type;

PyObject *method_of_manager(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *method_that_takes(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *method_that_gives(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* ---- managers.c, calls.c ---- */

Called enter_called, leave_called, take_called, give_called;

/* What begins, or ends, when what was called is driven; a new reference, or NULL: nobody records it. */
Handle *enter_manager(PyObject *manager, bool sync);
Handle *call_takes(const Method *method, PyObject *manager);
Handle *call_gives(const Method *method, PyObject *token);

/* ---- ended.c ---- */

bool method_wants(const Method *method, PyObject *manager);
void method_returned(const Method *method, PyObject *manager, Handle *handle, PyObject *value);
void method_raised(Handle *handle); /* what is set, and stays */
/* The value, or NULL where it raised; steals the handle, which may be NULL. */
PyObject *method_ended(const Method *method, PyObject *manager, Handle *handle, PyObject *value);

/* ---- driver.c ---- */

extern PyTypeObject Driver_Type;

typedef struct {
    PyObject *manager; /* or the token of a call */
    PyObject *error;   /* what left the body, or NULL */
    Handle *handle;    /* of what it ends; NULL where that begins or is found when it is driven */
    bool is_on;        /* the release has begun */
} Await;

PyObject *driver_make(PyObject *inner, const Method *method, const Await *await); /* steals the coroutine or iterator */
void driver_fail(PyObject *driver); /* there is nothing to drive: the exception that is set came instead, and stays */

/* ---- watched.c ---- */

extern PyTypeObject Watched_Type;

bool is_awaitable(PyObject *object);

/* What to await instead of an object that a method returned, which it steals. */
PyObject *watched_around(PyObject *awaitable, const Method *method, const Await *await);

/* ---- module.c: what is asked of Python ---- */

typedef struct {
    PyObject *settled;       /* habits.settled: site to (type, resource) */
    PyObject *shared;        /* identity.shared: address to (resource, patched) */
    PyObject *only_named;    /* resources.only_named: types of which only the objects in named are recorded */
    PyObject *named;         /* resources.named, by address */
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
