/* Reads spans and the messages that contain them; spans.h describes the whole. */

#include "spans.h"

#include <stdlib.h>

enum { SCOPE = 1, SPANS = 2 }; /* fields of a ScopeSpans */
/* Tags of a span. */
enum { TRACE = 0x0A, ID = 0x12, PARENT = 0x22, NAME = 0x2A, KIND = 0x30, START = 0x39, END = 0x41, ATTRIBUTE = 0x4A,
       STATUS = 0x7A };

static PyObject *
read_span(Spans *spans, Piece span)
{
    Piece trace = {NULL, 0}, id = {NULL, 0}, parent = {NULL, 0}, status = {NULL, 0}, piece;
    uint64_t start_ns = 0, end_ns = 0, number;
    Reader reader = {spans->state, span.at, span.at + span.size};
    spans->shape_size = 0;
    for (int n = 0; n < TIMES; n++) {
        spans->times[n] = -1;
    }
    while (reader.at < reader.end) {
        const uint8_t *field = reader.at;
        int failed, is_of_shape = 0;
        uint64_t tag;
        if (read_varint(&reader, &tag) < 0) {
            return NULL;
        }
        switch (tag) {
        case TRACE:
            failed = read_piece(&reader, &trace);
            break;
        case ID:
            failed = read_piece(&reader, &id);
            break;
        case PARENT:
            failed = read_piece(&reader, &parent);
            break;
        case STATUS:
            failed = read_piece(&reader, &status);
            break;
        case START:
            failed = read_fixed_64(&reader, &start_ns);
            break;
        case END:
            failed = read_fixed_64(&reader, &end_ns);
            break;
        case NAME:
            failed = read_piece(&reader, &piece);
            is_of_shape = 1;
            break;
        case KIND:
            failed = read_varint(&reader, &number);
            is_of_shape = 1;
            break;
        case ATTRIBUTE:
            failed = read_piece(&reader, &piece);
            if (failed == 0) {
                is_of_shape = is_shape_attribute(spans, piece);
                failed = is_of_shape < 0 ? -1 : 0;
            }
            break;
        default:
            failed = skip_field(&reader, tag);
        }
        if (failed < 0 || (is_of_shape && add_to_shape(spans, field, reader.at) < 0)) {
            return NULL;
        }
    }
    PyObject *error = span_error(spans, span, status);
    PyObject *tuple = error == NULL ? NULL : PyTuple_New(8);
    if (tuple == NULL) {
        Py_XDECREF(error);
        return NULL;
    }
    PyObject *parts[] = {
        trace_bytes(spans, trace),
        span_id(id),
        parent_id(parent),
        PyLong_FromUnsignedLongLong(start_ns),
        PyLong_FromUnsignedLongLong(end_ns),
        shape_bytes(spans),
        error,
        times_tuple(spans),
    };
    int is_complete = 1;
    for (int n = 0; n < 8; n++) {
        is_complete &= parts[n] != NULL;
        PyTuple_SetItem(tuple, n, parts[n]);
    }
    if (!is_complete) {
        Py_DECREF(tuple);
        return NULL;
    }
    return tuple;
}

/* Reads a ScopeSpans: appends its spans to `list`, at most `room` of them, and sets the position of its scope. */
static int
read_scope_spans(Spans *spans, Reader reader, Py_ssize_t room, PyObject *list, Piece *scope)
{
    while (reader.at < reader.end) {
        uint64_t tag;
        Piece piece;
        if (read_varint(&reader, &tag) < 0) {
            return -1;
        }
        if ((tag & 7) != LENGTH) {
            if (skip_field(&reader, tag) < 0) {
                return -1;
            }
            continue;
        }
        if (read_piece(&reader, &piece) < 0) {
            return -1;
        }
        if (tag >> 3 == SCOPE) {
            *scope = piece;
        }
        if (tag >> 3 != SPANS) {
            continue;
        }
        if (room-- <= 0) {
            PyErr_SetNone(spans->state->too_many);
            return -1;
        }
        PyObject *span = read_span(spans, piece);
        int added = span == NULL ? -1 : PyList_Append(list, span);
        Py_XDECREF(span);
        if (added < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
scan_spans(PyObject *module, PyObject *args)
{
    PyObject *data, *capsule, *error_of, *result = NULL;
    Py_ssize_t room;
    if (!PyArg_ParseTuple(args, "SnOO:scan", &data, &room, &capsule, &error_of)) {
        return NULL;
    }
    const Wanted *wanted = PyCapsule_GetPointer(capsule, WANTED);
    if (wanted == NULL) {
        return NULL;
    }
    Spans spans = {.state = PyModule_GetState(module), .wanted = wanted, .error_of = error_of};
    Piece scope = {(const uint8_t *)"", 0};
    spans.shapes = PyDict_New();
    spans.empty = PyBytes_FromStringAndSize("", 0);
    PyObject *list = PyList_New(0);
    if (list != NULL && spans.shapes != NULL && spans.empty != NULL) {
        const uint8_t *at = (const uint8_t *)PyBytes_AsString(data);
        Reader reader = {spans.state, at, at + PyBytes_Size(data)};
        if (read_scope_spans(&spans, reader, room, list, &scope) == 0) {
            result = Py_BuildValue("(y#O)", (const char *)scope.at, scope.size, list);
        }
    }
    free(spans.shape);
    Py_XDECREF(list);
    Py_XDECREF(spans.shapes);
    Py_XDECREF(spans.trace);
    Py_XDECREF(spans.empty);
    return result;
}
