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

typedef struct {
    PyObject *values[PLACES]; /* NULL: no memory */
} Fields;

/* A record's fields, in the layout of the Python probe's records (tenure._core.record_layout). */
static Fields fields_of(const Stamps *stamps, PyObject *body, PyObject *raised, uint64_t releaser)
{
    return (Fields){{
        Py_NewRef(stamps->site),
        PyLong_FromUnsignedLongLong(stamps->task),
        PyLong_FromUnsignedLongLong(stamps->resource),
        PyLong_FromLongLong(stamps->acquire),
        PyLong_FromLongLong(stamps->acquired),
        PyLong_FromLongLong(stamps->release),
        PyLong_FromLongLong(stamps->released),
        Py_NewRef(body),
        Py_NewRef(raised),
        PyLong_FromUnsignedLongLong(releaser),
    }};
}

/* Replaces the items of a list; steals the fields. */
static bool update_list(PyObject *list, Fields fields)
{
    bool is_complete = true;
    for (Py_ssize_t place = 0; place < PLACES; place++) {
        PyObject *value = fields.values[place];
        is_complete = value != NULL && PyList_SetItem(list, place, value) == 0 && is_complete;
    }
    return is_complete;
}

/* Steals the fields. Without the checks of PyList_SetItem: nearly all lists of a drain are new. */
static PyObject *new_list(Fields fields)
{
    PyObject *list = PyList_New(PLACES);
    bool is_complete = list != NULL;
    for (Py_ssize_t place = 0; place < PLACES; place++) {
        PyObject *value = fields.values[place];
        is_complete = is_complete && value != NULL;
        if (list == NULL) {
            Py_XDECREF(value);
        }
        else {
            PyList_SET_ITEM(list, place, value);
        }
    }
    if (!is_complete) {
        Py_CLEAR(list);
    }
    return list;
}

static bool show_handle(HandleSnapshot *snapshots, DrainEntry *entry)
{
    Handle *handle = snapshots->handle;
    Fields fields = fields_of(&snapshots->stamps, snapshots->body, snapshots->raised, snapshots->releaser);
    if (handle->shown != NULL) {
        return update_list(handle->shown, fields);
    }
    entry->order = snapshots->stamps.order;
    handle->shown = new_list(fields);
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
    entry->entry = stamps->resource ? new_list(fields_of(stamps, Py_None, Py_None, 0)) : Py_NewRef(stamps->site);
    return entry->entry != NULL;
}

static int by_order(const void *left, const void *right)
{
    int32_t distance = (int32_t)(((const DrainEntry *)left)->order - ((const DrainEntry *)right)->order);
    return (distance > 0) - (distance < 0);
}

/* The lowest order, if the orders leave no gap: then each tells the entry's place. False after entries were lost. */
static bool is_dense(const DrainEntry *entries, size_t count, uint32_t *lowest)
{
    uint32_t highest = *lowest = count ? entries[0].order : 0;
    for (size_t at = 1; at < count; at++) {
        uint32_t order = entries[at].order;
        *lowest = (int32_t)(order - *lowest) < 0 ? order : *lowest;
        highest = (int32_t)(order - highest) > 0 ? order : highest;
    }
    return count != 0 && highest - *lowest == count - 1;
}

static PyObject *ordered_list(DrainEntry *entries, size_t count)
{
    uint32_t lowest;
    bool by_place = is_dense(entries, count, &lowest); /* no two entries have the same order */
    if (!by_place) {
        qsort(entries, count, sizeof(DrainEntry), by_order);
    }
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t at = 0; list != NULL && at < count; at++) {
        size_t place = by_place ? entries[at].order - lowest : at;
        PyList_SET_ITEM(list, (Py_ssize_t)place, Py_NewRef(entries[at].entry));
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
