/* Parts of a span as Python objects. */

#include "spans.h"

#include <stdlib.h>
#include <string.h>

int
add_to_shape(Spans *spans, const uint8_t *from, const uint8_t *to)
{
    Py_ssize_t size = to - from;
    if (size > spans->shape_room - spans->shape_size) {
        Py_ssize_t room = 2 * (spans->shape_size + size);
        uint8_t *larger = realloc(spans->shape, (size_t)room);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        spans->shape = larger;
        spans->shape_room = room;
    }
    memcpy(spans->shape + spans->shape_size, from, (size_t)size);
    spans->shape_size += size;
    return 0;
}

/* The shape as bytes, always the same object for the same ones. */
PyObject *
the_shape(Spans *spans)
{
    PyObject *made = PyBytes_FromStringAndSize((const char *)spans->shape, spans->shape_size);
    if (made == NULL) {
        return NULL;
    }
    PyObject *known = PyDict_GetItemWithError(spans->shapes, made);
    if (known == NULL) {
        if (PyErr_Occurred() || PyDict_SetItem(spans->shapes, made, made) < 0) {
            Py_DECREF(made);
            return NULL;
        }
        return made;
    }
    Py_INCREF(known);
    Py_DECREF(made);
    return known;
}

/* Sixteen bytes, or none where the piece is no trace id. Spans of one trace stand together, and share one object. */
PyObject *
the_trace(Spans *spans, Piece piece)
{
    static const uint8_t zeros[16];
    if (piece.size != 16 || memcmp(piece.at, zeros, 16) == 0) {
        Py_INCREF(spans->no_bytes);
        return spans->no_bytes;
    }
    if (spans->trace == NULL || memcmp(PyBytes_AsString(spans->trace), piece.at, 16) != 0) {
        PyObject *made = PyBytes_FromStringAndSize((const char *)piece.at, 16);
        if (made == NULL) {
            return NULL;
        }
        Py_XDECREF(spans->trace);
        spans->trace = made;
    }
    Py_INCREF(spans->trace);
    return spans->trace;
}

/* A span id as a signed integer, 0 where the piece is none. */
PyObject *
the_id(Piece piece)
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
the_parent(Piece piece)
{
    if (piece.size != 0 && piece.size != 8) {
        Py_RETURN_NONE;
    }
    return the_id(piece);
}

/* As floats; None where the span tells none of them. */
PyObject *
the_times(Spans *spans)
{
    const double *times = spans->times;
    if (times[0] < 0 && times[1] < 0 && times[2] < 0) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("(ddd)", times[0], times[1], times[2]);
}

/* What went wrong in a span that has a status, told by Python: few have one. */
PyObject *
the_error(Spans *spans, Piece span, Piece status)
{
    if (status.size == 0) {
        Py_RETURN_NONE;
    }
    PyObject *error = NULL;
    PyObject *told = PyBytes_FromStringAndSize((const char *)status.at, status.size);
    PyObject *events = PyList_New(0);
    if (told == NULL || events == NULL) {
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
            if (step_over(&reader, tag) < 0) {
                goto end;
            }
            continue;
        }
        if (read_piece(&reader, &event) < 0) {
            goto end;
        }
        if (PyList_Size(events) >= spans->state->max_events) {
            PyObject *why =
                PyObject_CallFunction(spans->state->too_many, "ns", spans->state->max_events, "events in one span");
            if (why != NULL) {
                PyErr_SetObject(spans->state->too_many, why);
                Py_DECREF(why);
            }
            goto end;
        }
        PyObject *one = PyBytes_FromStringAndSize((const char *)event.at, event.size);
        int added = one == NULL ? -1 : PyList_Append(events, one);
        Py_XDECREF(one);
        if (added < 0) {
            goto end;
        }
    }
    error = PyObject_CallFunctionObjArgs(spans->error_of, told, events, NULL);
end:
    Py_XDECREF(told);
    Py_XDECREF(events);
    return error;
}
