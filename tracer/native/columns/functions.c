#include "functions.h"

#include "columns.h"

#include <stdlib.h>

/* ---- writing ---- */

enum { ROW_TRACE = 2 }; /* where a Row has an index, a column has the root */

/* One row's numbers into its place of every column; 0: it cannot be written so, -1: an error is set. */
static int put_row(uint64_t **column, size_t at, PyObject *row, PyObject *root, int64_t *previous_id)
{
    int64_t value[COLUMN_COUNT];
    if (!PyTuple_Check(row) || PyTuple_GET_SIZE(row) != COLUMN_COUNT) {
        PyErr_SetString(PyExc_TypeError, "a row is a tuple of 13 numbers");
        return -1;
    }
    for (int n = 0; n < COLUMN_COUNT; n++) {
        int overflow;
        value[n] = PyLong_AsLongLongAndOverflow(n == ROW_TRACE ? root : PyTuple_GET_ITEM(row, n), &overflow);
        if (value[n] == -1 && (overflow != 0 || PyErr_Occurred())) {
            return overflow != 0 ? 0 : -1;
        }
        if (value[n] < (n >= COLUMN_WAIT && n <= COLUMN_RELEASE ? -1 : 0) && n != COLUMN_ACQUIRE) {
            return 0;
        }
    }
    int64_t id = value[COLUMN_ID];
    if (id <= *previous_id || value[COLUMN_PARENT] >= id || value[COLUMN_ROOT] > id || value[COLUMN_ROOT] == 0) {
        return 0;
    }
    for (int n = 0; n < COLUMN_COUNT; n++) {
        column[n][at] = (uint64_t)value[n];
    }
    column[COLUMN_ID][at] = (uint64_t)(id - *previous_id);
    column[COLUMN_PARENT][at] = value[COLUMN_PARENT] == 0 ? 0 : (uint64_t)(id - value[COLUMN_PARENT]);
    column[COLUMN_ROOT][at] = (uint64_t)(id - value[COLUMN_ROOT]);
    column[COLUMN_ACQUIRE][at] = at == 0 ? 0 : zigzag(value[COLUMN_ACQUIRE]);
    for (int n = COLUMN_WAIT; n <= COLUMN_RELEASE; n++) {
        column[n][at]++;
    }
    *previous_id = id;
    return 1;
}

static PyObject *written(uint64_t **column, size_t count)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(COLUMN_COUNT * column_room(count)));
    if (bytes == NULL) {
        return NULL;
    }
    uint8_t *first = (uint8_t *)PyBytes_AS_STRING(bytes), *to = first;
    for (int n = 0; n < COLUMN_COUNT; n++) {
        to = column_put(to, column[n], count, BY_VARINT);
    }
    _PyBytes_Resize(&bytes, to - first);
    return bytes;
}

/* columns_write(rows as tuples, the root of each) -> bytes; None: they are not in the order of their ids, or else such
 * as columns cannot have */
PyObject *columns_write(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t given)
{
    if (given != 2 || !PyList_Check(arguments[0]) || !PyList_Check(arguments[1]) ||
        PyList_GET_SIZE(arguments[0]) != PyList_GET_SIZE(arguments[1]) || PyList_GET_SIZE(arguments[0]) > MAX_ROWS) {
        PyErr_SetString(PyExc_TypeError, "columns_write(rows, roots): two lists of one length, at most 20,000");
        return NULL;
    }
    size_t count = (size_t)PyList_GET_SIZE(arguments[0]);
    uint64_t *values = malloc(COLUMN_COUNT * (count + 1) * sizeof(uint64_t)), *column[COLUMN_COUNT];
    if (values == NULL) {
        return PyErr_NoMemory();
    }
    for (int n = 0; n < COLUMN_COUNT; n++) {
        column[n] = values + (size_t)n * count;
    }
    int fits = 1;
    int64_t previous_id = 0;
    for (size_t at = 0; fits == 1 && at < count; at++) {
        PyObject *row = PyList_GET_ITEM(arguments[0], (Py_ssize_t)at);
        fits = put_row(column, at, row, PyList_GET_ITEM(arguments[1], (Py_ssize_t)at), &previous_id);
    }
    PyObject *result = fits == 1 ? written(column, count) : fits == 0 ? Py_NewRef(Py_None) : NULL;
    free(values);
    return result;
}

