/* The module tenure._probe, and what it asks of Python. */

#include "probe.h"

/* The number of the interface between C and Python, in both directions (_probe.pyi and what `configure` takes).
 * tenure._core.probe_backend has the same one, and refuses an extension that was built from other sources. */
enum { LAYOUT = 2 };

Python python;

/* ---- exceptions, across versions ---- */

PyObject *exception_taken(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *kind, *value, *traceback;
    PyErr_Fetch(&kind, &value, &traceback);
    if (kind == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&kind, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_DECREF(kind);
    Py_XDECREF(traceback);
    return value;
#endif
}

void exception_put_back(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    if (error == NULL) {
        PyErr_Clear();
        return;
    }
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

void fault(const char *where)
{
    if (!PyErr_Occurred() || !PyErr_ExceptionMatches(PyExc_Exception)) {
        return; /* an interrupt is the program's */
    }
    PyObject *error = exception_taken();
    PyObject *text = PyUnicode_FromString(where);
    if (text != NULL && python.fault != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(python.fault, text, error, NULL));
    }
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(error);
}

/* ---- functions ---- */

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    recording = python.ask != NULL;
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    recording = false;
    marks_clear();
    Py_RETURN_NONE;
}

static PyObject *forget_patched(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    opened_clear();
    held_clear();
    callers_clear();
    Py_RETURN_NONE;
}

static PyObject *forget_sites(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    callers_clear();
    Py_RETURN_NONE;
}

static void replace(PyObject **place, PyObject *value)
{
    Py_XSETREF(*place, Py_NewRef(value));
}

static PyObject *configure(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *named)
{
    static char *names[] = {"settled",     "shared",       "only_named",   "named",         "ask",   "find_task", "failure_of",
                            "enter",       "thrown_away",  "current_task", "running_loop",  "current_tasks", "fault", NULL};
    Python given;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "$O!O!O!O!OOOOOOOOO", names, &PyDict_Type, &given.settled,
                                     &PyDict_Type, &given.shared, &PySet_Type, &given.only_named, &PyDict_Type,
                                     &given.named, &given.ask, &given.find_task, &given.failure_of, &given.enter,
                                     &given.thrown_away, &given.current_task, &given.running_loop,
                                     &given.current_tasks, &given.fault)) {
        return NULL;
    }
    replace(&python.settled, given.settled);
    replace(&python.shared, given.shared);
    replace(&python.only_named, given.only_named);
    replace(&python.named, given.named);
    replace(&python.ask, given.ask);
    replace(&python.find_task, given.find_task);
    replace(&python.failure_of, given.failure_of);
    replace(&python.enter, given.enter);
    replace(&python.thrown_away, given.thrown_away);
    replace(&python.current_task, given.current_task);
    replace(&python.running_loop, given.running_loop);
    replace(&python.current_tasks, given.current_tasks);
    replace(&python.fault, given.fault);
    Py_RETURN_NONE;
}

#define FAST(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL

