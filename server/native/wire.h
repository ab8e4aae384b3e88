/* The part of Protocol Buffers' wire format that OTLP uses (https://protobuf.dev/programming-guides/encoding/). */

#ifndef TENURE_WIRE_H
#define TENURE_WIRE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

enum { VARINT, FIXED_64, LENGTH, FIXED_32 = 5 };

typedef struct {
    PyObject *malformed; /* exceptions of otlp.spans */
    PyObject *too_many;
    Py_ssize_t max_events; /* of a span with a status: limits.MAX_EVENTS */
} State;

typedef struct {
    const uint8_t *at;
    Py_ssize_t size;
} Piece;

typedef struct {
    State *state;
    const uint8_t *at;
    const uint8_t *end;
} Reader;

/* Each function reads the next item and returns 0; or it sets MalformedRequest and returns -1. */

static inline int
malformed(State *state, const char *problem)
{
    PyErr_SetString(state->malformed, problem);
    return -1;
}

static inline int
truncated(State *state)
{
    return malformed(state, "it ends within a field");
}

static inline int
read_varint(Reader *reader, uint64_t *number)
{
    *number = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (reader->at >= reader->end) {
            return truncated(reader->state);
        }
        uint8_t byte = *reader->at++;
        *number |= shift < 64 ? (uint64_t)(byte & 0x7F) << shift : 0;
        if (byte < 0x80) {
            return 0;
        }
    }
    return malformed(reader->state, "an integer has no end");
}

static inline int
read_piece(Reader *reader, Piece *piece)
{
    uint64_t length;
    if (read_varint(reader, &length) < 0) {
        return -1;
    }
    if (length > (uint64_t)(reader->end - reader->at)) {
        return truncated(reader->state);
    }
    piece->at = reader->at;
    piece->size = (Py_ssize_t)length;
    reader->at += length;
    return 0;
}

static inline int
read_fixed_64(Reader *reader, uint64_t *number)
{
    if (reader->end - reader->at < 8) {
        return truncated(reader->state);
    }
    *number = 0;
    for (int n = 7; n >= 0; n--) {
        *number = *number << 8 | reader->at[n];
    }
    reader->at += 8;
    return 0;
}

static inline int
skip_field(Reader *reader, uint64_t tag)
{
    uint64_t number;
    Piece piece;
    switch (tag & 7) {
    case VARINT:
        return read_varint(reader, &number);
    case FIXED_64:
        return read_fixed_64(reader, &number);
    case LENGTH:
        return read_piece(reader, &piece);
    case FIXED_32:
        if (reader->end - reader->at < 4) {
            return truncated(reader->state);
        }
        reader->at += 4;
        return 0;
    default:
        PyErr_Format(reader->state->malformed, "a field of wire type %d", (int)(tag & 7));
        return -1;
    }
}

#endif
