/* The drain: what is new in the buffer becomes lists, in the order of the acquires, and what was taken out while its
 * lifecycle was open is brought up to date. */

#include "records.h"

#include <stdlib.h>

enum { PLACES = 9 };

typedef struct {
    uint32_t order;
    PyObject *entry;
} New;

/* Puts an object into a place of a list; steals it. */
static bool put(PyObject *list, Py_ssize_t place, PyObject *value)
{
    return value != NULL && PyList_SetItem(list, place, value) == 0;
}

/* Fills a list with what a record says, as the twin's records are laid out (tenure._core.record_layout). */
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
    Seen *seen = records_see(&seen_count);
    Chunk *taken = records_take(&records);
    New *entries = PyMem_Calloc(seen_count + records + 1, sizeof(New));
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
        records_free(taken);
        taken = next;
    }
    PyObject *result = fine ? in_order(entries, count) : PyErr_NoMemory();
    if (result == NULL) {
        records_lose(seen_count + records);
    }
    for (size_t at = 0; entries != NULL && at < count; at++) {
        Py_DECREF(entries[at].entry);
    }
    PyMem_Free(entries);
    PyMem_Free(seen);
    return result;
}
