/* Driving: a driver passes what is sent or thrown into it to its coroutine, and stamps the record by the result. */

#include "driver_protocol.h"

#include "../errors.h"
#include "driver_events.h"

PyObject *driver_names[4];

PySendResult drive(PyObject *self, PyObject *value, PyObject **result)
{
    Driver *driver = (Driver *)self;
    *result = NULL;
    if (driver->running) {
        return PyIter_Send(driver->inner, value, result); /* the coroutine refuses: it is running */
    }
    if (!driver->started && !driver->finished && !driver_on_start(driver)) {
        return PYGEN_ERROR;
    }
    driver->running = true;
    PySendResult sent = PyIter_Send(driver->inner, value, result);
    driver->running = false;
    if (sent == PYGEN_RETURN) {
        driver_on_value(driver, *result);
        if (PyErr_Occurred()) {
            Py_CLEAR(*result);
            sent = PYGEN_ERROR;
        }
    }
    else if (sent == PYGEN_ERROR) {
        driver_on_error(driver);
    }
    return sent;
}

static PyObject *stop_iteration(PyObject *value)
{
    PyObject *error = value == Py_None ? PyObject_CallNoArgs(PyExc_StopIteration)
                                       : PyObject_CallOneArg(PyExc_StopIteration, value);
    if (error != NULL) {
        PyErr_SetObject(PyExc_StopIteration, error);
        Py_DECREF(error);
    }
    Py_DECREF(value);
    return NULL;
}

PyObject *drive_send(PyObject *self, PyObject *value)
{
    PyObject *result;
    return drive(self, value, &result) == PYGEN_RETURN ? stop_iteration(result) : result;
}

PyObject *drive_next(PyObject *self)
{
    PyObject *result;
    if (drive(self, Py_None, &result) != PYGEN_RETURN) {
        return result;
    }
    if (result == Py_None) { /* an iterator may end without an exception, which saves most of the cost of the end */
        Py_DECREF(result);
        return NULL;
    }
    return stop_iteration(result);
}

/* Makes one exception object from (type, value, traceback). */
static PyObject *normalize_thrown(PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *kind = arguments[0], *value = arguments[1], *error;
    if (PyExceptionInstance_Check(value)) {
        error = Py_NewRef(value);
    }
    else if (!PyExceptionClass_Check(kind)) {
        return Py_NewRef(kind);
    }
    else if (value == Py_None) {
        error = PyObject_CallNoArgs(kind);
    }
    else {
        error = PyTuple_Check(value) ? PyObject_CallObject(kind, value) : PyObject_CallOneArg(kind, value);
    }
    if (error != NULL && count > 2 && arguments[2] != Py_None && PyExceptionInstance_Check(error) &&
        PyException_SetTraceback(error, arguments[2]) < 0) {
        Py_CLEAR(error);
    }
    return error;
}

static PyObject *call_throw(PyObject *inner, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *error = count > 1 ? normalize_thrown(arguments, count) : Py_NewRef(arguments[0]);
    PyObject *result = error == NULL ? NULL : PyObject_CallMethodOneArg(inner, driver_names[1], error);
    Py_XDECREF(error);
    return result;
}

PyObject *drive_throw(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Driver *driver = (Driver *)self;
    if (count < 1 || count > 3) {
        return PyErr_Format(PyExc_TypeError, "throw() takes 1 to 3 arguments, got %zd", count);
    }
    if (driver->running || !driver->started) {
        driver->finished = driver->finished || !driver->started; /* it ends before it starts: nothing is recorded */
        return call_throw(driver->inner, arguments, count);
    }
    driver->running = true;
    PyObject *result = call_throw(driver->inner, arguments, count);
    driver->running = false;
    if (result != NULL) {
        return result;
    }
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        driver_on_error(driver);
        return NULL;
    }
    PyObject *stop = take_exception();
    PyObject *value = stop == NULL ? NULL : PyObject_GetAttrString(stop, "value");
    if (value != NULL) {
        driver_on_value(driver, value);
        Py_DECREF(value);
    }
    if (PyErr_Occurred()) {
        Py_XDECREF(stop);
    }
    else {
        restore_exception(stop);
    }
    return NULL;
}

PyObject *drive_close(PyObject *self, PyObject *Py_UNUSED(none))
{
    Driver *driver = (Driver *)self;
    PyObject *result = PyObject_CallMethodNoArgs(driver->inner, driver_names[2]);
    if (driver->running) {
        return result;
    }
    if (result == NULL) {
        driver_on_error(driver);
    }
    else {
        driver_on_close(driver);
    }
    return result;
}
