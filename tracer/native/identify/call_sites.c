/* The sites of entries and acquires in code that is not rewritten: each is an instruction of the program. Finding the
 * site walks the stack, in Python (tenure._identify.call_site_cache). If the site depends only on the calling
 * instruction, it is cached here by code object and offset; in installed code also by the manager's type. The cache owns
 * the code object, so that no other code object gets its address. A type is one that is patched, which lives as long. */

#include "call_sites.h"

#include "../address_map.h"

enum { MAX_SITES = 4096, CALL_KINDS = 4 };

static Map sites; /* (address of the code, CALL_KINDS * offset + call_kind) to the site; both are owned */

static uint64_t key_of(int64_t offset, int call_kind, const PyObject *type) /* NULL: of any type */
{
    return ((uint64_t)offset * CALL_KINDS + (uint64_t)call_kind) ^ ((uint64_t)(uintptr_t)type << 24);
}

PyCodeObject *call_site_code(int *offset)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame == NULL) {
        return NULL;
    }
    *offset = PyFrame_GetLasti(frame);
    return PyFrame_GetCode(frame);
}

PyObject *call_site_of_caller(int call_kind, PyTypeObject *type)
{
    int offset = 0;
    PyCodeObject *code = sites.used == 0 ? NULL : call_site_code(&offset);
    if (code == NULL) {
        return NULL;
    }
    uint64_t address = (uint64_t)(uintptr_t)code;
    const Slot *slot = map_find(&sites, address, key_of(offset, call_kind, NULL));
    if (slot == NULL) {
        slot = map_find(&sites, address, key_of(offset, call_kind, (PyObject *)type));
    }
    Py_DECREF(code); /* its frame has it */
    return slot == NULL ? NULL : Py_NewRef((PyObject *)(uintptr_t)slot->value);
}

bool caller_is(PyObject *code)
{
    int offset;
    PyCodeObject *caller = code == NULL ? NULL : call_site_code(&offset);
    Py_XDECREF(caller); /* its frame has it */
    return caller != NULL && (PyObject *)caller == code;
}

void call_sites_clear(void)
{
    Map old = sites;
    sites = (Map){NULL, 0, 0};
    for (size_t at = 0; at < old.size; at++) {
        if (old.slots[at].address != 0) {
            Py_DECREF((PyObject *)(uintptr_t)old.slots[at].address);
            Py_DECREF((PyObject *)(uintptr_t)old.slots[at].value);
        }
    }
    map_clear(&old);
}

PyObject *call_sites_add(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 4 || count > 5 || !PyCode_Check(arguments[0]) || !PyUnicode_Check(arguments[3])) {
        return PyErr_Format(PyExc_TypeError, "site_known() takes a code, an offset in bytes, a how, a site and a type");
    }
    long long offset = PyLong_AsLongLong(arguments[1]), call_kind = PyLong_AsLongLong(arguments[2]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (sites.used >= MAX_SITES) {
        call_sites_clear();
    }
    Slot *slot = map_add(&sites, (uint64_t)(uintptr_t)arguments[0], key_of(offset, (int)call_kind, count == 5 ? arguments[4] : NULL));
    if (slot == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *before = (PyObject *)(uintptr_t)slot->value;
    if (before == NULL) {
        Py_INCREF(arguments[0]);
    }
    slot->value = (uint64_t)(uintptr_t)Py_NewRef(arguments[3]);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
