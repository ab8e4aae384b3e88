/* Who holds what was taken by a call, until the call that gives it back. A token says which release ends which acquire:
 * the object that both are called on, or what the acquire returned. It is known by address, and while a weak reference
 * says that it lives. Of several uses of a token a release ends the newest of its own task, else
 * the oldest. */

#include "probe.h"

typedef struct Held {
    Handle *handle;
    PyObject *token;      /* a weak reference; NULL where its type allows none */
    struct Held *earlier; /* the same token was taken before, and is not given back yet */
} Held;

static Map held; /* (address of the token, 0) to the latest */
static size_t sweep_at = 1000;

static void let_go_of_all(Held *latest)
{
    while (latest != NULL) {
        Held *earlier = latest->earlier;
        Py_DECREF(latest->handle);
        Py_XDECREF(latest->token);
        PyMem_Free(latest);
        latest = earlier;
    }
}

static Held *latest_in(const Slot *slot)
{
    return (Held *)(uintptr_t)slot->value;
}

static Slot *find(PyObject *token)
{
    Slot *slot = held.used == 0 ? NULL : map_find(&held, (uint64_t)(uintptr_t)token, 0);
    return slot != NULL && reference_is_to(latest_in(slot)->token, token) ? slot : NULL;
}

bool held_is(PyObject *token)
{
    return find(token) != NULL;
}

static void sweep(void)
{
    for (size_t at = 0; at < held.size;) {
        Held *latest = latest_in(&held.slots[at]);
        if (held.slots[at].address != 0 && !reference_is_to(latest->token, NULL)) {
            map_remove(&held, &held.slots[at]); /* another one may have moved in here: look again */
            let_go_of_all(latest);
        }
        else {
            at++;
        }
    }
    sweep_at = held.used < 500 ? 1000 : 2 * held.used;
}

void held_hold(PyObject *token, Handle *handle)
{
    Held *entry = PyMem_Malloc(sizeof(Held));
    PyObject *reference = PyWeakref_NewRef(token, NULL);
    if (reference == NULL) {
        PyErr_Clear();
    }
    Slot *slot = entry == NULL ? NULL : map_add(&held, (uint64_t)(uintptr_t)token, 0);
    if (slot == NULL) {
        PyMem_Free(entry);
        Py_XDECREF(reference);
        return; /* without memory: it stays open */
    }
    Held *earlier = latest_in(slot), *stale = NULL;
    if (earlier != NULL && (earlier->token == NULL || !reference_is_to(earlier->token, token))) {
        stale = earlier; /* another object had this address, or may have had it */
        earlier = NULL;
    }
    *entry = (Held){(Handle *)Py_NewRef((PyObject *)handle), reference, earlier};
    slot->value = (uint64_t)(uintptr_t)entry;
    let_go_of_all(stale);
    if (held.used > sweep_at) {
        sweep();
    }
}

Handle *held_give_back(PyObject *token)
{
    Slot *slot = find(token);
    if (slot == NULL) {
        return NULL;
    }
    uint64_t task = latest_in(slot)->earlier == NULL ? 0 : task_current();
    slot = find(token); /* finding out the task may have run Python */
    if (slot == NULL) {
        return NULL;
    }
    Held *latest = latest_in(slot), **at = &latest;
    while ((*at)->handle->stamps.task != task && (*at)->earlier != NULL) {
        at = &(*at)->earlier;
    }
    Held *entry = *at;
    *at = entry->earlier;
    entry->earlier = NULL;
    if (latest != NULL) {
        slot->value = (uint64_t)(uintptr_t)latest;
    }
    else {
        map_remove(&held, slot);
    }
    Handle *handle = (Handle *)Py_NewRef((PyObject *)entry->handle);
    let_go_of_all(entry);
    return handle;
}

void held_clear(void)
{
    Map had = held;
    held = (Map){NULL, 0, 0};
    for (size_t at = 0; at < had.size; at++) {
        if (had.slots[at].address != 0) {
            let_go_of_all(latest_in(&had.slots[at]));
        }
    }
    map_clear(&had);
}
