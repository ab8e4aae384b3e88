/* The buffer: open handles in a linked list, and closed records in chunks of fixed size, until a drain takes them.
 *
 * There is one chain of chunks for the process, not one for each thread: a stamp is taken under the GIL and never
 * releases it, so two threads are never in here at once, and a counter gives the order of the acquires. A lifecycle
 * that opened and closed between two drains without an exception is copied into a chunk, and its handle is freed. Any
 * other one stays linked. The next drain makes a list of it for the ledger, and each later drain updates that list if
 * the lifecycle changed. */

#include "buffer.h"

#include "bell.h"
#include "clock.h"
#include "marks.h"
#include "otel_context.h"

enum { WAKE_ENTRIES = 20000, HAND_OVER_ENTRIES = 30000 };

static Chunk *chunks; /* the newest first */
static Chunk *spare;
static Handle *newest;
static size_t linked;
static size_t waiting, limit = 100000; /* entries that no drain has seen yet, and how many there may be */
static size_t hand_over_at = HAND_OVER_ENTRIES;
static size_t lost;
static uint32_t last_order;

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

/* One more entry waits; the shipping thread takes them in no more than 100 ms, and earlier where they are many. */
static void count_waiting(void)
{
    if (++waiting == WAKE_ENTRIES) {
        bell_ring();
    }
    else if (waiting == 1) {
        bell_ring_long();
    }
}

void buffer_hand_over(void)
{
    if (waiting >= hand_over_at) {
        hand_over_at = waiting + HAND_OVER_ENTRIES;
        bell_hand_over();
    }
}

void buffer_open(Handle *handle)
{
    if (waiting >= limit) {
        lost++;
        return;
    }
    otel_context_read(handle);
    if (handle->stamps.flags & PATCHED) {
        mark_set(handle);
    }
    count_waiting();
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

void buffer_close(Handle *handle)
{
    bool is_compact = handle->body == NULL && handle->raised == NULL && handle->context == NULL && handle->releaser == 0 &&
                 !(handle->stamps.flags & DRAINED);
    if (is_compact && append(&handle->stamps)) {
        handle->stamps.site = NULL; /* the chunk owns it now */
        unlink_handle(handle);
        Py_DECREF(handle);
    }
    else {
        bell_ring_long();
    }
}

PyObject *buffer_put(PyObject *Py_UNUSED(module), PyObject *entry)
{
    if (waiting >= limit) {
        Py_RETURN_FALSE;
    }
    if (!append(&(Stamps){.site = entry, .order = last_order + 1})) {
        return PyErr_NoMemory();
    }
    Py_INCREF(entry);
    last_order++;
    count_waiting();
    Py_RETURN_TRUE;
}

/* ---- for the drain ---- */

static uint32_t phase_of(const Stamps *stamps)
{
    return stamps->released ? CLOSED : stamps->release ? RELEASING : stamps->acquired ? HELD : ACQUIRING;
}

HandleSnapshot *buffer_snapshots(size_t *count)
{
    HandleSnapshot *snapshots = PyMem_Calloc(linked + 1, sizeof(HandleSnapshot));
    if (snapshots == NULL) {
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
        snapshots[(*count)++] = (HandleSnapshot){
            (Handle *)Py_NewRef((PyObject *)handle),
            handle->stamps,
            Py_NewRef(handle->body != NULL ? handle->body : Py_None),
            Py_NewRef(handle->raised != NULL ? handle->raised : Py_None),
            handle->releaser,
        };
        if (handle->stamps.released) {
            unlink_handle(handle);
            Py_DECREF(handle);
        }
    }
    return snapshots;
}

Chunk *buffer_take_chunks(size_t *count)
{
    Chunk *detached = chunks;
    *count = 0;
    for (const Chunk *chunk = detached; chunk != NULL; chunk = chunk->next) {
        *count += chunk->used;
    }
    chunks = NULL;
    waiting = 0;
    hand_over_at = HAND_OVER_ENTRIES;
    return detached;
}

void buffer_free_chunk(Chunk *chunk)
{
    if (spare == NULL) {
        spare = chunk;
    }
    else {
        PyMem_Free(chunk);
    }
}

void buffer_count_lost(size_t count)
{
    lost += count;
}

/* ---- for Python ---- */

PyObject *buffer_waiting(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromSize_t(waiting);
}

PyObject *buffer_take_lost(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    size_t count = lost;
    lost = 0;
    return PyLong_FromSize_t(count);
}

PyObject *buffer_set_limit(PyObject *Py_UNUSED(module), PyObject *number)
{
    size_t new_limit = PyLong_AsSize_t(number);
    if (new_limit == (size_t)-1 && PyErr_Occurred()) {
        return NULL;
    }
    limit = new_limit;
    Py_RETURN_NONE;
}

void buffer_clear(void)
{
    Chunk *detached = chunks;
    chunks = NULL;
    waiting = lost = 0;
    hand_over_at = HAND_OVER_ENTRIES;
    while (newest != NULL) {
        Handle *handle = newest;
        unlink_handle(handle);
        Py_DECREF(handle);
    }
    while (detached != NULL) {
        for (size_t at = 0; at < detached->used; at++) {
            Py_DECREF(detached->stamps[at].site);
        }
        Chunk *next = detached->next;
        PyMem_Free(detached);
        detached = next;
    }
    PyMem_Free(spare);
    spare = NULL;
}
