/* Local variables of a frame that another thread or task is in, read without the dictionary that frame.f_locals makes: until 3.12 the frame
 * keeps it, and with it what its variables referred to. */

#include "frame_locals.h"

#if PY_VERSION_HEX < 0x030C0000
#include <internal/pycore_frame.h> /* CPython 3.11 changes no more */

static PyObject *local_at(PyFrameObject *frame, PyCodeObject *Py_UNUSED(code), Py_ssize_t at)
{
    PyObject *value = frame->f_frame->localsplus[at];
    return value == NULL || PyCell_Check(value) ? NULL : Py_NewRef(value);
}

#else

static PyObject *local_at(PyFrameObject *frame, PyCodeObject *code, Py_ssize_t at)
{
    PyObject *value = PyFrame_GetVar(frame, PyTuple_GET_ITEM(code->co_localsplusnames, at));
    PyErr_Clear();
    return value;
}

#endif

PyObject *frame_argument(PyFrameObject *frame, PyCodeObject *code)
{
    return code->co_argcount > 0 ? local_at(frame, code, 0) : NULL;
}

PyObject *frame_local(PyFrameObject *frame, PyCodeObject *code, const char *const *names)
{
    Py_ssize_t count = PyTuple_GET_SIZE(code->co_localsplusnames);
    for (Py_ssize_t at = 0; at < count; at++) {
        for (const char *const *name = names; *name != NULL; name++) {
            if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(code->co_localsplusnames, at), *name) == 0) {
                return local_at(frame, code, at);
            }
        }
    }
    return NULL;
}

PyObject *frame_local_of(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    const char *name = count == 2 && PyFrame_Check(arguments[0]) ? PyUnicode_AsUTF8(arguments[1]) : NULL;
    if (name == NULL) {
        return PyErr_Format(PyExc_TypeError, "frame_local() takes a frame and a name");
    }
    PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)arguments[0]);
    const char *const names[] = {name, NULL};
    PyObject *value = frame_local((PyFrameObject *)arguments[0], code, names);
    Py_DECREF((PyObject *)code);
    return value == NULL ? Py_NewRef(Py_None) : value;
}
