/* Finds the attributes that have a meaning, by their keys; spans.h describes the whole. */

#include "spans.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE = 0x12, DOUBLE = 0x21 }; /* tags of a KeyValue, and of its AnyValue */

static void
free_wanted(PyObject *capsule)
{
    Wanted *wanted = PyCapsule_GetPointer(capsule, WANTED);
    Py_DECREF(wanted->of_shapes);
    Py_DECREF(wanted->of_times);
    free(wanted->keys);
    free(wanted);
}

/* Sorts the keys by their lengths; -1: a key is not bytes, or is too long. */
static int
sort_keys(Wanted *wanted)
{
    Py_ssize_t shapes = PyTuple_Size(wanted->of_shapes), count = shapes + TIMES, next = 0;
    for (Py_ssize_t size = 0; size <= LONGEST_KEY; size++) {
        wanted->first[size] = next;
        for (Py_ssize_t n = 0; n < count; n++) {
            PyObject *key =
                n < shapes ? PyTuple_GetItem(wanted->of_shapes, n) : PyTuple_GetItem(wanted->of_times, n - shapes);
            char *at;
            Py_ssize_t length;
            if (key == NULL || PyBytes_AsStringAndSize(key, &at, &length) < 0) {
                return -1;
            }
            if (length == size) {
                wanted->keys[next++] = (Key){{(const uint8_t *)at, length}, n < shapes ? -1 : (int)(n - shapes)};
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

PyObject *
prepare_wanted(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *of_shapes, *of_times;
    if (!PyArg_ParseTuple(args, "O!O!:prepare", &PyTuple_Type, &of_shapes, &PyTuple_Type, &of_times)) {
        return NULL;
    }
    Wanted *wanted = calloc(1, sizeof(Wanted));
    Key *keys = calloc((size_t)(PyTuple_Size(of_shapes) + TIMES), sizeof(Key));
    PyObject *capsule = wanted == NULL || keys == NULL ? PyErr_NoMemory() : PyCapsule_New(wanted, WANTED, free_wanted);
    if (capsule == NULL) {
        free(wanted);
        free(keys);
        return NULL;
    }
    Py_INCREF(of_shapes);
    Py_INCREF(of_times);
    *wanted = (Wanted){.of_shapes = of_shapes, .of_times = of_times, .keys = keys};
    if (sort_keys(wanted) < 0) {
        Py_DECREF(capsule);
        return NULL;
    }
    return capsule;
}

static const Key *
find_key(const Wanted *wanted, const uint8_t *text, Py_ssize_t size)
{
    if (size > LONGEST_KEY) {
        return NULL;
    }
    for (Py_ssize_t n = wanted->first[size]; n < wanted->first[size + 1]; n++) {
        if (memcmp(wanted->keys[n].text.at, text, (size_t)size) == 0) {
            return &wanted->keys[n];
        }
    }
    return NULL;
}

/* Reads the double of an AnyValue; another value leaves the time as it is. */
static int
read_time(Reader reader, double *time)
{
    while (reader.at < reader.end) {
        uint64_t tag, bits;
        if (read_varint(&reader, &tag) < 0) {
            return -1;
        }
        if (tag != DOUBLE) {
            if (skip_field(&reader, tag) < 0) {
                return -1;
            }
            continue;
        }
        if (read_fixed_64(&reader, &bits) < 0) {
            return -1;
        }
        memcpy(time, &bits, sizeof bits);
    }
    return 0;
}

/* Reads all fields of an attribute. Of several keys and values the last count; a key without meaning is ignored. */
static int
read_attribute(Spans *spans, Piece attribute, const Key **key)
{
    Reader reader = {spans->state, attribute.at, attribute.at + attribute.size};
    Piece value = {attribute.at, 0};
    while (reader.at < reader.end) {
        uint64_t tag;
        Piece piece;
        if (read_varint(&reader, &tag) < 0) {
            return -1;
        }
        if (tag != KEY && tag != VALUE) {
            if (skip_field(&reader, tag) < 0) {
                return -1;
            }
            continue;
        }
        if (read_piece(&reader, &piece) < 0) {
            return -1;
        }
        if (tag == VALUE) {
            value = piece;
        }
        else if (find_key(spans->wanted, piece.at, piece.size) != NULL) {
            *key = find_key(spans->wanted, piece.at, piece.size);
        }
    }
    if (*key == NULL || (*key)->time < 0) {
        return 0;
    }
    return read_time((Reader){spans->state, value.at, value.at + value.size}, &spans->times[(*key)->time]);
}

/* Nearly every attribute begins with a short key: then one comparison is enough. */
int
is_shape_attribute(Spans *spans, Piece attribute)
{
    const uint8_t *at = attribute.at;
    const Key *key = NULL;
    if (2 < attribute.size && attribute.size < 0x80 && at[0] == KEY && at[1] <= attribute.size - 2) {
        key = find_key(spans->wanted, at + 2, at[1]);
        if (key == NULL || key->time < 0) {
            return key != NULL;
        }
    }
    if (read_attribute(spans, attribute, &key) < 0) {
        return -1;
    }
    return key != NULL && key->time < 0;
}
