/* The key that plain texts of one shape share, in one pass.

   A key holds the code of a statement as it stands, quoted names included, with NUL for each value, one space for any
   space and comment, and lists of values as one value. A text with anything that takes more than a pass to read (string
   prefixes, backslashes, dollar quotes, casts of values, numbers that are none) has no key here; it is read by
   `skeleton.py` or in full. A key may tell apart what is one statement, never join what is two. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum {
    DOUBLE_TEXTS = 1,
    DOUBLE_NAMES = 2,
    BACKTICK_NAMES = 4,
    BRACKET_NAMES = 8,
    BACKSLASH_IS_PLAIN = 16,
    NESTED_COMMENTS = 32,
    HASH_COMMENTS = 64,
    DOLLAR_TEXTS = 128,
    QUESTION_OPERATORS = 256,
};

typedef struct {
    int kind;
    const void *data;
    Py_ssize_t length;
    Py_ssize_t at;
    unsigned char *out;
    Py_ssize_t used;
    int flags;
    int rows; /* whether rows of values may be one row: not in SELECT and DELETE */
} Pass;

#define VALUE 0
#define END 0xFFFFFFFF

static inline Py_UCS4
peek(const Pass *pass, Py_ssize_t index)
{
    return index < pass->length ? PyUnicode_READ(pass->kind, pass->data, index) : END;
}

static inline int
is_digit(Py_UCS4 c)
{
    return c >= '0' && c <= '9';
}

