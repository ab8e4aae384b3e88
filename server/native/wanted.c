/* Which attributes mean something: those of a few keys. */

#include "spans.h"

#include <string.h>

int
sort_wanted(PyObject *keys, Piece *sorted, Wanted *wanted)
{
    Py_ssize_t count = PyTuple_Size(keys), next = 0;
    wanted->keys = sorted;
    for (Py_ssize_t size = 0; size <= LONGEST_KEY; size++) {
        wanted->first[size] = next;
        for (Py_ssize_t n = 0; n < count; n++) {
            char *at;
            Py_ssize_t length;
            if (PyBytes_AsStringAndSize(PyTuple_GetItem(keys, n), &at, &length) < 0) {
                return -1;
            }
            if (length == size) {
                sorted[next++] = (Piece){(const uint8_t *)at, length};
            }
        }
    }
    wanted->first[LONGEST_KEY + 1] = next;
    if (next != count) {
        PyErr_Format(PyExc_ValueError, "a wanted key is longer than %d bytes", LONGEST_KEY);
        return -1;
    }
    return 0;
}

static int
is_wanted_key(const Wanted *wanted, const uint8_t *key, Py_ssize_t size)
{
    if (size > LONGEST_KEY) {
        return 0;
    }
    for (Py_ssize_t n = wanted->first[size]; n < wanted->first[size + 1]; n++) {
        if (memcmp(wanted->keys[n].at, key, (size_t)size) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Nearly every attribute begins with a short key. */
int
is_wanted(Spans *spans, Piece attribute)
{
    const uint8_t *at = attribute.at;
    if (2 < attribute.size && attribute.size < 0x80 && at[0] == KEY && at[1] <= attribute.size - 2) {
        return is_wanted_key(spans->wanted, at + 2, at[1]);
    }
    Reader reader = {spans->state, at, at + attribute.size};
    int found = 0;
    while (reader.at < reader.end) {
        uint64_t tag;
        Piece key;
        if (read_varint(&reader, &tag) < 0) {
            return -1;
        }
        if (tag >> 3 != KEY >> 3 || (tag & 7) != LENGTH) {
            if (step_over(&reader, tag) < 0) {
                return -1;
            }
        }
        else if (read_piece(&reader, &key) < 0) {
            return -1;
        }
        else if (is_wanted_key(spans->wanted, key.at, key.size)) {
            found = 1;
        }
    }
    return found;
}
