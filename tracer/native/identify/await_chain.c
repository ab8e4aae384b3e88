/* The chain of awaits of a task that does not run: from its coroutine through what each level awaits, to the future.
 *
 * No code of the program runs: only the interpreter's own coroutines and generators, and C types, are asked. References
 * are held only within one hold of the GIL. tenure._identify.await_chain does the same in Python. */

#include "await_chain.h"

#include "../callbacks.h"
#include "frame_locals.h"
#include "plain_attribute.h"

#include <string.h>

enum { CORO_FRAME, CORO_AWAIT, GEN_FRAME, GEN_AWAIT, AGEN_FRAME, AGEN_AWAIT, NAMES };

static PyObject *names[NAMES];

bool await_chain_prepare(void)
{
    static const char *const texts[NAMES] = {"cr_frame", "cr_await", "gi_frame", "gi_yieldfrom", "ag_frame", "ag_await"};
    for (size_t at = 0; at < NAMES; at++) {
        if (names[at] == NULL && (names[at] = PyUnicode_InternFromString(texts[at])) == NULL) {
            return false;
        }
    }
    return true;
}

/* What an object between two levels passes its await on to: C types whose attributes do not say it. */
static bool passes_on(PyTypeObject *type)
{
    static const char *const types[] = {"coroutine_wrapper", "async_generator_asend", "async_generator_athrow",
                                        "anext_awaitable", "tenure._probe.Driver"};
    for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
        if (strcmp(type->tp_name, types[at]) == 0) {
            return type->tp_traverse != NULL;
        }
    }
    return false;
}

static bool is_level(PyObject *object)
{
    return PyCoro_CheckExact(object) || PyGen_CheckExact(object) || PyAsyncGen_CheckExact(object);
}

static int note_link(PyObject *object, void *link)
{
    if (*(PyObject **)link == NULL && (is_level(object) || passes_on(Py_TYPE(object)))) {
        *(PyObject **)link = Py_NewRef(object);
    }
    return 0;
}

/* What an object awaits, a new reference; NULL: nothing, or it does not say. `frame` is set where it has one. */
static PyObject *step(PyObject *object, PyFrameObject **frame)
{
    int kind = PyCoro_CheckExact(object)       ? CORO_FRAME
               : PyGen_CheckExact(object)      ? GEN_FRAME
               : PyAsyncGen_CheckExact(object) ? AGEN_FRAME
                                               : NAMES;
    PyObject *link = NULL;
    if (kind < NAMES) {
        PyObject *own = PyObject_GenericGetAttr(object, names[kind]);
        link = PyObject_GenericGetAttr(object, names[kind + 1]);
        PyErr_Clear();
        if (own != NULL && PyFrame_Check(own)) {
            *frame = (PyFrameObject *)own;
        }
        else {
            Py_XDECREF(own);
        }
    }
    else if (passes_on(Py_TYPE(object))) {
        Py_TYPE(object)->tp_traverse(object, note_link, &link);
    }
    else { /* Cython's coroutines */
        link = plain_attribute(object, names[CORO_AWAIT]);
    }
    if (link == Py_None) {
        Py_CLEAR(link);
    }
    return link;
}

static void note_details(Chain *chain, PyFrameObject *frame, PyCodeObject *code)
{
    static const char *const delays[] = {"delay", "seconds", NULL}, *const timed[] = {"fut", NULL};
    PyObject *self = frame_argument(frame, code);
    if (self != NULL && callbacks.resource_by_address != NULL) {
        PyObject *address = PyLong_FromVoidPtr(self);
        PyObject *entry = address == NULL ? NULL : PyDict_GetItemWithError(callbacks.resource_by_address, address);
        if (entry != NULL && PyTuple_Check(entry) && PyTuple_GET_SIZE(entry) == 2) {
            chain->resource = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(entry, 0));
            chain->resource_level = chain->depth;
        }
        Py_XDECREF(address);
    }
    Py_XDECREF(self);
    if (PyUnicode_CompareWithASCIIString(code->co_name, "sleep") == 0) {
        PyObject *delay = frame_local(frame, code, delays);
        if (delay != NULL && (PyFloat_CheckExact(delay) || PyLong_CheckExact(delay))) {
            Py_XSETREF(chain->delay, Py_NewRef(delay));
        }
        Py_XDECREF(delay);
    }
    bool is_timed = PyUnicode_CompareWithASCIIString(code->co_name, "wait_for") == 0;
    Py_XSETREF(chain->timed, is_timed ? frame_local(frame, code, timed) : NULL);
    PyErr_Clear();
}

static void add_level(Chain *chain, PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    int offset = PyFrame_GetLasti(frame);
    note_details(chain, frame, code);
    chain->code[chain->depth] = code;
    chain->offset[chain->depth++] = offset;
    uint64_t mixed = (chain->shape ^ (uint64_t)(uintptr_t)code) * 0x9E3779B97F4A7C15u + (uint64_t)(int64_t)offset;
    chain->shape = (mixed ^ mixed >> 29) * 0xD6E8FEB86659FD93u;
}

void await_chain_walk(PyObject *coroutine, PyObject *future, Chain *chain)
{
    chain->depth = 0;
    chain->shape = 0;
    chain->resource_level = -1;
    chain->resource = 0;
    chain->delay = NULL;
    chain->timed = NULL;
    PyObject *current = Py_NewRef(coroutine);
    bool has_frame = true;
    for (int links = 0; chain->depth < MAX_LEVELS && links < 2 * MAX_LEVELS; links++) {
        PyFrameObject *frame = NULL;
        PyObject *next = step(current, &frame);
        has_frame = frame != NULL || passes_on(Py_TYPE(current));
        if (frame != NULL) {
            add_level(chain, frame);
            Py_DECREF((PyObject *)frame);
        }
        if (next == NULL) {
            break;
        }
        Py_SETREF(current, next);
    }
    bool is_future = has_frame || strstr(Py_TYPE(current)->tp_name, "FutureIter") != NULL;
    PyObject *awaited = chain->timed != NULL ? chain->timed : future;
    chain->tail = is_future ? Py_NewRef(awaited) : Py_NewRef(current);
    Py_DECREF(current);
}

void await_chain_release(Chain *chain)
{
    for (int at = 0; at < chain->depth; at++) {
        Py_DECREF((PyObject *)chain->code[at]);
    }
    Py_CLEAR(chain->delay);
    Py_CLEAR(chain->timed);
    Py_CLEAR(chain->tail);
}
