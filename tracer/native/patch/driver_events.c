/* Stamps the record of a driver: its begin when the coroutine starts, its outcome when the coroutine ends. */

#include "driver_events.h"

#include "../identify/lifecycle_release.h"
#include "../record/stamps.h"
#include "method_result.h"
#include "method_start.h"
#include "open_managers.h"

bool driver_on_start(Driver *driver)
{
    const Method *method = driver->method;
    driver->started = true;
    switch (method->role) {
    case ENTERS:
        driver->handle = start_enter(driver->manager, false);
        break;
    case LEAVES:
        if (driver->handle != NULL) {
            release_begin(driver->handle, driver->error);
        }
        Py_CLEAR(driver->error);
        break;
    case TAKES:
        driver->handle = start_acquire(method, driver->manager);
        break;
    case GIVES:
        driver->handle = start_release(method, driver->manager);
        break;
    }
    return !PyErr_Occurred();
}

void driver_on_value(Driver *driver, PyObject *value)
{
    if (driver->handle != NULL && !driver->finished) {
        driver->finished = true;
        method_returned(driver->method, driver->manager, driver->handle, value);
    }
    Py_CLEAR(driver->manager);
}

void driver_on_error(Driver *driver)
{
    if (driver->handle != NULL && !driver->finished) {
        driver->finished = true;
        method_raised(driver->handle);
    }
    Py_CLEAR(driver->manager);
}

void driver_on_close(Driver *driver)
{
    if (driver->handle != NULL && !driver->started && driver->manager != NULL) {
        open_managers_add(driver->manager, driver->handle, driver->method->flags & ANY_TASK); /* it never left */
        Py_CLEAR(driver->handle);
    }
    else if (driver->handle != NULL && !driver->finished) {
        stamp_failed(driver->handle, NULL);
    }
    driver->finished = true;
    Py_CLEAR(driver->manager);
}
