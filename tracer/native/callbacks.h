/* The Python objects that the probe calls or reads. Includes nothing of the probe. */

#ifndef TENURE_CALLBACKS_H
#define TENURE_CALLBACKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* OF_TYPE(name, type): an object of this type. ANY(name): any object. The names are configure()'s keyword arguments. */
#define CALLBACKS(OF_TYPE, ANY)                                                                                   \
    OF_TYPE(single_use_sites, PyDict_Type)    /* SingleUse.settled_sites: site to (type, resource) */             \
    OF_TYPE(resource_by_address, PyDict_Type) /* ResourceIds.by_address: (resource, patched) */                   \
    OF_TYPE(only_named, PySet_Type)           /* TypeTable: types of which only `named` objects are recorded */   \
    OF_TYPE(named, PyDict_Type)               /* named_objects.named, by address */                               \
    ANY(resource_of)                          /* (site, manager) -> (resource, patched) */                        \
    ANY(find_task)                            /* () -> the id of the running task or thread */                    \
    ANY(releaser_of)                          /* (holder) -> the id of the running task, 0: it stands for the holder */ \
    ANY(failure_of)                           /* (exception) -> Failure */                                        \
    ANY(enter)                                /* (manager, sync) -> record or None */                             \
    ANY(thrown_away)                          /* the Failure of a coroutine that was closed */                    \
    ANY(current_task)                         /* asyncio.current_task */                                          \
    ANY(running_loop)                         /* asyncio._get_running_loop */                                     \
    ANY(current_tasks)                        /* the running tasks by loop, a dict of asyncio; None from 3.14 on */ \
    ANY(fault)                                /* (where, exception): counts and logs */

#define CALLBACK_OF_TYPE(name, type) PyObject *name;
#define CALLBACK(name) PyObject *name;

/* Owned; all NULL until configure() is called and after the module is freed. */
typedef struct {
    CALLBACKS(CALLBACK_OF_TYPE, CALLBACK)
} Callbacks;

#undef CALLBACK_OF_TYPE
#undef CALLBACK

extern Callbacks callbacks;

PyObject *callbacks_configure(PyObject *module, PyObject *arguments, PyObject *named);
void callbacks_clear(void);

#endif