static inline int
is_letter(Py_UCS4 c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* What may go on a name; what is not ASCII counts as such. */
static inline int
is_word(Py_UCS4 c)
{
    return is_letter(c) || is_digit(c) || c == '$' || (c >= 0x80 && c != END);
}

static inline int
is_space(Py_UCS4 c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline void
put(Pass *pass, Py_UCS4 c)
{
    if (c < 0x80) {
        pass->out[pass->used++] = (unsigned char)c;
    }
    else if (c < 0x800) {
        pass->out[pass->used++] = (unsigned char)(0xC0 | (c >> 6));
        pass->out[pass->used++] = (unsigned char)(0x80 | (c & 0x3F));
    }
    else if (c < 0x10000) {
        pass->out[pass->used++] = (unsigned char)(0xE0 | (c >> 12));
        pass->out[pass->used++] = (unsigned char)(0x80 | ((c >> 6) & 0x3F));
        pass->out[pass->used++] = (unsigned char)(0x80 | (c & 0x3F));
    }
    else {
        pass->out[pass->used++] = (unsigned char)(0xF0 | (c >> 18));
        pass->out[pass->used++] = (unsigned char)(0x80 | ((c >> 12) & 0x3F));
        pass->out[pass->used++] = (unsigned char)(0x80 | ((c >> 6) & 0x3F));
        pass->out[pass->used++] = (unsigned char)(0x80 | (c & 0x3F));
    }
}

static inline void
put_space(Pass *pass)
{
    if (pass->used && pass->out[pass->used - 1] != ' ') {
        pass->out[pass->used++] = ' ';
    }
}

static inline int
ends_with(const Pass *pass, const char *tail, Py_ssize_t size)
{
    return pass->used >= size && memcmp(pass->out + pass->used - size, tail, size) == 0;
}

/* One value; a value after a value and a comma is the same list. */
static inline void
put_value(Pass *pass)
{
    if (ends_with(pass, "\0,", 2)) {
        pass->used -= 2;
    }
    else if (ends_with(pass, "\0, ", 3)) {
        pass->used -= 3;
    }
    pass->out[pass->used++] = VALUE;
}

static inline void
put_closing(Pass *pass)
{
    pass->out[pass->used++] = ')';
    if (pass->rows) {
        if (ends_with(pass, "(\0),(\0)", 7)) {
            pass->used -= 4;
        }
        else if (ends_with(pass, "(\0), (\0)", 8)) {
            pass->used -= 5;
        }
    }
}

/* Each reader starts at the character that called for it and leaves `at` behind what it read; 0 if it cannot tell. */

static int
read_text(Pass *pass, Py_UCS4 quote, Py_UCS4 before)
{
    if (is_word(before) || before == '&') {
        return 0; /* a prefix */
    }
    Py_ssize_t at = pass->at + 1;
    for (; at < pass->length; at++) {
        Py_UCS4 c = peek(pass, at);
        if (c == '\\' && !(pass->flags & BACKSLASH_IS_PLAIN)) {
            return 0;
        }
        if (c == quote) {
            if (peek(pass, at + 1) != quote) {
                pass->at = at + 1;
                put_value(pass);
                return 1;
            }
            at++;
        }
    }
    return 0;
}

static int
read_name(Pass *pass, Py_UCS4 closing)
{
    put(pass, peek(pass, pass->at));
    Py_ssize_t at = pass->at + 1;
    for (; at < pass->length; at++) {
        Py_UCS4 c = peek(pass, at);
        put(pass, c);
        if (c == closing) {
            if (peek(pass, at + 1) != closing) {
                pass->at = at + 1;
                return 1;
            }
            put(pass, closing);
            at++;
        }
    }
    return 0;
}

static int
read_line_comment(Pass *pass)
{
    while (pass->at < pass->length && peek(pass, pass->at) != '\n') {
        pass->at++;
    }
    put_space(pass);
    return 1;
}

static int
read_comment(Pass *pass)
{
    Py_ssize_t at = pass->at + 2;
    for (; at + 1 < pass->length; at++) {
        Py_UCS4 c = peek(pass, at), next = peek(pass, at + 1);
        if (c == '*' && next == '/') {
            pass->at = at + 2;
            put_space(pass);
            return 1;
        }
        if (c == '/' && next == '*' && (pass->flags & NESTED_COMMENTS)) {
            return 0;
        }
    }
    return 0;
}

static int
read_number(Pass *pass)
{
    Py_ssize_t at = pass->at;
    while (is_digit(peek(pass, at))) {
        at++;
    }
    if (peek(pass, at) == '.' && is_digit(peek(pass, at + 1))) {
        at++;
        while (is_digit(peek(pass, at))) {
            at++;
        }
    }
    if (is_word(peek(pass, at)) || peek(pass, at) == '.') {
        return 0;
    }
    pass->at = at;
    put_value(pass);
    return 1;
}

static int
read_dollar(Pass *pass, Py_UCS4 before)
{
    Py_UCS4 next = peek(pass, pass->at + 1);
    if (is_word(before)) {
        put(pass, '$');
        pass->at++;
        return 1;
    }
    if (!is_digit(next)) {
        if ((pass->flags & DOLLAR_TEXTS) && is_word(next)) {
            return 0;
        }
        put(pass, '$');
        pass->at++;
        return 1;
    }
    pass->at++;
    while (is_digit(peek(pass, pass->at))) {
        pass->at++;
    }
    if (is_word(peek(pass, pass->at))) {
        return 0;
    }
    put_value(pass);
    return 1;
}

static int
read_percent(Pass *pass)
{
    Py_UCS4 next = peek(pass, pass->at + 1);
    if (next == 's') {
        pass->at += 2;
        put_value(pass);
        return 1;
    }
    if (next == '(') {
        Py_ssize_t at = pass->at + 2;
        while (is_letter(peek(pass, at)) || is_digit(peek(pass, at))) {
            at++;
        }
        if (peek(pass, at) != ')' || peek(pass, at + 1) != 's') {
            return 0;
        }
        pass->at = at + 2;
        put_value(pass);
        return 1;
    }
    put(pass, '%');
    pass->at++;
    return 1;
}

/* The cast of a value in a list goes without saying. */
static int
read_cast(Pass *pass)
{
    Py_ssize_t at = pass->at + 2;
    if (!is_letter(peek(pass, at))) {
        return 0;
    }
    while (is_letter(peek(pass, at)) || is_digit(peek(pass, at))) {
        at++;
    }
    if (peek(pass, at) != ',' && peek(pass, at) != ')') {
        return 0;
    }
    pass->at = at;
    return 1;
}

static int
read_colon(Pass *pass, Py_UCS4 before)
{
    Py_UCS4 next = peek(pass, pass->at + 1);
    int after_value = pass->used && pass->out[pass->used - 1] == VALUE;
    if (after_value && next == ':') {
        return read_cast(pass);
    }
    if (after_value || next == '?' || is_digit(next)) {
        return 0; /* a placeholder with a number */
    }
    if ((pass->flags & QUESTION_OPERATORS) || before == ':' || before == ']' || is_word(before) || !is_letter(next)) {
        put(pass, ':');
        pass->at++;
        return 1;
    }
    Py_ssize_t at = pass->at + 1;
    while (is_letter(peek(pass, at)) || is_digit(peek(pass, at))) {
        at++;
    }
    if (is_word(peek(pass, at))) {
        return 0;
    }
    pass->at = at;
    put_value(pass);
    return 1;
}

static int
read_question(Pass *pass)
{
    if (pass->flags & QUESTION_OPERATORS) {
        put(pass, '?');
        pass->at++;
        return 1;
    }
    if (is_word(peek(pass, pass->at + 1))) {
        return 0;
    }
    pass->at++;
    put_value(pass);
    return 1;
}

static int
read_dash(Pass *pass)
{
    if (peek(pass, pass->at + 1) == '-') {
        Py_UCS4 after = peek(pass, pass->at + 2);
        if (!(pass->flags & HASH_COMMENTS) || is_space(after) || after == END) {
            return read_line_comment(pass);
        }
        return 0;
    }
    put(pass, '-');
    pass->at++;
    return 1;
}

/* 1, or 0 where the text is not plain. */
static int
read_one(Pass *pass, Py_UCS4 c)
{
    Py_UCS4 before = pass->at ? peek(pass, pass->at - 1) : END;
    switch (c) {
    case '\'':
        return read_text(pass, c, before);
    case '"':
        if (pass->flags & DOUBLE_TEXTS) {
            return read_text(pass, c, before);
        }
        return (pass->flags & DOUBLE_NAMES) ? read_name(pass, c) : 0;
    case '`':
        return (pass->flags & BACKTICK_NAMES) ? read_name(pass, c) : 0;
    case '[':
        if (pass->flags & BRACKET_NAMES) {
            return read_name(pass, ']');
        }
        break;
    case '/':
        if (peek(pass, pass->at + 1) == '*') {
            return read_comment(pass);
        }
        break;
    case '#':
        if (pass->flags & HASH_COMMENTS) {
            return read_line_comment(pass);
        }
        break;
    case '-':
        return read_dash(pass);
    case '$':
        return read_dollar(pass, before);
    case '%':
        return read_percent(pass);
    case ':':
        return read_colon(pass, before);
    case '?':
        return read_question(pass);
    case ')':
        put_closing(pass);
        pass->at++;
        return 1;
    case 0: case 1: case 2: case 3: case '\\':
        return 0;
    }
    put(pass, c);
    pass->at++;
    return 1;
}

static int
read_all(Pass *pass)
{
    while (pass->at < pass->length) {
        Py_UCS4 c = peek(pass, pass->at);
        if (is_letter(c) || c >= 0x80) {
            /* a word, with its digits and dollars */
            do {
                put(pass, c);
                c = peek(pass, ++pass->at);
            } while (is_word(c));
        }
        else if (is_digit(c)) {
            Py_UCS4 before = pass->at ? peek(pass, pass->at - 1) : END;
            if (is_word(before)) {
                put(pass, c); /* after a dollar */
                pass->at++;
            }
            else if (!read_number(pass)) {
                return 0;
            }
        }
        else if (is_space(c)) {
            put_space(pass);
            pass->at++;
        }
        else if (!read_one(pass, c)) {
            return 0;
        }
    }
    return 1;
}

static PyObject *
skeleton(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "skeleton(statement, flags)");
        return NULL;
    }
    long flags = PyLong_AsLong(args[1]);
    if (flags == -1 && PyErr_Occurred()) {
        return NULL;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(args[0]) < 0) {
        return NULL;
    }
#endif
    Pass pass = {
        .kind = PyUnicode_KIND(args[0]),
        .data = PyUnicode_DATA(args[0]),
        .length = PyUnicode_GET_LENGTH(args[0]),
        .flags = (int)flags,
    };
    Py_ssize_t first = 0;
    while (is_space(peek(&pass, first))) {
        first++;
    }
    Py_UCS4 verb = peek(&pass, first);
    pass.rows = verb != 's' && verb != 'S' && verb != 'd' && verb != 'D' && is_letter(verb);
    pass.out = PyMem_Malloc(pass.length * 4 + 1);
    if (pass.out == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *key = NULL;
    if (read_all(&pass)) {
        while (pass.used && (pass.out[pass.used - 1] == ' ' || pass.out[pass.used - 1] == ';')) {
            pass.used--;
        }
        key = PyBytes_FromStringAndSize((const char *)pass.out, pass.used);
    }
    else {
        key = Py_NewRef(Py_None);
    }
    PyMem_Free(pass.out);
    return key;
}

static PyMethodDef functions[] = {
    {"skeleton", (PyCFunction)(void (*)(void))skeleton, METH_FASTCALL,
     "skeleton(statement, flags): the key of a plain text's shape, None where the text is not plain"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_skeleton",
    .m_doc = "The key that plain texts of one shape share, in one pass.",
    .m_size = 0,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit__skeleton(void)
{
    return PyModule_Create(&definition);
}
