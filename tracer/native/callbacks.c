/* The objects of Python that the probe asks: set by configure(), let go when the module is freed. */

#include "callbacks.h"

Callbacks callbacks;

#define NAME_OF_TYPE(name, type) #name,
#define NAME(name) #name,
#define FORMAT_OF_TYPE(name, type) "O!"
#define FORMAT(name) "O"
#define PLACE_OF_TYPE(name, type) , &type, &given.name
#define PLACE(name) , &given.name
#define REPLACE_OF_TYPE(name, type) Py_XSETREF(callbacks.name, Py_NewRef(given.name));
#define REPLACE(name) Py_XSETREF(callbacks.name, Py_NewRef(given.name));
#define RELEASE_OF_TYPE(name, type) Py_XDECREF(had.name);
#define RELEASE(name) Py_XDECREF(had.name);

PyObject *callbacks_configure(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *named)
{
    static char *names[] = {CALLBACKS(NAME_OF_TYPE, NAME) NULL};
    static const char format[] = "$" CALLBACKS(FORMAT_OF_TYPE, FORMAT) ":configure";
    Callbacks given;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, format, names CALLBACKS(PLACE_OF_TYPE, PLACE))) {
        return NULL;
    }
    CALLBACKS(REPLACE_OF_TYPE, REPLACE)
    Py_RETURN_NONE;
}

void callbacks_clear(void)
{
    Callbacks had = callbacks;
    callbacks = (Callbacks){NULL};
    CALLBACKS(RELEASE_OF_TYPE, RELEASE)
}
