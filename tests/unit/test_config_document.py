"""Documents: what is read as what, and every problem with its line and cure."""

from __future__ import annotations

import json
from datetime import date

import pytest
import yaml

from otel_verein.config.document import ListNode, MapNode, Member, Node, Scalar, plain, read

SCALARS = [
    ("true", True), ("True", True), ("FALSE", False), ("yes", "yes"), ("on", "on"), ("No", "No"), ("tRUE", "tRUE"),
    ("null", None), ("~", None), ("", None), ("NULL", None), ("nil", "nil"),
    ("010", 10), ("-7", -7), ("+7", 7), ("0x1F", 31), ("0o17", 15), ("-0x1F", "-0x1F"), ("0b11", "0b11"),
    ("1_000", "1_000"), ("1:30", "1:30"), ("1,000", "1,000"), ("\u0663", "\u0663"),
    ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("-1.5e-3", -0.0015), ("1e3", 1000.0), ("1e", "1e"), (".", "."),
    ("+", "+"), ("-.", "-."), ("1.2.3", "1.2.3"),
    (".inf", float("inf")), ("-.INF", float("-inf")), ("inf", "inf"), ("nan", "nan"),
    ("2027-03-31", date(2027, 3, 31)), ("2027-02-30", "2027-02-30"), ("2027-3-31", "2027-3-31"),
    ("2027-03-31T12:00:00Z", "2027-03-31T12:00:00Z"), ("0000-01-01", "0000-01-01"),
    ("'5'", "5"), ('"true"', "true"), ("'~'", "~"), ("'2027-03-31'", "2027-03-31"), ("a b", "a b"),
]  # fmt: skip

PROBLEMS = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", ["3: a: is given twice; the first is in line 1"]),
    "a key twice in a section": ("s:\n  a: 1\n  'a': 2\n", ["3: s.a: is given twice; the first is in line 2"]),
    "one number as two keys": ("1: a\n'1': b\n", ["2: 1: is given twice; the first is in line 1"]),
    "in an entry of a list": (
        "a:\n  b:\n    - {c: 1}\n    - {c: 1, c: 2}\n",
        ["4: a.b[1].c: is given twice; the first is in line 4"],
    ),
    "merge key": ("b:\n  <<: {x: 1}\n", ["2: b: merge keys (<<) are not read; write the values out"]),
    "tag of YAML": ("a: !!int '5'\n", ["1: a: tags such as !!int are not read; write the plain value"]),
    "tag of Python": (
        "a: !!python/object/apply:os.system [ls]\n",
        ["1: a: tags such as !!python/object/apply:os.system are not read; write the plain value"],
    ),
    "tag of nothing": ("a: ! 5\n", ["1: a: tags such as ! are not read; write the plain value"]),
    "tag of a key": ("!x a: 5\n", ["1: tags such as !x are not read; write the plain value"]),
    "list as a key": ("[a]: 1\n", ["1: has a list or mapping as a key; quote text that begins with [ or {"]),
    "a template": ("a: {{b}}\n", ["1: a: has a list or mapping as a key; quote text that begins with [ or {"]),
    "a template as a key": (
        "{{b}}: 1\n",
        ["1: has a list or mapping as a key; quote text that begins with [ or {"],
    ),
    "a bad list as a key": ("[!x a]: 1\n", ["1: [0]: tags such as !x are not read; write the plain value"]),
    "alias of nothing": (
        "a: *b\n",
        ["1: a: *b names nothing, as no &b comes before it; quote text that begins with *"],
    ),
    "alias inside of itself": ("a: &b [*b]\n", ["1: a[0]: *b stands inside what it names"]),
    "long number": ("a: " + "9" * 5000 + "\n", ["1: a: a number of 5,000 characters is not read; at most 100 are"]),
    "second document": ("a: 1\n---\nb: 2\n", ["2: begins a second document; a file holds one"]),
    "tab": ("a:\n\tb: 1\n", ["2: is indented with a tab; use spaces"]),
    "tab after spaces": ("a:\n  b: 1\n  \tc: 2\n", ["3: is indented with a tab; use spaces"]),
    "tab within a value": ("a: x\n\tb: 1\n", ["2: is indented with a tab; use spaces"]),
    "tab in a line that goes on": ("a: 5\n \tb: 1\n", ["2: is indented with a tab; use spaces"]),
    "tab after a dash": ("-\tb: 1\n", ["1: is indented with a tab; use spaces"]),
    "NUL": (
        "a: 1\nb: \0\n",
        ["2: holds the character U+0000, which YAML does not allow; is the file damaged, or no text?"],
    ),
    "byte order mark in the middle": (
        "a: 1\n\ufeffb: 2\n",
        ["2: holds the character U+FEFF, which YAML does not allow; is the file damaged, or no text?"],
    ),
    "line separator in a comment": (
        "a: 1 # \u2028b: 2\n",
        ["1: holds the character U+2028, which only some programs take for the end of a line; "
         "write \\L between double quotes"],
    ),
    "too deep": ("a: " + "[" * 20 + "]" * 20, ["1: is nested deeper than 20 levels"]),
    "too deep by far": ("[" * 3000, ["1: is nested deeper than 20 levels"]),
    "too deep with aliases": (
        "a: &a " + "[" * 12 + "]" * 12 + "\nb: [[[[[[[[*a]]]]]]]]\n",
        ["2: is nested deeper than 20 levels"],
    ),
    "several at once": (
        "a: 1\na: 2\nb: !x 3\nc:\n\td: 1\n",
        ["2: a: is given twice; the first is in line 1",
         "3: b: tags such as !x are not read; write the plain value",
         "5: is indented with a tab; use spaces"],
    ),
}  # fmt: skip


