#ifndef TENURE_SPANS_H
#define TENURE_SPANS_H

#include "wire.h"

enum { KEY = 0x0A, EVENT = 0x5A }; /* of a KeyValue and of a span: fields with their wire types, as their tags are */
enum { LONGEST_KEY = 64 };

/* The keys that mean something, by their lengths. */
typedef struct {
    const Piece *keys;
    Py_ssize_t first[LONGEST_KEY + 2]; /* of each length the first key; behind the last of them the next length's */
} Wanted;

typedef struct {
    State *state;
    const Wanted *wanted;
    PyObject *error_of;
    PyObject *shapes; /* bytes -> the same bytes: of one shape there is one object, which has its hash at hand */
    PyObject *trace;  /* of the span before, or NULL */
    PyObject *no_bytes;
    uint8_t *shape; /* of the span that is read, `shape_size` of it written, `shape_room` allocated */
    Py_ssize_t shape_size;
    Py_ssize_t shape_room;
} Spans;

/* wanted.c. Sorts the keys of a tuple of bytes into `sorted`; they stay alive as long as the tuple. -1: an exception. */
int sort_wanted(PyObject *keys, Piece *sorted, Wanted *wanted);

/* wanted.c. Whether an attribute means something; -1 where it is none. */
int is_wanted(Spans *spans, Piece attribute);

/* values.c. Parts of a span's tuple, as otlp.spans has them: new references, or NULL and an exception. */
int add_to_shape(Spans *spans, const uint8_t *from, const uint8_t *to);
PyObject *the_shape(Spans *spans);
PyObject *the_trace(Spans *spans, Piece piece);
PyObject *the_id(Piece piece);
PyObject *the_parent(Piece piece);
PyObject *the_error(Spans *spans, Piece span, Piece status);

/* spans.c. See scan in module.c. */
PyObject *scan_spans(PyObject *module, PyObject *args);

#endif
