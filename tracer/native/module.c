/* The module tenure._probe: its functions, its types, its start and its end. docs/probe.md describes each file.
 *
 * All of it runs under the GIL, in the main interpreter only. It never raises into the program: a lifecycle that cannot
 * be recorded is counted. No object of the program is kept alive; objects are known by address while they live.
 *
 * Each room uses only those to its right: module > patch > identify > record > errors > callbacks, address_map >
 * columns. */

#include "callbacks.h"
#include "columns/functions.h"
#include "identify/await_looks.h"
#include "identify/call_sites.h"
#include "identify/frame_locals.h"
#include "identify/lifecycle_begin.h"
#include "identify/lifecycle_release.h"
#include "identify/plain_attribute.h"
#include "identify/task_cancel.h"
#include "identify/task_creation.h"
#include "identify/tasks.h"
#include "patch/awaitable_proxy.h"
#include "patch/driver.h"
#include "patch/held_tokens.h"
#include "patch/open_managers.h"
#include "patch/patched_method.h"
#include "record/bell.h"
#include "record/buffer.h"
#include "record/clock.h"
#include "record/drain.h"
#include "record/handle.h"
#include "record/marks.h"
#include "record/otel_context.h"
#include "record/stamps.h"

/* The version of the interface between C and Python, in both directions (_probe.pyi and the arguments of `configure`).
 * tenure._core.probe_backend has the same number, and refuses an extension that was built from other sources. */
enum { LAYOUT = 4 };

/* ---- functions ---- */

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    recording = callbacks.resource_of != NULL;
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
    open_managers_clear();
    held_tokens_clear();
    call_sites_clear();
    Py_RETURN_NONE;
}

static PyObject *clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    buffer_clear();
    tasks_forget_loop();
    Py_RETURN_NONE;
}

static PyObject *forget_sites(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    call_sites_clear();
    Py_RETURN_NONE;
}

#define FAST(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL
#define NAMED(function) (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"begin", FAST(begin_at), "begin(site, manager, task=): a record whose + enters; never None"},
    {"body_raised", handle_body_raised, METH_O, "The exception being handled is leaving the body."},
    {"raised", handle_raised, METH_O, "The exception being handled is leaving the statement."},
    {"acquired", handle_acquired, METH_O, "See tenure._probe_api."},
    {"leaving", FAST(release_leaving), "See tenure._probe_api."},
    {"released", FAST(handle_released), "See tenure._probe_api."},
    {"failed", FAST(handle_failed), "See tenure._probe_api."},
    {"is_marked", begin_is_marked, METH_O, "Whether the running task is entering this manager already."},
    {"patch", NAMED(method_of_manager), "Make the object that replaces a method that enters or leaves in a class."},
    {"take", NAMED(method_that_takes), "The same for a method that acquires (tenure.adapters._kit.acquire_release)."},
    {"give", NAMED(method_that_gives), "The same for a method that releases."},
    {"give_up", held_tokens_give_up, METH_O, "Take out the record of a token that its task gives up; None: none is held."},
    {"hold_again", FAST(held_tokens_hold_again), "hold_again(record, token): the token of a record that was given up"},
    {"forget_patched", forget_patched, METH_NOARGS, "Forget the open lifecycles of class patches."},
    {"site_known", FAST(call_sites_add), "site_known(code, offset, how, site, type=None): cache the site of this instruction"},
    {"forget_sites", forget_sites, METH_NOARGS, "Clear the cache of sites."},
    {"attribute", FAST(plain_attribute_of), "See tenure._core.object_access."},
    {"current", tasks_current, METH_NOARGS, "The id of the running task or, outside a task, of the thread."},
    {"task_known", FAST(tasks_add), "task_known(address, id): the task at this address, until task_gone"},
    {"task_gone", tasks_remove, METH_O, "The task at this address is no more."},
    {"forget_tasks", tasks_clear, METH_NOARGS, "Forget all tasks."},
    {"watch_cancel", FAST(task_cancel_watch), "watch_cancel(Task.cancel, requested): call that first; False: failed"},
    {"unwatch_cancel", task_cancel_unwatch, METH_NOARGS, "Restore Task.cancel."},
    {"watch_tasks", FAST(task_creation_watch), "watch_tasks(Task, creating, created): call these around Task.__init__"},
    {"unwatch_tasks", task_creation_unwatch, METH_NOARGS, "Restore Task's initialiser."},
    {"frame_local", FAST(frame_local_of), "frame_local(frame, name): that variable, None where it is unbound."},
    {"look", FAST(await_looks), "look(rows, now, shapes): see tenure._identify.await_chain."},
    {"set_context", otel_context_set, METH_O, "The variable or callable read when a lifecycle begins; None: nothing."},
    {"put", buffer_put, METH_O, "Put an entry of another kind into the buffer; False if it is full."},
    {"drain", drain_buffer, METH_NOARGS, "Take the new entries, in order, and update the entries taken before."},
    {"waiting", buffer_waiting, METH_NOARGS, "The number of entries that the next drain will find new."},
    {"take_lost", buffer_take_lost, METH_NOARGS, "The number of entries that did not fit since the last call."},
    {"set_limit", buffer_set_limit, METH_O, "The number of entries that may wait."},
    {"clear", clear, METH_NOARGS, "Discard the entries of the buffer and the open records."},
    {"bell_attend", bell_attend, METH_O, "The calling thread is the shipping thread from now on (True), or no longer."},
    {"bell_ring", bell_ring_now, METH_NOARGS, "Wake the shipping thread, or let its next wait end at once."},
    {"bell_wait", bell_wait, METH_VARARGS, "See tenure._core.bell."},
    {"set_clock", clock_set, METH_O, "The callable to read instead of the clock; None: the clock."},
    {"start", start, METH_NOARGS, "Start recording."},
    {"stop", stop, METH_NOARGS, "Stop recording."},
    {"columns_write", FAST(columns_write), "See tenure.wire.columns_backend."},
    {"columns_read", columns_read, METH_VARARGS, "See tenure.wire.columns_backend."},
    {"columns_values", columns_values, METH_VARARGS, "See tenure.wire.columns_backend."},
    {"configure", NAMED(callbacks_configure), "Set the Python objects that the probe calls or reads."},
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
    PyTypeObject *types[] = {&Handle_Type, &Driver_Type, &AwaitableProxy_Type, &Method_Type};
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
        PyModule_AddIntConstant(module, "COLUMNS", COLUMNS_INTERFACE) < 0 ||
        PyModule_AddIntConstant(module, "CLOSED_BYTES", sizeof(Stamps)) < 0 ||
        PyModule_AddIntConstant(module, "OPEN_BYTES", sizeof(Handle)) < 0) {
        return -1;
    }
    serving = module;
    return 0;
}

/* At the interpreter's end. Class patches and records may outlive the module: afterwards they record nothing. */
static void module_free(void *module)
{
    if (module != (void *)serving) {
        return;
    }
    serving = NULL;
    recording = false;
    task_cancel_restore();
    task_creation_restore();
    call_sites_clear();
    callbacks_clear();
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
    .m_doc = "The native probe; tenure._probe_api describes what it does, docs/probe.md how.",
    .m_methods = functions,
    .m_slots = slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__probe(void)
{
    return PyModuleDef_Init(&definition);
}