def told(data: bytes) -> list[str]:
    """The problems of *data*, without the name of the file."""
    return [str(problem).removeprefix("f:") for problem in read(data, "f")[1]]


@pytest.fixture(params=["with libyaml", "without"])
def any_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers that PyYAML can come with."""
    if request.param == "without":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not yaml.__with_libyaml__:
        pytest.skip("this PyYAML comes without libyaml")


@pytest.mark.usefixtures("any_parser")
@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[text or "nothing" for text, _ in SCALARS])
def test_scalars_are_those_of_the_core_schema(text: str, value: object) -> None:
    """YAML 1.2's core schema, and dates; what YAML 1.1 alone reads as something else is text."""
    node, problems = read(f"- {text}\n".encode(), "f")

    assert isinstance(node, ListNode)
    scalar = node.items[0]
    assert isinstance(scalar, Scalar)
    assert ([], value, type(value)) == (problems, scalar.value, type(scalar.value))


def test_not_a_number_is_a_float() -> None:
    """``.nan`` is given on; the check of the option refuses it."""
    assert "nan" == repr(plain(read(b".nan", "f")[0]))


@pytest.mark.usefixtures("any_parser")
@pytest.mark.parametrize(("text", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_has_its_line_key_and_cure(text: str, expected: list[str]) -> None:
    """All that is wrong is told at once, in the order of the file, by either parser."""
    assert expected == told(text.encode())


@pytest.mark.usefixtures("any_parser")
def test_lines_are_those_of_an_editor() -> None:
    """LF, CRLF and CR end a line, and nothing else does."""
    members = {end: read(f"a: 1{end}{end}s:{end}  - x{end}".encode(), "f")[0] for end in ("\n", "\r\n", "\r")}

    expected = MapNode((Member("a", 1, Scalar(1, 1)), Member("s", 3, ListNode((Scalar("x", 4),), 4))), 1)
    assert dict.fromkeys(members, expected) == members


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    """Editors on Windows write one."""
    assert {"a": 1} == plain(read(b"\xef\xbb\xbfa: 1\n", "f")[0])


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"\xff", 1),
        (b"a: 1\nb: \xe9\n", 2),
        (b"a: 1\r\nb: \xe9", 2),
        (b"a: 1\rb: \xe9", 2),
        ("a: 1\n".encode("utf-16"), 1),
        (b"\xed\xa0\x80", 1),
    ],
    ids=["one byte", "Latin-1", "after CRLF", "after CR", "UTF-16", "half of a pair"],
)
def test_other_encodings_are_refused_at_the_bad_byte(data: bytes, line: int) -> None:
    """What is not UTF-8 is not guessed at."""
    assert [f"{line}: is not UTF-8 text; save the file in the encoding UTF-8"] == told(data)


@pytest.mark.parametrize("text", ["", "# note\n", "---\n", "~\n", "\n \n", "---\n...\n", "\ufeff"])
def test_an_empty_document_is_none(text: str) -> None:
    """Nothing to read is nothing wrong."""
    assert (None, []) == read(text.encode(), "f")


