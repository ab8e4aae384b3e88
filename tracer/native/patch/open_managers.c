/* Lifecycles that a class patch saw entered and not yet left, by the manager's address and the task (0 where managers of
 * the class may be left by another one). A weak reference without a callback tells whether the manager still is the one
 * that was entered: those without a callback are shared, and cheap. */

#include "probe.h"

typedef struct Opened {
    Handle *handle;
    PyObject *manager;    /* a weak reference; NULL where its type allows none */
    struct Opened *outer; /* the same task entered the same object before */
} Opened;

static Map opened;
static size_t sweep_at = 1000;

static void let_go(Opened *entry)
{
    Py_DECREF(entry->handle);
    Py_XDECREF(entry->manager);
    PyMem_Free(entry);
}

static void let_go_of_all(Opened *entry)
{
    while (entry != NULL) {
        Opened *outer = entry->outer;
        let_go(entry);
        entry = outer;
    }
}

bool reference_is_to(PyObject *reference, PyObject *wanted)
{
    if (reference == NULL) {
        return true;
    }
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *object = NULL;
    (void)PyWeakref_GetRef(reference, &object);
    Py_XDECREF(object);
#else
    PyObject *object = PyWeakref_GetObject(reference);
    if (object == Py_None) {
        object = NULL;
    }
#endif
    return object != NULL && (wanted == NULL || object == wanted);
}

/* Managers that were dropped without being left leave their entries behind. */
static void sweep(void)
{
    for (size_t at = 0; at < opened.size;) {
        Opened *entry = (Opened *)(uintptr_t)opened.slots[at].value;
        if (opened.slots[at].address != 0 && !reference_is_to(entry->manager, NULL)) {
            map_remove(&opened, &opened.slots[at]); /* another one may have moved in here: look again */
            let_go_of_all(entry);
        }
        else {
            at++;
        }
    }
    sweep_at = opened.used < 500 ? 1000 : 2 * opened.used;
}

void opened_remember(PyObject *manager, Handle *handle, bool moves)
{
    uint64_t task = moves ? 0 : handle->stamps.task;
    Opened *entry = PyMem_Malloc(sizeof(Opened));
    PyObject *reference = PyWeakref_NewRef(manager, NULL);
    if (reference == NULL) {
        PyErr_Clear();
    }
    Slot *slot = entry == NULL ? NULL : map_add(&opened, (uint64_t)(uintptr_t)manager, task);
    if (slot == NULL) {
        PyMem_Free(entry);
        Py_XDECREF(reference);
        return; /* without memory: it stays open */
    }
    *entry = (Opened){(Handle *)Py_NewRef((PyObject *)handle), reference, (Opened *)(uintptr_t)slot->value};
    slot->value = (uint64_t)(uintptr_t)entry;
    if (opened.used > sweep_at) {
        sweep();
    }
}

Handle *opened_recall(PyObject *manager, bool moves)
{
    if (opened.used == 0) {
        return NULL;
    }
    Slot *slot = map_find(&opened, (uint64_t)(uintptr_t)manager, moves ? 0 : task_current());
    if (slot == NULL) {
        return NULL;
    }
    Opened *entry = (Opened *)(uintptr_t)slot->value;
    bool is_right = reference_is_to(entry->manager, manager);
    if (is_right && entry->outer != NULL) {
        slot->value = (uint64_t)(uintptr_t)entry->outer;
    }
    else {
        map_remove(&opened, slot);
    }
    if (!is_right) {
        let_go_of_all(entry);
        return NULL;
    }
    Handle *handle = (Handle *)Py_NewRef((PyObject *)entry->handle);
    let_go(entry);
    return handle;
}

void opened_clear(void)
{
    Map had = opened;
    opened = (Map){NULL, 0, 0};
    for (size_t at = 0; at < had.size; at++) {
        if (had.slots[at].address != 0) {
            let_go_of_all((Opened *)(uintptr_t)had.slots[at].value);
        }
    }
    map_clear(&had);
}