/* ---- reading ---- */

/* columns_read(data, count, base_ns, offset_ns, tasks, resources, sites, exceptions) -> 13 * count signed numbers of 8
 * bytes, one column after the other; None: the columns are damaged */
PyObject *columns_read(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer data;
    Py_ssize_t count;
    long long base_ns, offset_ns;
    unsigned long long tasks, resources, sites, exceptions;
    if (!PyArg_ParseTuple(arguments, "y*nLLKKKK", &data, &count, &base_ns, &offset_ns, &tasks, &resources, &sites,
                          &exceptions)) {
        return NULL;
    }
    PyObject *table = NULL;
    if (count < 0 || count > MAX_ROWS) {
        PyErr_SetString(PyExc_ValueError, "a batch has 0 to 20,000 rows");
    }
    else {
        table = PyBytes_FromStringAndSize(NULL, COLUMN_COUNT * count * (Py_ssize_t)sizeof(int64_t));
    }
    if (table != NULL) {
        const ColumnTables tables = {base_ns, offset_ns, tasks, resources, sites, exceptions};
        ColumnReader reader = {data.buf, (const uint8_t *)data.buf + data.len};
        if (!columns_take(&reader, (size_t)count, &tables, (int64_t *)(void *)PyBytes_AS_STRING(table))) {
            Py_SETREF(table, Py_NewRef(Py_None));
        }
    }
    PyBuffer_Release(&data);
    return table;
}

/* ---- values of a store ---- */

typedef struct {
    const int64_t *column[COLUMN_COUNT];
    Py_ssize_t count;
    long long base_key, offset_ns;
    PyObject *traces;                                         /* dict: root to trace, of roots whose trace has another key */
    PyObject *tasks, *resources, *sites, *exceptions, *marks; /* lists */
} Source;

static PyObject *entry_of(PyObject *list, int64_t index)
{
    if (index < 0 || index >= PyList_GET_SIZE(list)) {
        PyErr_SetString(PyExc_IndexError, "a row names no entry of its table");
        return NULL;
    }
    return Py_NewRef(PyList_GET_ITEM(list, (Py_ssize_t)index));
}

static PyObject *trace_of(const Source *source, int64_t root)
{
    if (PyDict_GET_SIZE(source->traces) != 0) {
        PyObject *number = PyLong_FromLongLong(root);
        PyObject *trace = number == NULL ? NULL : PyDict_GetItemWithError(source->traces, number);
        Py_XDECREF(number);
        if (trace != NULL || PyErr_Occurred()) {
            return Py_XNewRef(trace);
        }
    }
    return PyLong_FromLongLong(source->base_key + root);
}

static PyObject *outcomes_of(const Source *source, Py_ssize_t at)
{
    PyObject *mark = entry_of(source->marks, source->column[COLUMN_SITE][at]);
    if (mark == NULL) {
        return NULL;
    }
    long long outcomes = (source->column[COLUMN_OUTCOMES][at] & ~(int64_t)RESENT) | PyLong_AsLongLong(mark);
    Py_DECREF(mark);
    return PyErr_Occurred() ? NULL : PyLong_FromLongLong(outcomes);
}

