/* The Python module tenure_server.ingest.otlp._scan; spans.h describes the whole. */

#include "spans.h"

/* The version of the interface with Python: _scan.pyi, and the names of spans.py in use. scan_backend.py has it too. */
enum { LAYOUT = 3 };

PyDoc_STRVAR(prepare_doc, "prepare(of_shapes, of_times, /)\n--\n\n"
                          "The keys of attributes that have a meaning, as ``scan`` takes them.\n");
PyDoc_STRVAR(scan_doc, "scan(data, room, wanted, error_of, /)\n--\n\n"
                       "The scope's bytes and the spans of a ScopeSpans message; see ``scan_pure.scan``.\n");

static PyMethodDef methods[] = {{"prepare", prepare_wanted, METH_VARARGS, prepare_doc},
                                {"scan", scan_spans, METH_VARARGS, scan_doc},
                                {NULL, NULL, 0, NULL}};

static int
execute(PyObject *module)
{
    State *state = PyModule_GetState(module);
    if (PyModule_AddIntConstant(module, "LAYOUT", LAYOUT) < 0) {
        return -1;
    }
    PyObject *otlp = PyImport_ImportModule("tenure_server.ingest.otlp.spans");
    if (otlp == NULL) {
        return -1;
    }
    state->malformed = PyObject_GetAttrString(otlp, "MalformedRequest");
    state->too_many = PyObject_GetAttrString(otlp, "TooMany");
    Py_DECREF(otlp);
    PyObject *limits = PyImport_ImportModule("tenure_server.limits");
    PyObject *max_events = limits == NULL ? NULL : PyObject_GetAttrString(limits, "MAX_EVENTS");
    state->max_events = max_events == NULL ? -1 : PyLong_AsSsize_t(max_events);
    Py_XDECREF(limits);
    Py_XDECREF(max_events);
    return state->malformed == NULL || state->too_many == NULL || state->max_events < 0 ? -1 : 0;
}

static int
traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    Py_VISIT(state->malformed);
    Py_VISIT(state->too_many);
    return 0;
}

static int
clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->malformed);
    Py_CLEAR(state->too_many);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tenure_server.ingest.otlp._scan",
    .m_doc = "Reads the spans of OTLP's protobuf.",
    .m_size = sizeof(State),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC
PyInit__scan(void)
{
    return PyModuleDef_Init(&module_definition);
}
