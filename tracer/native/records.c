/* What is between two drains: open handles, linked, and closed records in chunks of fixed size.
 *
 * There is one chain of chunks for the process, not one a thread: a stamp is taken under the GIL and never gives it up,
 * so threads cannot meet in here, and the order of the acquires is a counter instead of a merge. A lifecycle that
 * opened and closed between two drains with no exception is copied into a chunk and its handle is free; any other one
 * stays linked, is shown to the ledger as a list at the next drain, and that list is brought up to date at each drain
 * that finds it changed. */

#include "probe.h"

#include <stdlib.h>
#include <string.h>

enum { IN_CHUNK = 1023, PLACES = 9 };

typedef struct Chunk {
    struct Chunk *next;
    size_t used;
    Stamps stamps[IN_CHUNK];
} Chunk;

static Chunk *chunks; /* the newest first */
static Chunk *spare;
static Handle *newest;
static size_t linked;
static size_t waiting, limit = 100000; /* entries that no drain has seen yet, and how many there may be */
static size_t lost;
static uint32_t last_order;
static PyObject *read_context; /* where the program has OpenTelemetry: a context variable, or () -> the context */

static bool append(const Stamps *stamps)
{
    if (chunks == NULL || chunks->used == IN_CHUNK) {
        Chunk *chunk = spare != NULL ? spare : PyMem_Malloc(sizeof(Chunk));
        if (chunk == NULL) {
            return false;
        }
        spare = NULL;
        chunk->next = chunks;
        chunk->used = 0;
        chunks = chunk;
    }
    chunks->stamps[chunks->used++] = *stamps;
    return true;
}

static void free_chunk(Chunk *chunk)
{
    if (spare == NULL) {
        spare = chunk;
    }
    else {
        PyMem_Free(chunk);
    }
}

/* Leaves the link's reference to the caller. */
static void unlink_handle(Handle *handle)
{
    if (handle->before != NULL) {
        handle->before->after = handle->after;
    }
    else {
        newest = handle->after;
    }
    if (handle->after != NULL) {
        handle->after->before = handle->before;
    }
    handle->before = handle->after = NULL;
    handle->stamps.flags &= ~(uint32_t)LINKED;
    linked--;
}

static void take_context(Handle *handle)
{
    PyObject *context = NULL;
    if (PyContextVar_CheckExact(read_context)) {
        (void)PyContextVar_Get(read_context, NULL, &context);
    }
    else {
        context = PyObject_CallNoArgs(read_context);
    }
    if (context != NULL && PyObject_IsTrue(context) == 1) {
        handle->context = context;
    }
    else {
        Py_XDECREF(context); /* most have nothing in it */
    }
    if (PyErr_Occurred()) {
        fault("reading OpenTelemetry's context");
        PyErr_Clear();
    }
}

