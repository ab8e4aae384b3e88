/* Reads the spans of a ScopeSpans message in one pass over its bytes, as tenure_server.ingest.otlp.scan_pure does in
   Python. That module is the reference: tests compare the two.

   A span becomes a tuple, see otlp.spans. Its shape, the bytes of its name, kind and meaningful attributes, is not
   decoded here: many spans have the same one, and Python decodes it once.

   wire.h    reads fields of Protocol Buffers
   wanted.c  finds the attributes that have a meaning
   values.c  makes the parts of a span's tuple
   spans.c   reads spans and messages
   module.c  the Python module */

#ifndef TENURE_SPANS_H
#define TENURE_SPANS_H

#include "wire.h"

/* Tags, that is field number and wire type: of a KeyValue, and of a span. */
enum { KEY = 0x0A, EVENT = 0x5A };

enum { LONGEST_KEY = 64 };

enum { TIMES = 3 };

typedef struct {
    Piece text;
    int time; /* the index of a time, or -1: the attribute belongs to the shape */
} Key;

/* The keys that have a meaning, sorted by their lengths. */
typedef struct {
    PyObject *of_shapes; /* tuples of bytes; the keys point into them */
    PyObject *of_times;
    Key *keys;
    Py_ssize_t first[LONGEST_KEY + 2]; /* the index of the first key of each length; the next entry ends that length */
} Wanted;

typedef struct {
    State *state;
    const Wanted *wanted;
    PyObject *error_of;
    PyObject *shapes; /* bytes -> the same bytes: equal shapes are one object, whose hash is computed once */
    PyObject *trace;  /* of the previous span, or NULL */
    PyObject *empty;
    double times[TIMES]; /* of the current span, -1: it does not have this time */
    uint8_t *shape;      /* of the current span: `shape_size` bytes are written, `shape_capacity` are allocated */
    Py_ssize_t shape_size;
    Py_ssize_t shape_capacity;
} Spans;

/* wanted.c. `prepare` of the module; it answers a capsule of this name. */
#define WANTED "tenure_server.ingest.otlp._scan.wanted"
PyObject *prepare_wanted(PyObject *module, PyObject *args);

/* wanted.c. Whether the attribute belongs to the shape; a time is set in `times`. -1: an exception is set. */
int is_shape_attribute(Spans *spans, Piece attribute);

/* values.c. The parts of a span's tuple, see otlp.spans: new references, or NULL with an exception. */
int add_to_shape(Spans *spans, const uint8_t *from, const uint8_t *to);
PyObject *shape_bytes(Spans *spans);
PyObject *trace_bytes(Spans *spans, Piece piece);
PyObject *span_id(Piece piece);
PyObject *parent_id(Piece piece);
PyObject *times_tuple(Spans *spans);
PyObject *span_error(Spans *spans, Piece span, Piece status);

/* spans.c. `scan` of the module. */
PyObject *scan_spans(PyObject *module, PyObject *args);

#endif
