/* The common forms of a driver call, without a frame of Python.

   A lane is a callable that stands in a class like a function. It handles the calls that nearly all calls are (an
   exact str as statement, no parameters or an exact tuple, a current operation) and hands every other one, unchanged
   and before anything has run, to its general form, which is written in Python and is the reference: what a lane does
   is what `LedgerTracer.recording`, `LedgerTracer.fetching` and the connection's `cursor` do. No fault of a lane
   reaches the caller; an exception of the driver does, as it was raised. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>
#include <time.h>

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *method;       /* the driver's own */
    PyObject *general;      /* what takes every call that is not common */
    PyObject *variable;     /* recording: the context variable that holds the current context */
    PyObject *span_key;     /* recording: the key of the current span in it */
    PyObject *texts;        /* recording: dict, statement -> fingerprint; its __missing__ makes one */
    PyObject *target;       /* recording: the target of all calls; making: the class of cursors */
    PyObject *target_of;    /* recording: None, or what tells the target of a cursor */
    PyObject *report;       /* takes (site, exception) */
    PyObject *note;         /* recording: None, or what adds to a record the rows that its cursor tells */
    int fetched;            /* recording: the cursor keeps its record */
    PyObject *dict;
} Lane;

static PyObject *s_operation, *s_records, *s_seen, *s_enough, *s_due, *s_failed, *s_verbs_ns, *s_attend, *s_counted,
    *s_key, *s_record, *s_connection, *s_target, *s_qualname, *s_folded_site, *s_book_site,
    *s_rows_site, *s_slow_ns;
static PyObject *zero;

/* An attribute that a class keeps in a slot: its place in the objects of that class. */
typedef struct {
    PyObject **name;
    PyTypeObject *type;
    Py_ssize_t offset;
} Slot;

static Slot slot_records = {&s_records, NULL, 0}, slot_seen = {&s_seen, NULL, 0}, slot_enough = {&s_enough, NULL, 0},
            slot_due = {&s_due, NULL, 0}, slot_counted = {&s_counted, NULL, 0}, slot_key = {&s_key, NULL, 0},
            slot_slow_ns = {&s_slow_ns, NULL, 0};

static PyObject *add_fetch; /* the general way to add the time of a fetch */
static PyObject *shortened; /* what a record holds of a statement that is longer than this many characters */
static Py_ssize_t longest_text;

enum { DURATION = 2, IDENTITY = 5, STATEMENT = 8, RECORD_FIELDS = 9 }; /* a slow query may have one more: its rows */

