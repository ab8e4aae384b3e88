/* Who cancels a task. The type Task allows no new attributes, and a replacement would be visible: a subclass by type(),
 * a function by inspect, a frame in the stack. So the descriptor Task.cancel stays the same object and gets another
 * definition, with the same name, text and calling convention, which calls back into Python and then cancels. Bound
 * methods that were made before keep the original definition. */

#include "task_cancel.h"

#include "../errors.h"

typedef PyObject *(*Cancel)(PyObject *task, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

static PyMethodDescrObject *descriptor; /* Task.cancel while it is watched, else NULL */
static PyMethodDef *original;           /* its own definition; it outlives the type */
static PyMethodDef patched;                /* never freed: bound methods refer to it */
static PyObject *on_request;             /* (task) -> None: called before the task is cancelled */

static PyObject *cancel(PyObject *task, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    /* Until 3.11 all interpreters share the type; the callback belongs to the main one. */
    if (on_request != NULL && PyInterpreterState_Get() == PyInterpreterState_Main()) {
        PyObject *callback = Py_NewRef(on_request);
        PyObject *none = PyObject_CallOneArg(callback, task);
        Py_DECREF(callback);
        if (none == NULL) {
            fault("noting who cancels a task");
            if (PyErr_Occurred()) {
                return NULL;
            }
        }
        Py_XDECREF(none);
    }
    return ((Cancel)(void (*)(void))original->ml_meth)(task, arguments, count, names);
}

void task_cancel_restore(void)
{
    if (descriptor != NULL) {
        descriptor->d_method = original;
        Py_CLEAR(descriptor);
    }
    Py_CLEAR(on_request);
}

PyObject *task_cancel_watch(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        return PyErr_Format(PyExc_TypeError, "watch_cancel() takes Task.cancel and what is to be called");
    }
    if (!Py_IS_TYPE(arguments[0], &PyMethodDescr_Type)) {
        Py_RETURN_FALSE;
    }
    PyMethodDescrObject *candidate = (PyMethodDescrObject *)arguments[0];
    task_cancel_restore();
    if (candidate->d_method->ml_flags != (METH_FASTCALL | METH_KEYWORDS) || candidate->d_method == &patched) {
        Py_RETURN_FALSE;
    }
    if (original != NULL && original != candidate->d_method) {
        Py_RETURN_FALSE; /* another descriptor was watched before, and its bound methods may still be called */
    }
    original = candidate->d_method;
    patched = *original;
    patched.ml_meth = (PyCFunction)(void (*)(void))cancel;
    on_request = Py_NewRef(arguments[1]);
    descriptor = (PyMethodDescrObject *)Py_NewRef(arguments[0]);
    descriptor->d_method = &patched;
    Py_RETURN_TRUE;
}

PyObject *task_cancel_unwatch(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    task_cancel_restore();
    Py_RETURN_NONE;
}
