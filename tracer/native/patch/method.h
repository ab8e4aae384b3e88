/* Class patches: declarations that all files of this room share. Includes nothing of the probe.
 *
 * A class patch sees a lifecycle as two separate calls: one that begins it (__aenter__, acquire()), and one that ends
 * it (__aexit__, release()). Marks, drivers, and open managers or held tokens carry the record from the first to the
 * last.
 *
 * Marks (record/marks.h) prevent that one entry is recorded twice. Rewritten code, an adapter and a class patch may all
 * see the same entry, and an __aenter__ often calls that of its base class. The first one that begins a record sets a
 * mark for (manager, running task). Until the record is stamped acquired or ends, every class patch of that manager in
 * that task calls the original and records nothing. Another task that enters the same manager has its own mark.
 *
 * Drivers (driver.h) take the stamps at the right time. Calling an __aenter__ only makes a coroutine. The acquire
 * begins when the coroutine is first driven, in the task that drives it, and ends when the coroutine returns or raises.
 * So the class patch returns a driver, which looks like that coroutine, passes on what is sent and thrown, and stamps
 * at the start and at the end. If the result is awaitable but not a coroutine, an AwaitableProxy replaces it and makes
 * the driver when it is awaited (awaitable_proxy.h).
 *
 * Between the two calls, one of two maps keeps the record for the second call:
 *   open managers (open_managers.h), for statements: by the manager's address and the task, because __aexit__ is called
 *   on the object that was entered, in the same task; with ANY_TASK by the address alone. Entries nest.
 *   held tokens (held_tokens.h), for calls: by a token, the object on which acquire() and release() are called. Another
 *   task may release, so a release ends the newest use of its own task, else the oldest. With BY_RESULT the token is
 *   what the acquire returned, and Python keeps the record (tenure.adapters._kit.held_tokens).
 *
 * The steps of one lifecycle by `async with` through a class patch:
 *   1. call_enter: the manager is not marked, so a driver gets the original's coroutine.
 *   2. driver_on_start: the record begins (begin_at_site) and marks the manager.
 *   3. driver_on_value: the record is stamped acquired, loses its mark, and is added to the open managers.
 *   4. call_leave: the record is moved from the open managers into the driver of __aexit__'s coroutine.
 *   5. driver_on_start, driver_on_value: the record is stamped leaving, then released. If the driver of __aexit__ is
 *      discarded before it starts, the record is added to the open managers again: the manager was not left.
 *
 * Each part uses only those to its right:
 *   patched_method > manager_methods, acquire_release > awaitable_proxy > driver > driver_protocol > driver_events
 *   > method_start, method_result > held_tokens > open_managers > method
 *
 * No object of the program is kept alive: managers and tokens are known by address, while a weak reference shows that
 * they live. */

#ifndef TENURE_METHOD_H
#define TENURE_METHOD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum { ENTERS, LEAVES, TAKES, GIVES };                                  /* roles */
enum { ANY_TASK = 1, SYNC = 2, ITSELF = 4, BY_RESULT = 8, LATER = 16, COUNTED = 32 }; /* flags */

/* The object that replaces a method in a class. */
typedef struct {
    PyObject_HEAD
    PyObject *original;
    PyObject *predicate;   /* (manager) -> bool, or NULL: all */
    PyObject *resolve;     /* TAKES: (manager) -> record or None; GIVES: (token) -> whether its caller releases it,
                              or, with BY_RESULT, whether it is held */
    PyObject *on_value;    /* TAKES: (value, record), for the value False, and with BY_RESULT always; GIVES with
                              BY_RESULT: (token) -> its record, stamped leaving, or None; with COUNTED: (token), for
                              a release too many */
    PyObject *exempt_code; /* the code that calls it for a statement, or NULL */
    PyObject *name;        /* GIVES: the name of the attribute */
    vectorcallfunc call;
    int role, flags;
} Method;

/* The call of a patched method in one role. */
typedef PyObject *MethodCall(const Method *method, PyObject *const *arguments, size_t count, PyObject *names);

#endif