static PyMethodDef functions[] = {
    {"begin", FAST(begin_at), "begin(site, manager, task=): a record whose + enters; never None"},
    {"body_raised", stamps_body_raised, METH_O, "The exception being handled is leaving the body."},
    {"raised", stamps_raised, METH_O, "The exception being handled is leaving the statement."},
    {"acquired", stamps_acquired, METH_O, "See tenure._probe_api."},
    {"leaving", FAST(stamps_leaving), "See tenure._probe_api."},
    {"released", FAST(stamps_released), "See tenure._probe_api."},
    {"failed", FAST(stamps_failed), "See tenure._probe_api."},
    {"is_marked", stamps_is_marked, METH_O, "Whether the running task is entering this manager already."},
    {"patch", FAST(method_of_manager), "patch(method, wants, leaves, moves, sync): what stands in a class in its place"},
    {"take", FAST(method_that_takes), "The same for a method that takes a resource, see tenure.adapters._kit.acquire_release."},
    {"give", FAST(method_that_gives), "The same for a method that gives a resource back."},
    {"forget_patched", forget_patched, METH_NOARGS, "Forget what class patches saw begun and not yet ended."},
    {"site_known", FAST(callers_known), "site_known(code, offset, how, site): for whoever enters there the next time"},
    {"forget_sites", forget_sites, METH_NOARGS, "Ask Python for every site again."},
    {"current", tasks_current, METH_NOARGS, "The id of the task that is running, or else of the thread."},
    {"task_known", FAST(tasks_known), "task_known(address, id): the task at this address, until it is gone"},
    {"task_gone", tasks_gone, METH_O, "The task at this address is no more."},
    {"forget_tasks", tasks_clear, METH_NOARGS, "Forget all tasks."},
    {"watch_cancel", FAST(cancel_watch), "watch_cancel(Task.cancel, requested): call it first; False: it cannot be"},
    {"unwatch_cancel", cancel_unwatch, METH_NOARGS, "Task.cancel is as it was."},
    {"watch_tasks", FAST(creating_watch), "watch_tasks(Task, creating, created): call them around its initialiser"},
    {"unwatch_tasks", creating_unwatch, METH_NOARGS, "Task's initialiser is its own."},
    {"set_context", context_set, METH_O, "Read this variable, or call this, when a lifecycle begins; None: nothing."},
    {"put", records_put, METH_O, "Put an entry of another kind into the buffer; False where it is full."},
    {"drain", records_drain, METH_NOARGS, "Take out what is new, in order, and bring what was taken out up to date."},
    {"waiting", records_waiting, METH_NOARGS, "How many entries the next drain will find new."},
    {"take_lost", records_take_lost, METH_NOARGS, "How many did not fit in since this was last asked."},
    {"set_limit", records_set_limit, METH_O, "How many entries may wait."},
    {"clear", records_clear, METH_NOARGS, "Throw away what is in the buffer and let go of what is open."},
    {"set_clock", clock_set, METH_O, "Read this callable instead of the clock; None: the clock."},
    {"start", start, METH_NOARGS, "Record from now on."},
    {"stop", stop, METH_NOARGS, "Record nothing more."},
    {"configure", (PyCFunction)(void (*)(void))configure, METH_VARARGS | METH_KEYWORDS, "What is asked of Python."},
    {NULL, NULL, 0, NULL},
};

static PyObject *serving; /* borrowed: the module that was executed; not one that was refused */

static int refuse_subinterpreters(void)
{
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        return 0;
    }
    PyErr_SetString(PyExc_ImportError, "tenure._probe serves the main interpreter only");
    return -1;
}

static int execute(PyObject *module)
{
    PyTypeObject *types[] = {&Handle_Type, &Driver_Type, &Watched_Type, &Method_Type};
    if (refuse_subinterpreters() < 0) {
        return -1;
    }
    for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
        if (PyType_Ready(types[at]) < 0) {
            return -1;
        }
    }
    if (PyModule_AddObjectRef(module, "Record", (PyObject *)&Handle_Type) < 0 ||
        PyModule_AddObjectRef(module, "Driver", (PyObject *)&Driver_Type) < 0 ||
        PyModule_AddIntConstant(module, "LAYOUT", LAYOUT) < 0 ||
        PyModule_AddIntConstant(module, "CLOSED_BYTES", sizeof(Stamps)) < 0 ||
        PyModule_AddIntConstant(module, "OPEN_BYTES", sizeof(Handle)) < 0) {
        return -1;
    }
    serving = module;
    return 0;
}

/* At the interpreter's end. Class patches and records may outlive the module: without these they pass through. */
static void let_go(void *module)
{
    if (module != (void *)serving) {
        return;
    }
    serving = NULL;
    recording = false;
    cancel_let_go();
    creating_let_go();
    Python had = python;
    python = (Python){NULL};
    callers_clear();
    PyObject *all[] = {had.settled,     had.shared,       had.only_named,   had.named,         had.ask,          had.find_task,     had.failure_of, had.enter,
                       had.thrown_away, had.current_task, had.running_loop, had.current_tasks, had.fault};
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        Py_XDECREF(all[at]);
    }
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tenure._probe",
    .m_doc = "The native probe; tenure._probe_api says what it does, tracer/native/probe.h how.",
    .m_methods = functions,
    .m_slots = slots,
    .m_free = let_go,
};

PyMODINIT_FUNC PyInit__probe(void)
{
    return PyModuleDef_Init(&definition);
}
