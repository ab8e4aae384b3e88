/* The buffer: open handles and closed records that no drain has seen yet. Includes layout.h. */

#ifndef TENURE_BUFFER_H
#define TENURE_BUFFER_H

#include "layout.h"

void buffer_open(Handle *handle);  /* the acquire begins: order, stamp, link */
void buffer_close(Handle *handle); /* stamped released: copy it into a chunk, or keep it for the next drain */
/* Called where the probe holds nothing: lets other threads run if too many entries wait that nobody took. */
void buffer_hand_over(void);
void buffer_clear(void);

PyObject *buffer_put(PyObject *module, PyObject *entry);
PyObject *buffer_waiting(PyObject *module, PyObject *none);
PyObject *buffer_take_lost(PyObject *module, PyObject *none);
PyObject *buffer_set_limit(PyObject *module, PyObject *number);

/* ---- what the drain takes out ---- */

enum { IN_CHUNK = 1023 };

typedef struct Chunk {
    struct Chunk *next;
    size_t used;
    Stamps stamps[IN_CHUNK];
} Chunk;

/* A handle at one moment: while lists are made, the garbage collector may run, and with it code of the program. */
typedef struct {
    Handle *handle;
    Stamps stamps;
    PyObject *body, *raised;
    uint64_t releaser;
} HandleSnapshot;

HandleSnapshot *buffer_snapshots(size_t *count); /* of each handle that changed since the last drain; NULL: no memory */
Chunk *buffer_take_chunks(size_t *count); /* all chunks, and the number of records in them; nothing waits afterwards */
void buffer_free_chunk(Chunk *chunk);     /* a chunk that was taken */
void buffer_count_lost(size_t count);

#endif
