/* The bell. The shipping thread waits for it without the GIL, and every 25 ms it looks, without the GIL too, whether a
 * thread that runs an event loop has computed. All variables belong to whoever holds the GIL. */

#include "bell.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { HAND_OVER_US = 2000, MAX_CLOCKS = 32 };

static PyThread_type_lock bell;  /* free: it rings */
static PyThread_type_lock taken; /* free: the entries were taken while a thread waited for that */
static PyThread_type_lock resumed; /* free: that thread has the GIL again */
static bool is_rung, is_long, is_handed_over, is_taken;
static bool is_shipping;        /* the shipping thread has taken entries and does not wait for the bell again yet */
static unsigned long attendant; /* the shipping thread; 0: nobody would hear the bell */
static int listeners;           /* threads that wait for one of the two locks */

static PyThread_type_lock new_lock(bool is_free)
{
    PyThread_type_lock lock = PyThread_allocate_lock();
    if (lock != NULL && !is_free) {
        PyThread_acquire_lock(lock, WAIT_LOCK);
    }
    return lock;
}

/* Whoever begins to attend gets new locks: in the child of a fork the old ones are in the state that a thread of the
 * parent left them in. A lock that a thread may still wait for is not freed. */
PyObject *bell_attend(PyObject *Py_UNUSED(module), PyObject *is_attended)
{
    if (is_attended != Py_True) {
        attendant = attendant == PyThread_get_thread_ident() ? 0 : attendant;
        Py_RETURN_NONE;
    }
    if (listeners == 0 && bell != NULL) {
        PyThread_free_lock(bell);
        PyThread_free_lock(taken);
        PyThread_free_lock(resumed);
    }
    listeners = 0;
    is_handed_over = is_taken = is_shipping = is_long = false;
    bell = new_lock(is_rung);
    taken = new_lock(false);
    resumed = new_lock(false);
    if (bell == NULL || taken == NULL || resumed == NULL) {
        bell = taken = resumed = NULL; /* at the end of all memory, one of them is not freed */
        return PyErr_NoMemory();
    }
    attendant = PyThread_get_thread_ident();
    Py_RETURN_NONE;
}

void bell_ring(void)
{
    if (!is_rung) {
        is_rung = true;
        if (bell != NULL) {
            PyThread_release_lock(bell);
        }
    }
}

void bell_ring_long(void)
{
    if (is_long) {
        bell_ring();
    }
}

PyObject *bell_ring_now(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    bell_ring();
    Py_RETURN_NONE;
}

static bool is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* A thread that asks for the GIL waits for 5 ms. This wait starts again whenever the holder releases the GIL and gets it
 * back first. So a loop that looks for events every 0.4 ms starves the shipping thread for seconds. Therefore the
 * program's thread hands the GIL over itself, if the shipping thread would take the entries at once. No signal handler
 * runs during the wait, and no lock of the probe is held. */
void bell_hand_over(void)
{
    if (attendant == 0 || attendant == PyThread_get_thread_ident() || is_shipping || is_handed_over ||
        is_finalizing()) {
        return;
    }
    PyThread_type_lock lock = taken;
    is_handed_over = true;
    is_taken = false;
    listeners++;
    bell_ring();
    PyLockStatus status;
    Py_BEGIN_ALLOW_THREADS
    status = PyThread_acquire_lock_timed(lock, HAND_OVER_US, 0);
    Py_END_ALLOW_THREADS
    if (lock != taken) {
        return; /* another attendant has begun, and no thread uses this lock now */
    }
    if (is_taken) {
        if (status != PY_LOCK_ACQUIRED) {
            PyThread_acquire_lock(lock, NOWAIT_LOCK); /* taken just after the time was over */
        }
        PyThread_release_lock(resumed);
    }
    listeners--;
    is_handed_over = false;
}

void bell_taken(void)
{
    is_shipping = is_shipping || attendant == PyThread_get_thread_ident();
    if (!is_handed_over || is_taken || is_finalizing()) {
        return;
    }
    PyThread_type_lock lock = resumed;
    is_taken = true;
    PyThread_acquire_lock(lock, NOWAIT_LOCK); /* free where the time was over the last time */
    PyThread_release_lock(taken);
    listeners++;
    Py_BEGIN_ALLOW_THREADS
    (void)PyThread_acquire_lock_timed(lock, HAND_OVER_US, 0);
    Py_END_ALLOW_THREADS
    if (lock == resumed) {
        listeners--;
    }
}

/* ---- the shipping thread waits ---- */

#ifdef CLOCK_MONOTONIC
typedef clockid_t Clock;
#else
typedef int Clock; /* no system without that one has clocks of threads */
#endif

typedef struct {
    int count;
    Clock clocks[MAX_CLOCKS];
    int64_t spent[MAX_CLOCKS];
} Spent;

static int64_t ns_of(Clock clock)
{
#ifdef CLOCK_MONOTONIC
    struct timespec now;
    return clock_gettime(clock, &now) == 0 ? (int64_t)now.tv_sec * 1000000000 + now.tv_nsec : -1;
#else
    return (void)clock, -1;
#endif
}

/* The clock of time.monotonic_ns(), read without the GIL. */
static int64_t now_ns(void)
{
#ifdef CLOCK_MONOTONIC
    return ns_of(CLOCK_MONOTONIC);
#else
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

static bool has_computed(const Spent *spent)
{
    for (int at = 0; at < spent->count; at++) {
        if (ns_of(spent->clocks[at]) != spent->spent[at]) {
            return true;
        }
    }
    return false;
}

static bool read_spent(PyObject *pairs, Spent *spent)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(pairs) && at < MAX_CLOCKS; at++) {
        long long clock, ns;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, at), "LL", &clock, &ns)) {
            return false;
        }
        spent->clocks[spent->count] = (Clock)clock;
        spent->spent[spent->count++] = ns;
    }
    return true;
}

/* wait(seconds, slice, ((clock, ns), ...)): see tenure._core.bell. */
PyObject *bell_wait(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    double seconds, slice;
    PyObject *pairs;
    Spent spent = {.count = 0};
    if (!PyArg_ParseTuple(arguments, "ddO!", &seconds, &slice, &PyTuple_Type, &pairs) || !read_spent(pairs, &spent)) {
        return NULL;
    }
    if (bell == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "nobody attends to the bell");
        return NULL;
    }
    PyThread_type_lock lock = bell;
    PyLockStatus status;
    int64_t began = now_ns(), quiet = 0, due = 0, slice_ns = (int64_t)(slice * 1e9);
    bool is_over = false;
    listeners++;
    is_shipping = false;
    is_long = seconds > 0.1;
    Py_BEGIN_ALLOW_THREADS
    do {
        due = quiet + slice_ns;
        status = PyThread_acquire_lock_timed(lock, slice_ns / 1000, 0);
        is_over = status == PY_LOCK_ACQUIRED || has_computed(&spent);
        if (!is_over) {
            quiet = now_ns() - began;
        }
    } while (!is_over && quiet < (int64_t)(seconds * 1e9));
    Py_END_ALLOW_THREADS
    if (lock == bell) {
        listeners--;
        is_long = false;
        if (status == PY_LOCK_ACQUIRED) {
            is_rung = false;
        }
    }
    return Py_BuildValue("LL", (long long)quiet, (long long)due);
}