static int64_t
now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at); /* the clock of time.perf_counter_ns on Linux */
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* Tell about the exception that is set, and clear it: 0. One that is no fault, such as an interrupt, stays set: -1. */
static int
report_fault(Lane *self, PyObject *site)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL) {
        PyObject *done = PyObject_CallFunctionObjArgs(self->report, site, value, NULL);
        if (done == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(done);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}

/* What a call ends with: its own *result* or exception, but for an interrupt that came as it was booked. */
static PyObject *
end_of_call(int interrupted, PyObject *result, PyObject *type, PyObject *value, PyObject *traceback)
{
    if (!interrupted) {
        if (result == NULL) {
            PyErr_Restore(type, value, traceback);
        }
        return result;
    }
    Py_XDECREF(result);
    if (type != NULL) { /* the context of the interrupt, as after a finally */
        PyObject *its_type, *its_value, *its_traceback;
        PyErr_Fetch(&its_type, &its_value, &its_traceback);
        PyErr_NormalizeException(&its_type, &its_value, &its_traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        if (traceback != NULL) {
            PyException_SetTraceback(value, traceback);
        }
        PyException_SetContext(its_value, value);
        PyErr_Restore(its_type, its_value, its_traceback);
        Py_DECREF(type);
        Py_XDECREF(traceback);
    }
    return NULL;
}

static PyObject *
attribute_or_null(PyObject *owner, PyObject *name)
{
    PyObject *found = PyObject_GetAttr(owner, name);
    if (found == NULL) {
        PyErr_Clear();
    }
    return found;
}

static PyObject *
target_of_cursor(Lane *self, PyObject *cursor)
{
    if (self->target_of == Py_None) {
        return Py_NewRef(self->target);
    }
    PyObject *connection = attribute_or_null(cursor, s_connection);
    if (connection != NULL) {
        PyObject *known = attribute_or_null(connection, s_target);
        Py_DECREF(connection);
        if (known != NULL && known != Py_None) {
            return known;
        }
        Py_XDECREF(known);
    }
    return PyObject_CallOneArg(self->target_of, cursor);
}

/* A number that is equal for equal parameters; None where they cannot be hashed. */
static PyObject *
identity_of(PyObject *parameters)
{
    if (parameters == NULL) {
        return Py_NewRef(zero);
    }
    Py_hash_t hash = PyObject_Hash(parameters);
    if (hash == -1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
            return NULL;
        }
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    return PyLong_FromSsize_t(hash);
}

static PyObject *
fingerprint_of(Lane *self, PyObject *statement)
{
    PyObject *found = PyDict_GetItemWithError(self->texts, statement);
    if (found != NULL) {
        return Py_NewRef(found);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    return PyObject_GetItem(self->texts, statement);
}

static int
add_verb_time(PyObject *operation, PyObject *duration)
{
    PyObject *before = PyObject_GetAttr(operation, s_verbs_ns);
    if (before == NULL) {
        return -1;
    }
    PyObject *after = PyNumber_Add(before, duration);
    Py_DECREF(before);
    if (after == NULL) {
        return -1;
    }
    int done = PyObject_SetAttr(operation, s_verbs_ns, after);
    Py_DECREF(after);
    return done;
}

/* An attribute as a new reference; read at its place where *owner* is of exactly the type that has it there. */
static inline PyObject *
slot_or_attribute(PyObject *owner, const Slot *slot)
{
    if (Py_TYPE(owner) == slot->type) {
        PyObject *found = *(PyObject **)((char *)owner + slot->offset);
        if (found != NULL) {
            return Py_NewRef(found);
        }
    }
    return PyObject_GetAttr(owner, *slot->name);
}

static int
limit_of(PyObject *operation, const Slot *slot, Py_ssize_t *limit)
{
    PyObject *found = slot_or_attribute(operation, slot);
    if (found == NULL) {
        return -1;
    }
    *limit = PyLong_AsSsize_t(found);
    Py_DECREF(found);
    return *limit == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Count the fingerprint of *found* among those seen; how often it ran now. */
static Py_ssize_t
count_seen(PyObject *operation, PyObject *found)
{
    PyObject *seen = slot_or_attribute(operation, &slot_seen);
    if (seen == NULL) {
        return -1;
    }
    Py_ssize_t times = -1;
    PyObject *key = slot_or_attribute(found, &slot_key);
    if (key != NULL && PyDict_Check(seen)) {
        PyObject *before = PyDict_GetItemWithError(seen, key);
        if (before != NULL || !PyErr_Occurred()) {
            times = before == NULL ? 1 : PyLong_AsSsize_t(before) + 1;
            PyObject *after = PyLong_FromSsize_t(times);
            if (after == NULL || PyDict_SetItem(seen, key, after) < 0) {
                times = -1;
            }
            Py_XDECREF(after);
        }
    }
    Py_XDECREF(key);
    Py_DECREF(seen);
    return times;
}

/* What Operation.append does with *record*. */
static int
append_to(PyObject *operation, PyObject *found, PyObject *record, int failed)
{
    /* Taking the list and appending to it is one step: no other thread runs in between. */
    PyObject *records = slot_or_attribute(operation, &slot_records);
    if (records == NULL || !PyList_Check(records) || PyList_Append(records, record) < 0) {
        Py_XDECREF(records);
        return -1;
    }
    Py_ssize_t held = PyList_GET_SIZE(records);
    Py_DECREF(records);
    Py_ssize_t times = count_seen(operation, found), enough, due;
    if (times < 0 || (failed && PyObject_SetAttr(operation, s_failed, Py_True) < 0)) {
        return -1;
    }
    if (limit_of(operation, &slot_enough, &enough) < 0 || limit_of(operation, &slot_due, &due) < 0) {
        return -1;
    }
    if (times < enough && held < due) {
        return 0;
    }
    PyObject *times_object = PyLong_FromSsize_t(times);
    if (times_object == NULL) {
        return -1;
    }
    PyObject *done = PyObject_CallMethodObjArgs(operation, s_attend, record, times_object, NULL);
    Py_DECREF(times_object);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Leave in *record* what it may hold of its statement, which is long. */
static int
shorten(PyObject *record)
{
    PyObject *held = PyObject_CallFunctionObjArgs(shortened, PyList_GET_ITEM(record, STATEMENT),
                                                  PyList_GET_ITEM(record, IDENTITY), NULL);
    if (held == NULL) {
        return -1;
    }
    PyObject *text, *identity;
    int done = -1;
    if (PyArg_ParseTuple(held, "OO", &text, &identity) && PyList_SetItem(record, STATEMENT, Py_NewRef(text)) == 0) {
        done = PyList_SetItem(record, IDENTITY, Py_NewRef(identity));
    }
    Py_DECREF(held);
    return done;
}

/* Have the rows of a slow query added to *record*; its booking goes on, but for an interrupt: -1. */
static int
note_rows(Lane *self, PyObject *operation, PyObject *record, PyObject *cursor, int64_t duration_ns)
{
    PyObject *slow = slot_or_attribute(operation, &slot_slow_ns);
    int64_t slow_ns = slow == NULL ? -1 : PyLong_AsLongLong(slow);
    Py_XDECREF(slow);
    if (slow_ns == -1 && PyErr_Occurred()) {
        return report_fault(self, s_rows_site);
    }
    if (duration_ns >= slow_ns) {
        PyObject *done = PyObject_CallFunctionObjArgs(self->note, record, cursor, NULL);
        if (done == NULL) {
            return report_fault(self, s_rows_site);
        }
        Py_DECREF(done);
    }
    return 0;
}

/* Book one finished call; 0, or -1 with an exception set. */
static int
book(Lane *self, PyObject *const *args, Py_ssize_t nargs, PyObject *span, PyObject *operation, int64_t start_ns,
     int64_t duration_ns, PyObject *raised)
{
    int done = -1;
    PyObject *found = NULL, *start = NULL, *duration = NULL, *error = NULL, *identity = NULL, *target = NULL,
             *record = NULL, *counted = NULL;
    if ((found = fingerprint_of(self, args[1])) == NULL || (start = PyLong_FromLongLong(start_ns)) == NULL ||
        (duration = PyLong_FromLongLong(duration_ns)) == NULL ||
        (identity = identity_of(nargs == 3 ? args[2] : NULL)) == NULL ||
        (target = target_of_cursor(self, args[0])) == NULL || (counted = slot_or_attribute(found, &slot_counted)) == NULL) {
        goto end;
    }
    error = raised != NULL ? PyObject_GetAttr(raised, s_qualname) : Py_NewRef(Py_None);
    if (error == NULL || (record = PyList_New(RECORD_FIELDS)) == NULL) {
        goto end;
    }
    PyList_SET_ITEM(record, 0, Py_NewRef(found));
    PyList_SET_ITEM(record, 1, Py_NewRef(start));
    PyList_SET_ITEM(record, DURATION, Py_NewRef(duration));
    PyList_SET_ITEM(record, 3, Py_NewRef(error));
    PyList_SET_ITEM(record, 4, Py_NewRef(span));
    PyList_SET_ITEM(record, IDENTITY, Py_NewRef(identity));
    PyList_SET_ITEM(record, 6, Py_NewRef(zero));
    PyList_SET_ITEM(record, 7, Py_NewRef(target));
    PyList_SET_ITEM(record, STATEMENT, Py_NewRef(args[1]));
    if (PyUnicode_GET_LENGTH(args[1]) > longest_text && shorten(record) < 0) {
        goto end;
    }
    if (self->fetched && PyObject_SetAttr(args[0], s_record, record) < 0) {
        goto end;
    }
    if (self->note != Py_None && raised == NULL && counted == Py_True &&
        note_rows(self, operation, record, args[0], duration_ns) < 0) {
        goto end;
    }
    done = counted == Py_True ? append_to(operation, found, record, raised != NULL)
                              : add_verb_time(operation, duration);
end:
    Py_XDECREF(found);
    Py_XDECREF(start);
    Py_XDECREF(duration);
    Py_XDECREF(error);
    Py_XDECREF(identity);
    Py_XDECREF(target);
    Py_XDECREF(record);
    Py_XDECREF(counted);
    return done;
}

/* The current span and its operation as new references, or 0 where there is none. */
static int
current_operation(Lane *self, PyObject **span, PyObject **operation)
{
    PyObject *context = NULL;
    if (PyContextVar_Get(self->variable, NULL, &context) < 0) {
        PyErr_Clear();
        return 0;
    }
    if (context == NULL) {
        return 0;
    }
    PyObject *found = PyDict_Check(context) ? PyDict_GetItemWithError(context, self->span_key) : NULL;
    if (found == NULL) {
        PyErr_Clear();
        Py_DECREF(context);
        return 0;
    }
    *span = Py_NewRef(found);
    Py_DECREF(context);
    *operation = attribute_or_null(*span, s_operation);
    if (*operation == NULL || *operation == Py_None) {
        Py_XDECREF(*operation);
        Py_DECREF(*span);
        return 0;
    }
    return 1;
}

static PyObject *
record_call(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Lane *self = (Lane *)callable;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    PyObject *span, *operation;
    if (kwnames != NULL || (nargs != 2 && nargs != 3) || !PyUnicode_CheckExact(args[1]) ||
        (nargs == 3 && !PyTuple_CheckExact(args[2])) || !current_operation(self, &span, &operation)) {
        return PyObject_Vectorcall(self->general, args, nargsf, kwnames);
    }
    int64_t start = now_ns();
    PyObject *result = PyObject_Vectorcall(self->method, args, nargsf, NULL);
    int64_t duration = now_ns() - start;
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    if (result == NULL) {
        PyErr_Fetch(&type, &value, &traceback);
    }
    int interrupted = book(self, args, nargs, span, operation, start, duration, type) < 0 &&
                      report_fault(self, s_book_site) < 0;
    Py_DECREF(span);
    Py_DECREF(operation);
    return end_of_call(interrupted, result, type, value, traceback);
}

/* Add *duration_ns* to the record that *cursor* keeps, if it ran a statement. */
static int
add_time(PyObject *cursor, int64_t duration_ns)
{
    PyObject *record = attribute_or_null(cursor, s_record);
    if (record == NULL) {
        return 0;
    }
    int done = -1;
    PyObject *duration = PyLong_FromLongLong(duration_ns);
    if (duration != NULL && PyList_CheckExact(record) && PyList_GET_SIZE(record) >= RECORD_FIELDS &&
        PyLong_CheckExact(PyList_GET_ITEM(record, DURATION))) {
        PyObject *sum = PyNumber_Add(PyList_GET_ITEM(record, DURATION), duration);
        done = sum == NULL ? -1 : PyList_SetItem(record, DURATION, sum);
    }
    else if (duration != NULL) { /* folded into its group */
        PyObject *added = PyObject_CallFunctionObjArgs(add_fetch, record, duration, NULL);
        done = added == NULL ? -1 : 0;
        Py_XDECREF(added);
    }
    Py_XDECREF(duration);
    Py_DECREF(record);
    return done;
}

static PyObject *
fetch_call(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Lane *self = (Lane *)callable;
    if (PyVectorcall_NARGS(nargsf) < 1) {
        return PyObject_Vectorcall(self->general, args, nargsf, kwnames);
    }
    PyObject *cursor = Py_NewRef(args[0]);
    int64_t start = now_ns();
    PyObject *result = PyObject_Vectorcall(self->method, args, nargsf, kwnames);
    int64_t duration = now_ns() - start;
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    if (result == NULL) {
        PyErr_Fetch(&type, &value, &traceback);
    }
    int interrupted = add_time(cursor, duration) < 0 && report_fault(self, s_folded_site) < 0;
    Py_DECREF(cursor);
    return end_of_call(interrupted, result, type, value, traceback);
}

static PyObject *
make_call(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Lane *self = (Lane *)callable;
    if (kwnames != NULL || PyVectorcall_NARGS(nargsf) != 1) {
        return PyObject_Vectorcall(self->general, args, nargsf, kwnames);
    }
    PyObject *given[2] = {args[0], self->target};
    return PyObject_Vectorcall(self->method, given, 2, NULL);
}

static PyObject *
lane_bind(PyObject *self, PyObject *instance, PyObject *Py_UNUSED(owner))
{
    return instance == NULL || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

static int
lane_traverse(PyObject *object, visitproc visit, void *arg)
{
    Lane *self = (Lane *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->method);
    Py_VISIT(self->general);
    Py_VISIT(self->variable);
    Py_VISIT(self->span_key);
    Py_VISIT(self->texts);
    Py_VISIT(self->target);
    Py_VISIT(self->target_of);
    Py_VISIT(self->report);
    Py_VISIT(self->note);
    Py_VISIT(self->dict);
    return 0;
}

static int
lane_clear(PyObject *object)
{
    Lane *self = (Lane *)object;
    Py_CLEAR(self->method);
    Py_CLEAR(self->general);
    Py_CLEAR(self->variable);
    Py_CLEAR(self->span_key);
    Py_CLEAR(self->texts);
    Py_CLEAR(self->target);
    Py_CLEAR(self->target_of);
    Py_CLEAR(self->report);
    Py_CLEAR(self->note);
    Py_CLEAR(self->dict);
    return 0;
}

static void
lane_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    lane_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef lane_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Lane, vectorcall), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Lane, dict), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef lane_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot lane_slots[] = {
    {Py_tp_dealloc, lane_dealloc},
    {Py_tp_traverse, lane_traverse},
    {Py_tp_clear, lane_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, lane_bind},
    {Py_tp_members, lane_members},
    {Py_tp_getset, lane_getset},
    {0, NULL},
};

static PyType_Spec lane_spec = {
    .name = "otel_verein.instrumentation.drivers._fastlane.Lane",
    .basicsize = sizeof(Lane),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = lane_slots,
};

static PyTypeObject *lane_type;

static Lane *
new_lane(vectorcallfunc call, PyObject *method, PyObject *general, PyObject *report)
{
    Lane *lane = PyObject_GC_New(Lane, lane_type);
    if (lane == NULL) {
        return NULL;
    }
    lane->vectorcall = call;
    lane->method = Py_NewRef(method);
    lane->general = Py_NewRef(general);
    lane->report = Py_NewRef(report);
    lane->variable = lane->span_key = lane->texts = lane->target = lane->target_of = lane->note = lane->dict = NULL;
    lane->fetched = 0;
    PyObject_GC_Track((PyObject *)lane);
    return lane;
}

static PyObject *
recording(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *method, *general, *report, *variable, *span_key, *texts, *target, *target_of, *note;
    int fetched;
    if (!PyArg_ParseTuple(args, "OOOOOO!OOpO:recording", &method, &general, &report, &variable, &span_key,
                          &PyDict_Type, &texts, &target, &target_of, &fetched, &note)) {
        return NULL;
    }
    if (!PyContextVar_CheckExact(variable)) {
        PyErr_SetString(PyExc_TypeError, "the fourth argument must be a ContextVar");
        return NULL;
    }
    Lane *lane = new_lane(record_call, method, general, report);
    if (lane != NULL) {
        lane->variable = Py_NewRef(variable);
        lane->span_key = Py_NewRef(span_key);
        lane->texts = Py_NewRef(texts);
        lane->target = Py_NewRef(target);
        lane->target_of = Py_NewRef(target_of);
        lane->fetched = fetched;
        lane->note = Py_NewRef(note);
    }
    return (PyObject *)lane;
}

static PyObject *
fetching(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *method, *general, *report;
    if (!PyArg_ParseTuple(args, "OOO:fetching", &method, &general, &report)) {
        return NULL;
    }
    return (PyObject *)new_lane(fetch_call, method, general, report);
}

static PyObject *
making(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *method, *general, *report, *type;
    if (!PyArg_ParseTuple(args, "OOOO!:making", &method, &general, &report, &PyType_Type, &type)) {
        return NULL;
    }
    Lane *lane = new_lane(make_call, method, general, report);
    if (lane != NULL) {
        lane->target = Py_NewRef(type);
    }
    return (PyObject *)lane;
}

static PyMethodDef functions[] = {
    {"recording", recording, METH_VARARGS,
     "recording(method, general, report, variable, span_key, texts, target, target_of, fetched, note)"},
    {"fetching", fetching, METH_VARARGS, "fetching(method, general, report)"},
    {"making", making, METH_VARARGS, "making(method, general, report, cursor_type)"},
    {NULL, NULL, 0, NULL},
};

static int
intern_names(void)
{
    struct {
        PyObject **place;
        const char *text;
    } names[] = {
        {&s_operation, "_verein_operation"}, {&s_records, "records"}, {&s_seen, "seen"}, {&s_enough, "enough"},
        {&s_due, "due"}, {&s_failed, "failed"}, {&s_verbs_ns, "verbs_ns"}, {&s_attend, "attend"},
        {&s_counted, "counted"}, {&s_key, "key"}, {&s_record, "_verein"}, {&s_connection, "connection"},
        {&s_target, "_verein_target"}, {&s_qualname, "__qualname__"}, {&s_folded_site, "instrumentation.fetch"},
        {&s_book_site, "instrumentation.book"}, {&s_rows_site, "instrumentation.rows"},
        {&s_slow_ns, "slow_ns"},
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if ((*names[index].place = PyUnicode_InternFromString(names[index].text)) == NULL) {
            return -1;
        }
    }
    return (zero = PyLong_FromLong(0)) == NULL ? -1 : 0;
}

/* Find where objects of the class *module*.*name* keep what the *slots* are called; they are read by name otherwise. */
static int
locate(const char *module, const char *name, Slot **slots)
{
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *type = imported == NULL ? NULL : PyObject_GetAttrString(imported, name);
    Py_XDECREF(imported);
    if (type == NULL) {
        return -1;
    }
    for (; PyType_Check(type) && *slots != NULL; slots++) {
        PyObject *descriptor = PyObject_GetAttr(type, *(*slots)->name);
        if (descriptor == NULL) {
            Py_DECREF(type);
            return -1;
        }
        if (Py_TYPE(descriptor) == &PyMemberDescr_Type && PyDescr_TYPE(descriptor) == (PyTypeObject *)type &&
            ((PyMemberDescrObject *)descriptor)->d_member->type == T_OBJECT_EX) {
            (*slots)->offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
            (*slots)->type = (PyTypeObject *)type; /* kept for good, as the module is */
            Py_INCREF(type);
        }
        Py_DECREF(descriptor);
    }
    Py_DECREF(type);
    return 0;
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_fastlane",
    .m_doc = "The common forms of a driver call, without a frame of Python.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit__fastlane(void)
{
    PyObject *record_module = PyImport_ImportModule("otel_verein.ledger.record");
    if (record_module == NULL) {
        return NULL;
    }
    add_fetch = PyObject_GetAttrString(record_module, "add_fetch");
    shortened = PyObject_GetAttrString(record_module, "shortened");
    PyObject *longest = PyObject_GetAttrString(record_module, "LONGEST_TEXT");
    Py_DECREF(record_module);
    longest_text = longest == NULL ? -1 : PyLong_AsSsize_t(longest);
    Py_XDECREF(longest);
    if (add_fetch == NULL || shortened == NULL || longest_text < 0 || intern_names() < 0) {
        return NULL;
    }
    Slot *of_operation[] = {&slot_records, &slot_seen, &slot_enough, &slot_due, &slot_slow_ns, NULL};
    Slot *of_fingerprint[] = {&slot_counted, &slot_key, NULL};
    if (locate("otel_verein.ledger.operation", "Operation", of_operation) < 0 ||
        locate("otel_verein.ledger.fingerprint", "Fingerprint", of_fingerprint) < 0) {
        return NULL;
    }
    lane_type = (PyTypeObject *)PyType_FromSpec(&lane_spec);
    return lane_type == NULL ? NULL : PyModule_Create(&definition);
}
