/* The Python objects that the probe calls or reads: set by configure(), released when the module is freed. */

#include "callbacks.h"

Callbacks callbacks;

#define NAME_OF_TYPE(name, type) #name,
#define NAME(name) #name,
#define FORMAT_OF_TYPE(name, type) "O!"
#define FORMAT(name) "O"
#define PLACE_OF_TYPE(name, type) , &type, &parsed.name
#define PLACE(name) , &parsed.name
#define REPLACE_OF_TYPE(name, type) Py_XSETREF(callbacks.name, Py_NewRef(parsed.name));
#define REPLACE(name) Py_XSETREF(callbacks.name, Py_NewRef(parsed.name));
#define RELEASE_OF_TYPE(name, type) Py_XDECREF(old.name);
#define RELEASE(name) Py_XDECREF(old.name);

PyObject *callbacks_configure(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *named)
{
    static char *names[] = {CALLBACKS(NAME_OF_TYPE, NAME) NULL};
    static const char format[] = "$" CALLBACKS(FORMAT_OF_TYPE, FORMAT) ":configure";
    Callbacks parsed;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, format, names CALLBACKS(PLACE_OF_TYPE, PLACE))) {
        return NULL;
    }
    CALLBACKS(REPLACE_OF_TYPE, REPLACE)
    Py_RETURN_NONE;
}

void callbacks_clear(void)
{
    Callbacks old = callbacks;
    callbacks = (Callbacks){NULL};
    CALLBACKS(RELEASE_OF_TYPE, RELEASE)
}
