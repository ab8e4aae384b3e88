/* Who cancels a task. Task is a type that allows no new attributes, and what stands in its place would be seen: a
 * subclass by type(), a function by inspect, a frame by whoever looks at the stack. So the descriptor Task.cancel stays
 * the object that it is and gets another definition, with the same name, text and calling convention, that tells
 * Python of the call and makes it. Bound methods that were made before keep the old one. */

#include "task_cancel.h"

#include "../errors.h"

typedef PyObject *(*Cancel)(PyObject *task, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

static PyMethodDescrObject *descriptor; /* Task.cancel while it is watched, else NULL */
static PyMethodDef *original;           /* its own definition; it outlives the type */
static PyMethodDef ours;                /* never freed: bound methods refer to it */
static PyObject *requested;             /* (task) -> None: called before the task is cancelled */

static PyObject *cancel(PyObject *task, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    /* Until 3.11 all interpreters share the type; what is asked belongs to the main one. */
    if (requested != NULL && PyInterpreterState_Get() == PyInterpreterState_Main()) {
        PyObject *asked = Py_NewRef(requested);
        PyObject *none = PyObject_CallOneArg(asked, task);
        Py_DECREF(asked);
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
    Py_CLEAR(requested);
}

PyObject *task_cancel_watch(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        return PyErr_Format(PyExc_TypeError, "watch_cancel() takes Task.cancel and what is to be called");
    }
    if (!Py_IS_TYPE(arguments[0], &PyMethodDescr_Type)) {
        Py_RETURN_FALSE;
    }
    PyMethodDescrObject *given = (PyMethodDescrObject *)arguments[0];
    task_cancel_restore();
    if (given->d_method->ml_flags != (METH_FASTCALL | METH_KEYWORDS) || given->d_method == &ours) {
        Py_RETURN_FALSE;
    }
    if (original != NULL && original != given->d_method) {
        Py_RETURN_FALSE; /* another one was watched before, and bound methods of its may be called still */
    }
    original = given->d_method;
    ours = *original;
    ours.ml_meth = (PyCFunction)(void (*)(void))cancel;
    requested = Py_NewRef(arguments[1]);
    descriptor = (PyMethodDescrObject *)Py_NewRef(arguments[0]);
    descriptor->d_method = &ours;
    Py_RETURN_TRUE;
}

PyObject *task_cancel_unwatch(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    task_cancel_restore();
    Py_RETURN_NONE;
}
