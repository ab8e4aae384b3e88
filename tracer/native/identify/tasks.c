/* The running task. tenure._identify.tasks numbers each task and adds it here by its address, until the task is gone.
 * The hot path then needs only the running task's address, and no call into Python. The task is looked up at every
 * entry: neither the context nor the function determines it (contexts are shared, several tasks may advance one
 * generator). */

#include "tasks.h"

#include "../address_map.h"
#include "../callbacks.h"
#include "../errors.h"

static Map task_ids; /* (address of the task, 0) to its id */

#if PY_VERSION_HEX < 0x030C0000

/* Until 3.11 asyncio.current_task() asks the operating system for the process id at every call, to find the loop that
 * runs in this thread. asyncio keeps that loop in the dict of the thread's state. While the dict has the version at
 * which the loop was looked up (PEP 509: no other dict and no later state of this one has it), the loop is the same,
 * and the dict keeps it alive. */

static PyObject *cached_loop;   /* borrowed, see above; NULL: no loop runs */
static uint64_t cached_version; /* the dict's version; 0: nothing is cached yet */

static PyObject *running_loop(void)
{
    PyObject *state = PyThreadState_GetDict();
    if (state == NULL) {
        return NULL;
    }
    uint64_t version = ((PyDictObject *)state)->ma_version_tag;
    if (version != cached_version) {
        PyObject *loop = callbacks.running_loop == NULL ? NULL : PyObject_CallNoArgs(callbacks.running_loop);
        PyErr_Clear();
        cached_loop = loop == Py_None ? NULL : loop;
        cached_version = ((PyDictObject *)state)->ma_version_tag;
        Py_XDECREF(loop);
    }
    return cached_loop;
}

void tasks_forget_loop(void)
{
    cached_loop = NULL;
    cached_version = 0;
}

/* A new reference; NULL where no task runs. */
static PyObject *running_task(void)
{
    PyObject *loop = running_loop();
    if (loop == NULL || callbacks.current_tasks == NULL) {
        return NULL;
    }
    PyObject *task = PyDict_GetItemWithError(callbacks.current_tasks, loop);
    PyErr_Clear();
    return Py_XNewRef(task);
}

#else

static PyObject *running_task(void)
{
    PyObject *task = callbacks.current_task == NULL ? NULL : PyObject_CallNoArgs(callbacks.current_task);
    if (task == NULL) {
        PyErr_Clear(); /* no loop runs in this thread */
    }
    return task;
}

void tasks_forget_loop(void)
{
}

#endif

static uint64_t ask_python(void)
{
    PyObject *number = callbacks.find_task == NULL ? NULL : PyObject_CallNoArgs(callbacks.find_task);
    uint64_t id = number == NULL ? 0 : PyLong_AsUnsignedLongLong(number);
    Py_XDECREF(number);
    if (PyErr_Occurred()) {
        fault("finding the running task");
        return 0;
    }
    return id;
}

uint64_t task_current(void)
{
    PyObject *task = running_task();
    if (task != NULL) {
        const Slot *slot = map_find(&task_ids, (uint64_t)(uintptr_t)task, 0);
        Py_DECREF(task); /* asyncio holds it while it runs */
        if (slot != NULL) {
            return slot->value;
        }
    }
    return ask_python();
}

PyObject *tasks_current(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    uint64_t id = task_current();
    return PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(id);
}

PyObject *tasks_add(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        return PyErr_Format(PyExc_TypeError, "task_known() takes an address and an id");
    }
    uint64_t address = PyLong_AsUnsignedLongLong(arguments[0]), id = PyLong_AsUnsignedLongLong(arguments[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Slot *slot = map_add(&task_ids, address, 0);
    if (slot == NULL) {
        return PyErr_NoMemory();
    }
    slot->value = id;
    Py_RETURN_NONE;
}

PyObject *tasks_remove(PyObject *Py_UNUSED(module), PyObject *address)
{
    uint64_t value = PyLong_AsUnsignedLongLong(address);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Slot *slot = map_find(&task_ids, value, 0);
    if (slot != NULL) {
        map_remove(&task_ids, slot);
    }
    Py_RETURN_NONE;
}

PyObject *tasks_clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    map_clear(&task_ids);
    Py_RETURN_NONE;
}