static PyObject *value_of(const Source *source, Column column, Py_ssize_t at)
{
    int64_t value = source->column[column][at];
    switch (column) {
    case COLUMN_ID:
        return PyLong_FromLongLong(source->base_key + value);
    case COLUMN_ROOT:
        return trace_of(source, value);
    case COLUMN_TASK:
        return entry_of(source->tasks, value);
    case COLUMN_RESOURCE:
        return entry_of(source->resources, value);
    case COLUMN_SITE:
        return entry_of(source->sites, value);
    case COLUMN_ACQUIRE:
        return PyLong_FromLongLong(value + source->offset_ns);
    case COLUMN_OUTCOMES:
        return outcomes_of(source, at);
    case COLUMN_BODY:
    case COLUMN_OWN:
        return entry_of(source->exceptions, value);
    case COLUMN_PARENT:
        return PyLong_FromLongLong(value);
    default:
        return value < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(value);
    }
}

static int64_t end_of(const Source *source, Py_ssize_t at)
{
    int64_t end_ns = source->column[COLUMN_ACQUIRE][at] + source->offset_ns;
    for (int n = COLUMN_WAIT; n <= COLUMN_RELEASE; n++) {
        int64_t duration = source->column[n][at];
        end_ns += duration > 0 ? duration : 0;
    }
    return end_ns;
}

static int add_resent(const Source *source, Py_ssize_t at, PyObject *resent)
{
    PyObject *row = PyTuple_New(COLUMN_COUNT);
    int is_added = row == NULL ? -1 : 0;
    for (int n = 0; is_added == 0 && n < COLUMN_COUNT; n++) {
        PyObject *value = value_of(source, (Column)n, at);
        is_added = value == NULL ? -1 : 0;
        PyTuple_SET_ITEM(row, n, value);
    }
    if (is_added == 0) {
        is_added = PyList_Append(resent, row);
    }
    Py_XDECREF(row);
    return is_added;
}

static PyObject *values_from(const Source *source)
{
    Py_ssize_t sent_again = 0;
    for (Py_ssize_t at = 0; at < source->count; at++) {
        sent_again += (source->column[COLUMN_OUTCOMES][at] & RESENT) != 0;
    }
    PyObject *fresh = PyList_New(COLUMN_COUNT * (source->count - sent_again)), *resent = PyList_New(0);
    bool fine = fresh != NULL && resent != NULL;
    int64_t latest_ns = 0;
    Py_ssize_t to = 0;
    for (Py_ssize_t at = 0; fine && at < source->count; at++) {
        int64_t end_ns = end_of(source, at);
        latest_ns = end_ns > latest_ns ? end_ns : latest_ns;
        if ((source->column[COLUMN_OUTCOMES][at] & RESENT) != 0) {
            fine = add_resent(source, at, resent) == 0;
            continue;
        }
        for (int n = 0; fine && n < COLUMN_COUNT; n++) {
            PyObject *value = value_of(source, (Column)n, at);
            fine = value != NULL;
            PyList_SET_ITEM(fresh, to++, value);
        }
    }
    PyObject *result = fine ? Py_BuildValue("OOL", fresh, resent, (long long)latest_ns) : NULL;
    Py_XDECREF(fresh);
    Py_XDECREF(resent);
    return result;
}

/* columns_values(table, offset_ns, base_key, traces, tasks, resources, sites, exceptions, marks)
 * -> (13 values a row that is sent for the first time, a tuple for each other row, the latest instant) */
PyObject *columns_values(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *table;
    Source source;
    if (!PyArg_ParseTuple(arguments, "O!LLO!O!O!O!O!O!", &PyBytes_Type, &table, &source.offset_ns, &source.base_key,
                          &PyDict_Type, &source.traces, &PyList_Type, &source.tasks, &PyList_Type, &source.resources,
                          &PyList_Type, &source.sites, &PyList_Type, &source.exceptions, &PyList_Type, &source.marks)) {
        return NULL;
    }
    source.count = PyBytes_GET_SIZE(table) / (COLUMN_COUNT * (Py_ssize_t)sizeof(int64_t));
    for (int n = 0; n < COLUMN_COUNT; n++) {
        source.column[n] = (const int64_t *)(const void *)PyBytes_AS_STRING(table) + n * source.count;
    }
    return values_from(&source);
}
