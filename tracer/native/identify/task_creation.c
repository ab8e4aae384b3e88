/* Tasks that are created by calling asyncio.Task itself: its initialiser is replaced by one that calls back into Python
 * before and after. Subclasses that were defined before keep the original initialiser; their tasks are noted when a
 * loop creates them. */

#include "task_creation.h"

#include "../errors.h"

#include <stdbool.h>

static PyTypeObject *watched; /* Task while it is watched, else NULL */
static initproc original;
static PyObject *creating; /* (coroutine) -> whether `created` is to be called */
static PyObject *created;  /* (task or None, coroutine) */

static PyObject *coroutine_of(PyObject *arguments, PyObject *named)
{
    if (PyTuple_GET_SIZE(arguments) > 0) {
        return Py_NewRef(PyTuple_GET_ITEM(arguments, 0));
    }
    PyObject *name = named == NULL ? NULL : PyUnicode_InternFromString("coro");
    PyObject *argument = name == NULL ? NULL : PyDict_GetItemWithError(named, name);
    Py_XDECREF(name);
    PyErr_Clear();
    return Py_XNewRef(argument);
}

static bool wants_created(PyObject *coroutine)
{
    PyObject *callback = Py_NewRef(creating);
    PyObject *answer = PyObject_CallOneArg(callback, coroutine);
    Py_DECREF(callback);
    bool is_wanted = answer == Py_True;
    Py_XDECREF(answer);
    return is_wanted;
}

static int initialise(PyObject *task, PyObject *arguments, PyObject *named)
{
    initproc initialiser = original;
    PyObject *coroutine = NULL, *on_created = NULL;
    /* Until 3.11 all interpreters share the type; the callbacks belong to the main one. */
    if (creating != NULL && PyInterpreterState_Get() == PyInterpreterState_Main()) {
        coroutine = coroutine_of(arguments, named);
    }
    if (coroutine != NULL) {
        on_created = wants_created(coroutine) ? Py_NewRef(created) : NULL;
        fault("noting who creates a task");
    }
    int failed = PyErr_Occurred() ? -1 : initialiser(task, arguments, named);
    if (on_created != NULL) {
        PyObject *error = take_exception();
        PyObject *none = PyObject_CallFunctionObjArgs(on_created, failed < 0 ? Py_None : task, coroutine, NULL);
        fault("noting the creation of a task");
        Py_XDECREF(none);
        if (PyErr_Occurred()) { /* an interrupt of the program, raised by the callback */
            failed = -1;
            Py_XDECREF(error);
        } else if (error != NULL) {
            restore_exception(error);
        }
    }
    Py_XDECREF(on_created);
    Py_XDECREF(coroutine);
    return failed;
}

void task_creation_restore(void)
{
    if (watched != NULL && watched->tp_init == initialise) {
        watched->tp_init = original;
    }
    Py_CLEAR(watched);
    Py_CLEAR(creating);
    Py_CLEAR(created);
}

PyObject *task_creation_watch(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 3 || !PyType_Check(arguments[0])) {
        return PyErr_Format(PyExc_TypeError, "watch_tasks() takes Task and what is to be called before and after");
    }
    task_creation_restore();
    watched = (PyTypeObject *)Py_NewRef(arguments[0]);
    if (watched->tp_init != initialise) {
        original = watched->tp_init;
        watched->tp_init = initialise;
    }
    creating = Py_NewRef(arguments[1]);
    created = Py_NewRef(arguments[2]);
    Py_RETURN_NONE;
}

PyObject *task_creation_unwatch(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    task_creation_restore();
    Py_RETURN_NONE;
}
