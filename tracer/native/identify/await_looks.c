/* Looks at tasks that do not run, under one hold of the GIL. A task that waits for the same future as at the last look
 * has not moved. Futures and tasks are known by weak references: an address may be another one's by now.
 *
 * The garbage collector is off meanwhile: it would run finalizers, and with them the program. */

#include "await_looks.h"

#include "await_chain.h"
#include "plain_attribute.h"

/* A row is a list; tenure._identify.await_chain has the same places. */
enum { TASK, FUTURE, IS_REPORTED, SINCE, ROW };

static PyObject *waiter_name, *coroutine_name;

static PyObject *referent(PyObject *reference)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *object = NULL;
    if (PyWeakref_GetRef(reference, &object) < 0) {
        PyErr_Clear();
    }
    return object;
#else
    PyObject *object = PyWeakref_GET_OBJECT(reference);
    return object == Py_None ? NULL : Py_NewRef(object);
#endif
}

static void set(PyObject *row, Py_ssize_t at, PyObject *value)
{
    PyList_SetItem(row, at, Py_NewRef(value));
}

static PyObject *levels_of(const Chain *chain)
{
    PyObject *levels = PyTuple_New(chain->depth);
    for (int at = 0; levels != NULL && at < chain->depth; at++) {
        PyObject *level = Py_BuildValue("(Oi)", chain->code[at], chain->offset[at]);
        if (level == NULL) {
            Py_CLEAR(levels);
            break;
        }
        PyTuple_SET_ITEM(levels, at, level);
    }
    return levels;
}

/* (row, shape, levels or None, level of the resource, resource, delay or None, type of the tail, its address) */
static PyObject *standing(PyObject *row, PyObject *coroutine, PyObject *future, PyObject *shapes)
{
    Chain chain;
    await_chain_walk(coroutine, future, &chain);
    PyObject *event = NULL;
    PyObject *shape = PyLong_FromUnsignedLongLong(chain.shape);
    if (shape != NULL) {
        int is_known = PyDict_Contains(shapes, shape);
        PyObject *levels = is_known == 0 ? levels_of(&chain) : Py_NewRef(Py_None);
        if (levels != NULL) {
            event = Py_BuildValue("(OONiKOON)", row, shape, levels, chain.resource_level, chain.resource,
                                  chain.delay == NULL ? Py_None : chain.delay, Py_TYPE(chain.tail),
                                  PyLong_FromVoidPtr(chain.tail));
        }
        Py_DECREF(shape);
    }
    await_chain_release(&chain);
    return event;
}

static int append(PyObject *events, PyObject *event)
{
    int failed = event == NULL ? -1 : PyList_Append(events, event);
    Py_XDECREF(event);
    return failed;
}

static int look(PyObject *row, PyObject *now, PyObject *shapes, PyObject *events)
{
    PyObject *task = referent(PyList_GET_ITEM(row, TASK));
    if (task == NULL) {
        return 0;
    }
    int failed = 0;
    PyObject *future = plain_attribute(task, waiter_name);
    PyObject *before = PyList_GET_ITEM(row, FUTURE), *seen = before == Py_None ? NULL : referent(before);
    bool is_waiting = future != NULL && future != Py_None, is_reported = PyList_GET_ITEM(row, IS_REPORTED) == Py_True;
    if (is_waiting && seen == future) {
        PyObject *coroutine = is_reported ? NULL : plain_attribute(task, coroutine_name);
        if (coroutine != NULL) {
            set(row, IS_REPORTED, Py_True);
            failed = append(events, standing(row, coroutine, future, shapes));
            Py_DECREF(coroutine);
        }
    }
    else if (is_waiting || before != Py_None) {
        PyObject *reference = is_waiting ? PyWeakref_NewRef(future, NULL) : NULL;
        PyErr_Clear(); /* a future that cannot be referred to weakly is never known again */
        set(row, FUTURE, reference == NULL ? Py_None : reference);
        Py_XDECREF(reference);
        set(row, SINCE, now);
        if (is_reported) {
            set(row, IS_REPORTED, Py_False);
            failed = append(events, PyTuple_Pack(1, row));
        }
    }
    Py_XDECREF(seen);
    Py_XDECREF(future);
    Py_DECREF(task);
    return failed;
}

static bool is_row(PyObject *row)
{
    return PyList_CheckExact(row) && PyList_GET_SIZE(row) >= ROW && PyWeakref_CheckRef(PyList_GET_ITEM(row, TASK)) &&
           (PyList_GET_ITEM(row, FUTURE) == Py_None || PyWeakref_CheckRef(PyList_GET_ITEM(row, FUTURE)));
}

static bool prepare(void)
{
    if (waiter_name == NULL) {
        waiter_name = PyUnicode_InternFromString("_fut_waiter");
    }
    if (coroutine_name == NULL) {
        coroutine_name = PyUnicode_InternFromString("_coro");
    }
    return waiter_name != NULL && coroutine_name != NULL && await_chain_prepare();
}

PyObject *await_looks(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 3 || !PyList_CheckExact(arguments[0]) || !PyDict_CheckExact(arguments[2])) {
        return PyErr_Format(PyExc_TypeError, "look() takes a list of rows, the time and a dict of shapes");
    }
    PyObject *events = prepare() ? PyList_New(0) : NULL;
    if (events == NULL) {
        return NULL;
    }
    int collects = PyGC_Disable();
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(arguments[0]); at++) {
        PyObject *row = PyList_GET_ITEM(arguments[0], at);
        if (!is_row(row) || look(row, arguments[1], arguments[2], events) < 0) {
            Py_CLEAR(events);
            break;
        }
    }
    if (collects) {
        PyGC_Enable();
    }
    if (events == NULL && !PyErr_Occurred()) {
        return PyErr_Format(PyExc_TypeError, "a row is a list of a weak reference, another one or None, a bool, an int");
    }
    return events;
}
