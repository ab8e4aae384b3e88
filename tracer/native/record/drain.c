/* The drain: new entries of the buffer become lists, in the order of the acquires, and the lists of lifecycles that
 * were open at an earlier drain are updated. */

#include "drain.h"

#include "bell.h"
#include "buffer.h"

#include <stdlib.h>

enum { PLACES = 10 };

typedef struct {
    uint32_t order;
    PyObject *entry;
} DrainEntry;

/* Sets an item of a list; steals the object. */
static bool set_item(PyObject *list, Py_ssize_t place, PyObject *value)
{
    return value != NULL && PyList_SetItem(list, place, value) == 0;
}

/* Fills a list with a record's fields, in the layout of the Python probe's records (tenure._core.record_layout). */
static bool fill(PyObject *list, const Stamps *stamps, PyObject *body, PyObject *raised, uint64_t releaser)
{
    return set_item(list, 0, Py_NewRef(stamps->site)) && set_item(list, 1, PyLong_FromUnsignedLongLong(stamps->task)) &&
           set_item(list, 2, PyLong_FromUnsignedLongLong(stamps->resource)) &&
           set_item(list, 3, PyLong_FromLongLong(stamps->acquire)) && set_item(list, 4, PyLong_FromLongLong(stamps->acquired)) &&
           set_item(list, 5, PyLong_FromLongLong(stamps->release)) && set_item(list, 6, PyLong_FromLongLong(stamps->released)) &&
           set_item(list, 7, Py_NewRef(body)) && set_item(list, 8, Py_NewRef(raised)) &&
           set_item(list, 9, PyLong_FromUnsignedLongLong(releaser));
}

static PyObject *new_list(const Stamps *stamps, PyObject *body, PyObject *raised, uint64_t releaser)
{
    PyObject *list = PyList_New(PLACES);
    if (list != NULL && !fill(list, stamps, body, raised, releaser)) {
        Py_CLEAR(list);
    }
    return list;
}

static bool show_handle(HandleSnapshot *snapshots, DrainEntry *entry)
{
    Handle *handle = snapshots->handle;
    if (handle->shown != NULL) {
        return fill(handle->shown, &snapshots->stamps, snapshots->body, snapshots->raised, snapshots->releaser);
    }
    entry->order = snapshots->stamps.order;
    handle->shown = new_list(&snapshots->stamps, snapshots->body, snapshots->raised, snapshots->releaser);
    if (handle->shown == NULL) {
        return false;
    }
    entry->entry = handle->context == NULL ? Py_NewRef(handle->shown) : PyTuple_Pack(2, handle->shown, handle->context);
    Py_CLEAR(handle->context);
    return entry->entry != NULL;
}

static bool show_record(Stamps *stamps, DrainEntry *entry)
{
    entry->order = stamps->order;
    entry->entry = stamps->resource ? new_list(stamps, Py_None, Py_None, 0) : Py_NewRef(stamps->site);
    return entry->entry != NULL;
}

static int by_order(const void *left, const void *right)
{
    int32_t distance = (int32_t)(((const DrainEntry *)left)->order - ((const DrainEntry *)right)->order);
    return (distance > 0) - (distance < 0);
}

static PyObject *ordered_list(DrainEntry *entries, size_t count)
{
    qsort(entries, count, sizeof(DrainEntry), by_order);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t at = 0; list != NULL && at < count; at++) {
        PyList_SET_ITEM(list, (Py_ssize_t)at, Py_NewRef(entries[at].entry));
    }
    return list;
}

PyObject *drain_buffer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    size_t snapshot_count = 0, count = 0, records = 0;
    HandleSnapshot *snapshots = buffer_snapshots(&snapshot_count);
    Chunk *chunks = buffer_take_chunks(&records);
    bell_taken();
    DrainEntry *entries = PyMem_Calloc(snapshot_count + records + 1, sizeof(DrainEntry));
    bool is_complete = snapshots != NULL && entries != NULL;
    for (size_t at = 0; at < snapshot_count; at++) {
        is_complete = is_complete && show_handle(&snapshots[at], &entries[count]);
        count += is_complete && entries[count].entry != NULL;
        Py_DECREF(snapshots[at].handle);
        Py_DECREF(snapshots[at].body);
        Py_DECREF(snapshots[at].raised);
    }
    while (chunks != NULL) {
        for (size_t at = 0; at < chunks->used; at++) {
            is_complete = is_complete && show_record(&chunks->stamps[at], &entries[count]);
            count += is_complete;
            Py_DECREF(chunks->stamps[at].site);
        }
        Chunk *next = chunks->next;
        buffer_free_chunk(chunks);
        chunks = next;
    }
    PyObject *result = is_complete ? ordered_list(entries, count) : PyErr_NoMemory();
    if (result == NULL) {
        buffer_count_lost(snapshot_count + records);
    }
    for (size_t at = 0; entries != NULL && at < count; at++) {
        Py_DECREF(entries[at].entry);
    }
    PyMem_Free(entries);
    PyMem_Free(snapshots);
    return result;
}
