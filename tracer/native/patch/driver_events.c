/* What the record of a driver is told: that it begins, when the coroutine starts; how it went, when that ends. */

#include "driver.h"

bool tell_start(Driver *driver)
{
    const Method *method = driver->method;
    driver->started = true;
    switch (method->role) {
    case ENTERS:
        driver->handle = enter_manager(driver->manager, false);
        break;
    case LEAVES:
        if (driver->handle != NULL) {
            stamp_leaving(driver->handle, driver->error);
        }
        Py_CLEAR(driver->error);
        break;
    case TAKES:
        driver->handle = call_takes(method, driver->manager);
        break;
    case GIVES:
        driver->handle = call_gives(method, driver->manager);
        break;
    }
    return !PyErr_Occurred();
}

void tell_value(Driver *driver, PyObject *value)
{
    if (driver->handle != NULL && !driver->told) {
        driver->told = true;
        method_returned(driver->method, driver->manager, driver->handle, value);
    }
    Py_CLEAR(driver->manager);
}

void tell_error(Driver *driver)
{
    if (driver->handle != NULL && !driver->told) {
        driver->told = true;
        method_raised(driver->handle);
    }
    Py_CLEAR(driver->manager);
}

void tell_closed(Driver *driver)
{
    if (driver->handle != NULL && !driver->started && driver->manager != NULL) {
        opened_remember(driver->manager, driver->handle, driver->method->flags & MOVES); /* it never left */
        Py_CLEAR(driver->handle);
    }
    else if (driver->handle != NULL && !driver->told) {
        stamp_failed(driver->handle, NULL);
    }
    driver->told = true;
    Py_CLEAR(driver->manager);
}