def test_directives_are_passed_over() -> None:
    """A version is no problem; a heap of directives is, as each is compared with all before it."""
    few, many = ("".join(f"%TAG !a{n}! x\n" for n in range(count)) + "---\na: 1\n" for count in (20, 21))

    assert [{"a": 1}] * 2 == [plain(read(text.encode(), "f")[0]) for text in ("%YAML 1.1\n---\na: 1\n", few)]
    assert ["f: has more than 20 lines that begin with '%'"] == [str(each) for each in read(many.encode(), "f")[1]]


def test_keys_are_text() -> None:
    """Numbers, null and booleans as keys are as they are written; an alias is the text that it names."""
    node, problems = read(b"5: a\nnull: b\ntrue: &k c\n*k : d\n'': e\n'<<': f\n&n 010: *n\n", "f")

    expected = {"5": "a", "null": "b", "true": "c", "c": "d", "": "e", "<<": "f", "010": 10}
    assert (expected, []) == (plain(node), problems)


def test_aliases_stand_for_what_they_name() -> None:
    """A value can be written once and used twice; the last anchor of a name counts."""
    node, problems = read(b"a: &x [1, 2]\nb: *x\nc: &x 010\nd: *x\ne: &y 5\n", "f")

    assert ({"a": [1, 2], "b": [1, 2], "c": 10, "d": 10, "e": 5}, []) == (plain(node), problems)


LEFT_OUT = {
    "option with a tag": ("a: {x: !t 1, y: 2}", {"a": {"y": 2}}),
    "list with a tag": ("a: !t [1]\nb: 1", {"b": 1}),
    "mapping with a tag": ("a: !t {x: 1}\nb: 1", {"b": 1}),
    "part of an entry": ("a: [{x: 1, y: !t 2}, {x: 3}]\nb: 1", {"b": 1}),
    "item": ("a: [1, !t 2]\nb: 1", {"b": 1}),
    "merged part of an entry": ("a: [{<<: {}, x: 1}]\nb: 1", {"b": 1}),
    "merged part of a section": ("a: {<<: {y: 2}, x: 1}", {"a": {"x": 1}}),
    "template": ("a: {{x}}\nb: 1", {"b": 1}),
    "alias": ("a: *x\nb: 1", {"b": 1}),
    "alias as a key": ("*x : 1\nb: 1", None),
    "alias of what cannot be read": ("a: &x !t 1\nb: *x\nc: 1", {"c": 1}),
}


@pytest.mark.parametrize(("text", "expected"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_cannot_be_read_is_left_out_with_the_list_it_stands_in(text: str, expected: object) -> None:
    """An entry of a list without one of its keys would say something else; a section is fine without an option."""
    node, problems = read(text.encode(), "f")

    assert (expected, 1) == (plain(node), len(problems))


def test_the_first_of_two_equal_keys_holds() -> None:
    """So a check that goes on sees each key once."""
    node, _ = read(b"a: 1\nb: [{c: 1, c: 2}, {c: 3, c: !t 4}]\na: 2\n", "f")

    assert {"a": 1, "b": [{"c": 1}, {"c": 3}]} == plain(node)


def test_json_is_read_as_json() -> None:
    """JSON is YAML: what other programs write needs no other reader."""
    data = {"a": [1, -2.5, True, None, "x\ny"], "b": {"c": {}, "d": []}, "é": "\u20ac"}

    assert data == plain(read(json.dumps(data).encode(), "f")[0])


def test_plain_gives_what_nodes_stand_for() -> None:
    """None for no node; shared nodes of aliases are separate lists."""
    node: Node = MapNode((Member("a", 1, ListNode((Scalar(1, 1),), 1)),), 1)

    assert (None, {"a": [1]}) == (plain(None), plain(node))


def test_a_number_has_a_hundred_characters_at_most() -> None:
    """The bound itself is inside; text may be longer."""
    node, problems = read(f"a: {'9' * 100}\nb: -{'9' * 100}\nc: {'9' * 101}x\n".encode(), "f")

    assert {"a": int("9" * 100), "c": "9" * 101 + "x"} == plain(node)
    assert ["f:2: b: a number of 101 characters is not read; at most 100 are"] == [str(each) for each in problems]


@pytest.mark.usefixtures("any_parser")
@pytest.mark.parametrize("text", ['"\\UFFFFFFFF"', "%YAML 1." + "9" * 5000 + "\n---\na"], ids=["character", "version"])
def test_what_a_parser_stumbles_over_is_one_problem(text: str) -> None:
    """PyYAML's own parser raises ValueError and OverflowError for these."""
    node, problems = read(text.encode(), "f")

    assert (None, 1) == (node, len(problems))
