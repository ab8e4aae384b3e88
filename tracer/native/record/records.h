/* What the drain knows of the buffer. */

#ifndef TENURE_RECORDS_H
#define TENURE_RECORDS_H

#include "probe.h"

enum { IN_CHUNK = 1023 };

typedef struct Chunk {
    struct Chunk *next;
    size_t used;
    Stamps stamps[IN_CHUNK];
} Chunk;

/* A handle as it was at one moment: while lists are made the garbage collector may run, and with it the program. */
typedef struct {
    Handle *handle;
    Stamps stamps;
    PyObject *body, *raised;
} Seen;

/* Every handle that changed since the last drain, taken out of the way of the program; NULL without memory. */
Seen *records_see(size_t *count);
Chunk *records_take(size_t *count); /* all chunks, and how many records are in them; nothing waits any more */
void records_free(Chunk *chunk);    /* one that was taken */
void records_lose(size_t count);

#endif