PyObject *records_set_context(PyObject *Py_UNUSED(module), PyObject *reader)
{
    PyObject *before = read_context;
    read_context = reader == Py_None ? NULL : Py_NewRef(reader);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

void handle_open(Handle *handle)
{
    if (waiting >= limit) {
        lost++;
        return;
    }
    if (read_context != NULL) {
        take_context(handle);
    }
    if (handle->stamps.flags & PATCHED) {
        mark_set(handle);
    }
    waiting++;
    linked++;
    handle->stamps.order = ++last_order;
    handle->stamps.flags |= LINKED;
    handle->after = newest;
    if (newest != NULL) {
        newest->before = handle;
    }
    newest = (Handle *)Py_NewRef((PyObject *)handle);
    handle->stamps.acquire = clock_ns();
}

void handle_close(Handle *handle)
{
    bool plain = handle->body == NULL && handle->raised == NULL && handle->context == NULL &&
                 !(handle->stamps.flags & DRAINED);
    if (plain && append(&handle->stamps)) {
        handle->stamps.site = NULL; /* the chunk's now */
        unlink_handle(handle);
        Py_DECREF(handle);
    }
}

PyObject *records_put(PyObject *Py_UNUSED(module), PyObject *entry)
{
    if (waiting >= limit) {
        Py_RETURN_FALSE;
    }
    if (!append(&(Stamps){.site = entry, .order = last_order + 1})) {
        return PyErr_NoMemory();
    }
    Py_INCREF(entry);
    last_order++;
    waiting++;
    Py_RETURN_TRUE;
}

/* ---- the drain ---- */

/* A handle as it was at one moment: while lists are made the garbage collector may run, and with it the program. */
typedef struct {
    Handle *handle;
    Stamps stamps;
    PyObject *body, *raised;
} Seen;

typedef struct {
    uint32_t order;
    PyObject *entry;
} New;

static uint32_t phase_of(const Stamps *stamps)
{
    return stamps->released ? CLOSED : stamps->release ? RELEASING : stamps->acquired ? HELD : ACQUIRING;
}

/* Everything that changed since the last drain, taken out of the way of the program; NULL without memory. */
static Seen *see_handles(size_t *count)
{
    Seen *seen = PyMem_Calloc(linked + 1, sizeof(Seen));
    if (seen == NULL) {
        return NULL;
    }
    *count = 0;
    Handle *next;
    for (Handle *handle = newest; handle != NULL; handle = next) {
        next = handle->after;
        uint32_t phase = phase_of(&handle->stamps) << PHASE_SHIFT, flags = handle->stamps.flags;
        if (flags & DRAINED && (flags & PHASE_MASK) == phase) {
            continue;
        }
        handle->stamps.flags = (flags & ~(uint32_t)PHASE_MASK) | DRAINED | phase;
        seen[(*count)++] = (Seen){
            (Handle *)Py_NewRef((PyObject *)handle),
            handle->stamps,
            Py_NewRef(handle->body != NULL ? handle->body : Py_None),
            Py_NewRef(handle->raised != NULL ? handle->raised : Py_None),
        };
        if (handle->stamps.released) {
            unlink_handle(handle);
            Py_DECREF(handle);
        }
    }
    return seen;
}

/* Puts an object into a place of a list; steals it. */
static bool put(PyObject *list, Py_ssize_t place, PyObject *value)
{
    return value != NULL && PyList_SetItem(list, place, value) == 0;
}

/* Fills a list with what a record says, as the twin's records are laid out (tenure.records). */
static bool fill(PyObject *list, const Stamps *stamps, PyObject *body, PyObject *raised)
{
    return put(list, 0, Py_NewRef(stamps->site)) && put(list, 1, PyLong_FromUnsignedLongLong(stamps->task)) &&
           put(list, 2, PyLong_FromUnsignedLongLong(stamps->resource)) &&
           put(list, 3, PyLong_FromLongLong(stamps->acquire)) && put(list, 4, PyLong_FromLongLong(stamps->acquired)) &&
           put(list, 5, PyLong_FromLongLong(stamps->release)) && put(list, 6, PyLong_FromLongLong(stamps->released)) &&
           put(list, 7, Py_NewRef(body)) && put(list, 8, Py_NewRef(raised));
}

static PyObject *list_of(const Stamps *stamps, PyObject *body, PyObject *raised)
{
    PyObject *list = PyList_New(PLACES);
    if (list != NULL && !fill(list, stamps, body, raised)) {
        Py_CLEAR(list);
    }
    return list;
}

static bool show(Seen *seen, New *entry)
{
    Handle *handle = seen->handle;
    if (handle->shown != NULL) {
        return fill(handle->shown, &seen->stamps, seen->body, seen->raised);
    }
    entry->order = seen->stamps.order;
    handle->shown = list_of(&seen->stamps, seen->body, seen->raised);
    if (handle->shown == NULL) {
        return false;
    }
    entry->entry = handle->context == NULL ? Py_NewRef(handle->shown) : PyTuple_Pack(2, handle->shown, handle->context);
    Py_CLEAR(handle->context);
    return entry->entry != NULL;
}

static bool take(Stamps *stamps, New *entry)
{
    entry->order = stamps->order;
    entry->entry = stamps->resource ? list_of(stamps, Py_None, Py_None) : Py_NewRef(stamps->site);
    return entry->entry != NULL;
}

static int by_order(const void *left, const void *right)
{
    int32_t distance = (int32_t)(((const New *)left)->order - ((const New *)right)->order);
    return (distance > 0) - (distance < 0);
}

static PyObject *in_order(New *entries, size_t count)
{
    qsort(entries, count, sizeof(New), by_order);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t at = 0; list != NULL && at < count; at++) {
        PyList_SET_ITEM(list, (Py_ssize_t)at, Py_NewRef(entries[at].entry));
    }
    return list;
}

PyObject *records_drain(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    size_t seen_count = 0, count = 0, records = 0;
    Seen *seen = see_handles(&seen_count);
    for (const Chunk *chunk = chunks; chunk != NULL; chunk = chunk->next) {
        records += chunk->used;
    }
    New *entries = PyMem_Calloc(seen_count + records + 1, sizeof(New));
    Chunk *taken = chunks;
    chunks = NULL;
    waiting = 0;
    bool fine = seen != NULL && entries != NULL;
    for (size_t at = 0; at < seen_count; at++) {
        fine = fine && show(&seen[at], &entries[count]);
        count += fine && entries[count].entry != NULL;
        Py_DECREF(seen[at].handle);
        Py_DECREF(seen[at].body);
        Py_DECREF(seen[at].raised);
    }
    while (taken != NULL) {
        for (size_t at = 0; at < taken->used; at++) {
            fine = fine && take(&taken->stamps[at], &entries[count]);
            count += fine;
            Py_DECREF(taken->stamps[at].site);
        }
        Chunk *next = taken->next;
        free_chunk(taken);
        taken = next;
    }
    PyObject *result = fine ? in_order(entries, count) : PyErr_NoMemory();
    if (result == NULL) {
        lost += seen_count + records;
    }
    for (size_t at = 0; entries != NULL && at < count; at++) {
        Py_DECREF(entries[at].entry);
    }
    PyMem_Free(entries);
    PyMem_Free(seen);
    return result;
}

PyObject *records_waiting(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromSize_t(waiting);
}

PyObject *records_take_lost(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    size_t count = lost;
    lost = 0;
    return PyLong_FromSize_t(count);
}

PyObject *records_set_limit(PyObject *Py_UNUSED(module), PyObject *number)
{
    size_t given = PyLong_AsSize_t(number);
    if (given == (size_t)-1 && PyErr_Occurred()) {
        return NULL;
    }
    limit = given;
    Py_RETURN_NONE;
}

PyObject *records_clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Chunk *taken = chunks;
    chunks = NULL;
    waiting = lost = 0;
    while (newest != NULL) {
        Handle *handle = newest;
        unlink_handle(handle);
        Py_DECREF(handle);
    }
    while (taken != NULL) {
        for (size_t at = 0; at < taken->used; at++) {
            Py_DECREF(taken->stamps[at].site);
        }
        Chunk *next = taken->next;
        PyMem_Free(taken);
        taken = next;
    }
    PyMem_Free(spare);
    spare = NULL;
    tasks_forked();
    Py_RETURN_NONE;
}
