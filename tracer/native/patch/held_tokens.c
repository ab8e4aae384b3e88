/* Lifecycles between a call that acquires and the call that releases. A token connects the two: the object that both
 * are called on, or what the acquire returned. It is known by its address, while a weak reference shows that it lives.
 * If a token has several uses, a release ends the newest one of its own task, else the oldest. A counted token may be
 * released too often: a task that has released its own use, and has no other, ends no use. */

#include "held_tokens.h"

#include "../address_map.h"
#include "../identify/tasks.h"
#include "../record/handle.h"
#include "open_managers.h"

typedef struct HeldToken {
    Handle *handle;
    PyObject *token;      /* a weak reference; NULL where its type allows none */
    struct HeldToken *earlier; /* an earlier use of the same token that is not released yet */
} HeldToken;

static Map held;       /* (address of the token, 0) to the latest */
static Map given_back; /* (address of a counted token, task): the task has released a use of its own */
static size_t sweep_at = 1000;

enum { MAX_GIVEN_BACK = 10000 };

static void free_entries(HeldToken *latest)
{
    while (latest != NULL) {
        HeldToken *earlier = latest->earlier;
        Py_DECREF(latest->handle);
        Py_XDECREF(latest->token);
        PyMem_Free(latest);
        latest = earlier;
    }
}

static HeldToken *latest_in(const Slot *slot)
{
    return (HeldToken *)(uintptr_t)slot->value;
}

static Slot *find(PyObject *token)
{
    Slot *slot = held.used == 0 ? NULL : map_find(&held, (uint64_t)(uintptr_t)token, 0);
    return slot != NULL && reference_is_to(latest_in(slot)->token, token) ? slot : NULL;
}

bool held_tokens_has(PyObject *token)
{
    return find(token) != NULL;
}

static void sweep(void)
{
    for (size_t at = 0; at < held.size;) {
        HeldToken *latest = latest_in(&held.slots[at]);
        if (held.slots[at].address != 0 && !reference_is_to(latest->token, NULL)) {
            map_remove(&held, &held.slots[at]); /* another one may have moved in here: look again */
            free_entries(latest);
        }
        else {
            at++;
        }
    }
    sweep_at = held.used < 500 ? 1000 : 2 * held.used;
}

void held_tokens_add(PyObject *token, Handle *handle)
{
    HeldToken *entry = PyMem_Malloc(sizeof(HeldToken));
    PyObject *reference = PyWeakref_NewRef(token, NULL);
    if (reference == NULL) {
        PyErr_Clear();
    }
    Slot *slot = entry == NULL ? NULL : map_add(&held, (uint64_t)(uintptr_t)token, 0);
    if (slot == NULL) {
        PyMem_Free(entry);
        Py_XDECREF(reference);
        return; /* no memory: the lifecycle stays open */
    }
    HeldToken *earlier = latest_in(slot), *stale = NULL;
    if (earlier != NULL && (earlier->token == NULL || !reference_is_to(earlier->token, token))) {
        stale = earlier; /* another object has had this address, or may have had it */
        earlier = NULL;
    }
    *entry = (HeldToken){(Handle *)Py_NewRef((PyObject *)handle), reference, earlier};
    slot->value = (uint64_t)(uintptr_t)entry;
    free_entries(stale);
    if (held.used > sweep_at) {
        sweep();
    }
}

static void note_given_back(PyObject *token, uint64_t task)
{
    if (given_back.used >= MAX_GIVEN_BACK) {
        map_clear(&given_back);
    }
    (void)map_add(&given_back, (uint64_t)(uintptr_t)token, task);
}

bool held_tokens_has_given_back(PyObject *token)
{
    return given_back.used != 0 && map_find(&given_back, (uint64_t)(uintptr_t)token, task_current()) != NULL;
}

Handle *held_tokens_take(PyObject *token, bool is_counted)
{
    Slot *slot = find(token);
    if (slot == NULL) {
        return NULL;
    }
    uint64_t task = latest_in(slot)->earlier == NULL && !is_counted ? 0 : task_current();
    slot = find(token); /* the lookup of the task may have run Python code */
    if (slot == NULL) {
        return NULL;
    }
    HeldToken *latest = latest_in(slot), **at = &latest;
    while ((*at)->handle->stamps.task != task && (*at)->earlier != NULL) {
        at = &(*at)->earlier;
    }
    HeldToken *entry = *at;
    if (is_counted && entry->handle->stamps.task == task) {
        note_given_back(token, task);
    }
    else if (is_counted && map_find(&given_back, (uint64_t)(uintptr_t)token, task) != NULL) {
        return NULL;
    }
    *at = entry->earlier;
    entry->earlier = NULL;
    if (latest != NULL) {
        slot->value = (uint64_t)(uintptr_t)latest;
    }
    else {
        map_remove(&held, slot);
    }
    Handle *handle = (Handle *)Py_NewRef((PyObject *)entry->handle);
    free_entries(entry);
    return handle;
}

PyObject *held_tokens_give_up(PyObject *Py_UNUSED(module), PyObject *token)
{
    Handle *handle = held_tokens_take(token, false);
    if (PyErr_Occurred()) {
        Py_XDECREF(handle);
        return NULL;
    }
    return handle != NULL ? (PyObject *)handle : Py_NewRef(Py_None);
}

PyObject *held_tokens_hold_again(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Handle *handle = handle_of_two(arguments, count);
    if (handle == NULL) {
        return NULL;
    }
    held_tokens_add(arguments[1], handle);
    Py_RETURN_NONE;
}

void held_tokens_clear(void)
{
    Map old = held;
    held = (Map){NULL, 0, 0};
    map_clear(&given_back);
    for (size_t at = 0; at < old.size; at++) {
        if (old.slots[at].address != 0) {
            free_entries(latest_in(&old.slots[at]));
        }
    }
    map_clear(&old);
}
