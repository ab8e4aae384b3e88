/* The parts of a span as Python objects; spans.h describes the whole. */

#include "spans.h"

#include <stdlib.h>
#include <string.h>

int
add_to_shape(Spans *spans, const uint8_t *from, const uint8_t *to)
{
    Py_ssize_t size = to - from;
    if (size > spans->shape_capacity - spans->shape_size) {
        Py_ssize_t capacity = 2 * (spans->shape_size + size);
        uint8_t *larger = realloc(spans->shape, (size_t)capacity);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        spans->shape = larger;
        spans->shape_capacity = capacity;
    }
    memcpy(spans->shape + spans->shape_size, from, (size_t)size);
    spans->shape_size += size;
    return 0;
}

/* The shape as bytes; equal shapes of one message are the same object. */
PyObject *
shape_bytes(Spans *spans)
{
    PyObject *shape = PyBytes_FromStringAndSize((const char *)spans->shape, spans->shape_size);
    if (shape == NULL) {
        return NULL;
    }
    PyObject *known = PyDict_GetItemWithError(spans->shapes, shape);
    if (known == NULL) {
        if (PyErr_Occurred() || PyDict_SetItem(spans->shapes, shape, shape) < 0) {
            Py_DECREF(shape);
            return NULL;
        }
        return shape;
    }
    Py_INCREF(known);
    Py_DECREF(shape);
    return known;
}

/* Sixteen bytes; empty if the piece is not a trace id. Consecutive spans of one trace share the object. */
PyObject *
trace_bytes(Spans *spans, Piece piece)
{
    static const uint8_t zeros[16];
    if (piece.size != 16 || memcmp(piece.at, zeros, 16) == 0) {
        Py_INCREF(spans->empty);
        return spans->empty;
    }
    if (spans->trace == NULL || memcmp(PyBytes_AsString(spans->trace), piece.at, 16) != 0) {
        PyObject *trace = PyBytes_FromStringAndSize((const char *)piece.at, 16);
        if (trace == NULL) {
            return NULL;
        }
        Py_XDECREF(spans->trace);
        spans->trace = trace;
    }
    Py_INCREF(spans->trace);
    return spans->trace;
}

/* A span id as a signed integer; 0 if the piece is not a span id. */
PyObject *
span_id(Piece piece)
{
    uint64_t number = 0;
    for (int n = 0; piece.size == 8 && n < 8; n++) {
        number = number << 8 | piece.at[n];
    }
    int64_t with_sign;
    memcpy(&with_sign, &number, 8);
    return PyLong_FromLongLong(with_sign);
}

PyObject *
parent_id(Piece piece)
{
    if (piece.size != 0 && piece.size != 8) {
        Py_RETURN_NONE;
    }
    return span_id(piece);
}

/* The three times in seconds; None if the span has none of them. */
PyObject *
times_tuple(Spans *spans)
{
    const double *times = spans->times;
    if (times[0] < 0 && times[1] < 0 && times[2] < 0) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("(ddd)", times[0], times[1], times[2]);
}

/* The error of a span that has a status: Python finds it, because few spans have one. */
PyObject *
span_error(Spans *spans, Piece span, Piece status)
{
    if (status.size == 0) {
        Py_RETURN_NONE;
    }
    PyObject *error = NULL;
    PyObject *status_bytes = PyBytes_FromStringAndSize((const char *)status.at, status.size);
    PyObject *events = PyList_New(0);
    if (status_bytes == NULL || events == NULL) {
        goto end;
    }
    Reader reader = {spans->state, span.at, span.at + span.size};
    while (reader.at < reader.end) {
        uint64_t tag;
        Piece event;
        if (read_varint(&reader, &tag) < 0) {
            goto end;
        }
        if (tag != EVENT) {
            if (skip_field(&reader, tag) < 0) {
                goto end;
            }
            continue;
        }
        if (read_piece(&reader, &event) < 0) {
            goto end;
        }
        if (PyList_Size(events) >= spans->state->max_events) {
            PyObject *error_args =
                PyObject_CallFunction(spans->state->too_many, "ns", spans->state->max_events, "events in one span");
            if (error_args != NULL) {
                PyErr_SetObject(spans->state->too_many, error_args);
                Py_DECREF(error_args);
            }
            goto end;
        }
        PyObject *event_bytes = PyBytes_FromStringAndSize((const char *)event.at, event.size);
        int added = event_bytes == NULL ? -1 : PyList_Append(events, event_bytes);
        Py_XDECREF(event_bytes);
        if (added < 0) {
            goto end;
        }
    }
    error = PyObject_CallFunctionObjArgs(spans->error_of, status_bytes, events, NULL);
end:
    Py_XDECREF(status_bytes);
    Py_XDECREF(events);
    return error;
}
