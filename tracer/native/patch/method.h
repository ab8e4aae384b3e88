/* Class patches: what all files of this room share. Includes nothing of the probe.
 *
 * A class patch sees a lifecycle as two calls that know nothing of each other: one that begins it (__aenter__,
 * acquire()), one that ends it (__aexit__, release()). Three things carry the record from the first call to the last.
 *
 * Marks (record/marks.h) keep one entry from being recorded twice. Rewritten code, an adapter and a class patch may all
 * see the same entry, and an __aenter__ often calls its base class's. Whoever begins the record first sets a mark for
 * (manager, running task). Until the record is stamped acquired or ends, every class patch of that manager in that task
 * calls the original and records nothing. Another task that enters the same manager has a mark of its own.
 *
 * Drivers (driver.h) put the stamps where the work happens. Calling an __aenter__ only makes a coroutine; the acquire
 * begins when the coroutine is first driven, in the task that drives it, and ends when it returns or raises. So the
 * class patch returns a driver, which is that coroutine to whoever looks, passes on what is sent and thrown, and stamps
 * at the start and at the end. Where the result is awaitable but no coroutine, an AwaitableProxy stands for it and makes
 * the driver when it is awaited (awaitable_proxy.h).
 *
 * Between the two calls the record waits where the second call finds it:
 *   open managers (open_managers.h), for statements: by the manager's address and the task, because __aexit__ is called
 *   on the object that was entered, in the same task; with ANY_TASK by the address alone. Entries nest.
 *   held tokens (held_tokens.h), for calls: by a token, which is the object that acquire() and release() are called on.
 *   Another task may release, so the newest use of the releasing task ends, else the oldest. With BY_RESULT the token is
 *   what the acquire returned, and Python keeps it (tenure.adapters._kit.held_tokens).
 *
 * A lifecycle by `async with` through a class patch, from first to last:
 *   1. call_enter: the manager is not marked, so the original's coroutine is put into a driver.
 *   2. driver_on_start: the record begins (begin_at_site) and marks the manager.
 *   3. driver_on_value: stamped acquired, the mark goes, the record goes to the open managers.
 *   4. call_leave: the record is taken from there into the driver of __aexit__'s coroutine.
 *   5. driver_on_start, driver_on_value: stamped leaving, stamped released. A driver of __aexit__ that is thrown away
 *      before it starts puts the record back: the manager was not left.
 *
 * Each part uses only those to its right:
 *   patched_method > manager_methods, acquire_release > awaitable_proxy > driver > driver_protocol > driver_events
 *   > method_start, method_result > held_tokens > open_managers > method
 *
 * No object of the program is kept alive: managers and tokens are known by address, while a weak reference says that
 * they live. */

#ifndef TENURE_METHOD_H
#define TENURE_METHOD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum { ENTERS, LEAVES, TAKES, GIVES };                                  /* roles */
enum { ANY_TASK = 1, SYNC = 2, ITSELF = 4, BY_RESULT = 8, LATER = 16 }; /* flags */

/* What stands in a class in a method's place. */
typedef struct {
    PyObject_HEAD
    PyObject *original;
    PyObject *predicate;   /* (manager) -> bool, or NULL: all */
    PyObject *resolve;     /* TAKES: (manager) -> record or None; GIVES: (token) -> whether its caller gives it back,
                              or, with BY_RESULT, whether it is held */
    PyObject *on_value;    /* TAKES: (value, record), of False, and with BY_RESULT always; GIVES with BY_RESULT:
                              (token) -> its record, now leaving, or None */
    PyObject *exempt_code; /* the code that calls it for a statement, or NULL */
    PyObject *name;        /* GIVES: the attribute's */
    vectorcallfunc call;
    int role, flags;
} Method;

/* What a role does when the method is called. */
typedef PyObject *Called(const Method *method, PyObject *const *arguments, size_t count, PyObject *names);

#endif
