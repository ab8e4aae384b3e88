#ifndef TENURE_SPANS_H
#define TENURE_SPANS_H

#include "wire.h"

enum { KEY = 0x0A, EVENT = 0x5A }; /* of a KeyValue and of a span: fields with their wire types, as their tags are */
enum { LONGEST_KEY = 64 };

enum { TIMES = 3 };

typedef struct {
    Piece text;
    int time; /* which time's it is, or -1: it goes into the shape */
} Key;

/* The keys that mean something, by their lengths. */
typedef struct {
    PyObject *of_shapes; /* the tuples of bytes in which they stand */
    PyObject *of_times;
    Key *keys;
    Py_ssize_t first[LONGEST_KEY + 2]; /* of each length the first key; behind the last of them the next length's */
} Wanted;

typedef struct {
    State *state;
    const Wanted *wanted;
    PyObject *error_of;
    PyObject *shapes; /* bytes -> the same bytes: of one shape there is one object, which has its hash at hand */
    PyObject *trace;  /* of the span before, or NULL */
    PyObject *no_bytes;
    double times[TIMES]; /* of the span that is read, -1 where it does not tell */
    uint8_t *shape; /* of the span that is read, `shape_size` of it written, `shape_room` allocated */
    Py_ssize_t shape_size;
    Py_ssize_t shape_room;
} Spans;

/* wanted.c. See prepare in module.c; the capsule's content has this name. */
#define WANTED "tenure_server.ingest.otlp._scan.wanted"
PyObject *prepare_wanted(PyObject *module, PyObject *args);

/* wanted.c. Whether an attribute goes into the shape; a time is noted. -1: it is no attribute. */
int is_of_shape(Spans *spans, Piece attribute);

/* values.c. Parts of a span's tuple, as otlp.spans has them: new references, or NULL and an exception. */
int add_to_shape(Spans *spans, const uint8_t *from, const uint8_t *to);
PyObject *the_shape(Spans *spans);
PyObject *the_trace(Spans *spans, Piece piece);
PyObject *the_id(Piece piece);
PyObject *the_parent(Piece piece);
PyObject *the_times(Spans *spans);
PyObject *the_error(Spans *spans, Piece span, Piece status);

/* spans.c. See scan in module.c. */
PyObject *scan_spans(PyObject *module, PyObject *args);

#endif
