/* Open lifecycles that a class patch saw entered, by the manager's address and the task (0 if another task may leave
 * managers of the class; then a task leaves its own entry, else the latest). A weak reference shows whether the object is still the one that was entered. It has no
 * callback: such references are shared, and cheap. */

#include "open_managers.h"

#include "../address_map.h"
#include "../identify/tasks.h"

typedef struct OpenManager {
    Handle *handle;
    PyObject *manager;    /* a weak reference; NULL where its type allows none */
    struct OpenManager *outer; /* the same task entered the same object before */
} OpenManager;

static Map opened;
static size_t sweep_at = 1000;

static void free_entry(OpenManager *entry)
{
    Py_DECREF(entry->handle);
    Py_XDECREF(entry->manager);
    PyMem_Free(entry);
}

static void free_entries(OpenManager *entry)
{
    while (entry != NULL) {
        OpenManager *outer = entry->outer;
        free_entry(entry);
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

/* Removes the entries of managers that were dropped without being left. */
static void sweep(void)
{
    for (size_t at = 0; at < opened.size;) {
        OpenManager *entry = (OpenManager *)(uintptr_t)opened.slots[at].value;
        if (opened.slots[at].address != 0 && !reference_is_to(entry->manager, NULL)) {
            map_remove(&opened, &opened.slots[at]); /* another one may have moved in here: look again */
            free_entries(entry);
        }
        else {
            at++;
        }
    }
    sweep_at = opened.used < 500 ? 1000 : 2 * opened.used;
}

void open_managers_add(PyObject *manager, Handle *handle, bool any_task)
{
    uint64_t task = any_task ? 0 : handle->stamps.task;
    OpenManager *entry = PyMem_Malloc(sizeof(OpenManager));
    PyObject *reference = PyWeakref_NewRef(manager, NULL);
    if (reference == NULL) {
        PyErr_Clear();
    }
    Slot *slot = entry == NULL ? NULL : map_add(&opened, (uint64_t)(uintptr_t)manager, task);
    if (slot == NULL) {
        PyMem_Free(entry);
        Py_XDECREF(reference);
        return; /* no memory: the lifecycle stays open */
    }
    *entry = (OpenManager){(Handle *)Py_NewRef((PyObject *)handle), reference, (OpenManager *)(uintptr_t)slot->value};
    slot->value = (uint64_t)(uintptr_t)entry;
    if (opened.used > sweep_at) {
        sweep();
    }
}

Handle *open_managers_take(PyObject *manager, bool any_task)
{
    if (opened.used == 0) {
        return NULL;
    }
    Slot *slot = map_find(&opened, (uint64_t)(uintptr_t)manager, any_task ? 0 : task_current());
    if (slot == NULL) {
        return NULL;
    }
    OpenManager *latest = (OpenManager *)(uintptr_t)slot->value;
    if (!reference_is_to(latest->manager, manager)) {
        map_remove(&opened, slot);
        free_entries(latest);
        return NULL;
    }
    OpenManager **at = &latest;
    if (any_task && latest->outer != NULL) {
        uint64_t task = task_current();
        slot = map_find(&opened, (uint64_t)(uintptr_t)manager, 0); /* the lookup may have run Python code */
        if (slot == NULL || (OpenManager *)(uintptr_t)slot->value != latest) {
            return NULL;
        }
        while (*at != NULL && (*at)->handle->stamps.task != task) {
            at = &(*at)->outer;
        }
        if (*at == NULL) {
            at = &latest;
        }
    }
    OpenManager *entry = *at;
    *at = entry->outer;
    if (latest != NULL) {
        slot->value = (uint64_t)(uintptr_t)latest;
    }
    else {
        map_remove(&opened, slot);
    }
    Handle *handle = (Handle *)Py_NewRef((PyObject *)entry->handle);
    free_entry(entry);
    return handle;
}

void open_managers_clear(void)
{
    Map old = opened;
    opened = (Map){NULL, 0, 0};
    for (size_t at = 0; at < old.size; at++) {
        if (old.slots[at].address != 0) {
            free_entries((OpenManager *)(uintptr_t)old.slots[at].value);
        }
    }
    map_clear(&old);
}
