"""Finds thresholds that are written as literals: numbers that judge what was measured.

Three kinds are found in Python code:

- ``compared``: something that is measured, by its name, is compared (``<``, ``<=``, ``>``, ``>=``) with a number, or
  with a constant that is one. 0, 1 and -1 are no thresholds: they are nothing, all and the sign.
- ``named``: a number is given to a name that judges, such as ``SLOW_MS = 200``: a constant, a field, an argument or its
  default, a key of a mapping.
- ``same``: a number stands in the code that is also the default, or what an environment presets, of an option that
  judges; only asked for where applications are judged. What is only calculated with, such as the 100 of a percentage,
  is left out: it is no bound.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass


def words(text: str) -> frozenset[str]:
    """The words of *text*."""
    return frozenset(text.split())


MEASURED = words("""
    age count counts duration durations elapsed errors failures health latency memory overhead percent percentage
    queries rate ratio repeats score share slow spent time times took wall wasted milliseconds seconds s ms mb
""")
"""Words in the names of figures."""

JUDGING = words("""
    acceptable alert alerts bad budget budgets critical danger degraded excellent fair good healthy high level levels
    limit limits low objective poor severity slow target threshold thresholds tolerance unhealthy warn warning
""")
"""Words in the names of what figures are judged by."""

SENTINELS = frozenset((0, 1, -1))
_ORDERING = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True)
class Literal:
    """A number that seems to be a threshold; *inside* is the function, class or constant that holds it."""

    path: str
    inside: str
    value: float
    rule: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.value} in {self.inside or 'the module'} ({self.rule})"


def constants_of(source: str) -> dict[str, float]:
    """The names of a module, or of a class in it, that stand for a number."""
    named = (pair for node in ast.walk(ast.parse(source)) for pair in _targets(node))
    return {name: number for name, value in named if (number := _number(value)) is not None}


def in_python(
    source: str, path: str, defaults: Collection[tuple[type, float]] = (), elsewhere: Mapping[str, float] | None = None
) -> list[Literal]:
    """The threshold literals of a module.

    *defaults* are the values, with their type, that the rule ``same`` looks for; *elsewhere* has the constants of other
    modules.
    """
    tree = ast.parse(source)
    constants = {name: number for name, number in (elsewhere or {}).items() if name.isupper()} | constants_of(source)
    calculated = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.BinOp) for part in (node.left, node.right)
    }
    found: list[Literal] = []
    for node, inside in _walk(tree, ""):
        found += (Literal(path, inside, value, "compared", node.lineno) for value in _compared(node, constants))
        for name, value in _named(node):
            found.append(Literal(path, ".".join(filter(None, (inside, name))), value, "named", node.lineno))
        number = _number(node) if isinstance(node, ast.Constant) and id(node) not in calculated else None
        if number is not None and (type(number), number) in defaults and number not in SENTINELS:
            found.append(Literal(path, inside, number, "same", node.lineno))
    return found


_IN_TEXT = re.compile(
    r"""(?ix)
    (?:\b(?P<key>[\w-]*(?:threshold|budget|warning|critical|latency|objective|max_queries)[\w-]*)["']?\s*[:=]\s*["']?
    |[<>]=?\s*(?:bool\s+)?)
    (?P<number>-?\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d|%|MiB|MB)?\b
    """
)
_FROM = re.compile(r"#\s*from\s+(?P<key>[a-z_]+\.[a-z_]+)(?:\s+x\s+(?P<factor>\d+(?:\.\d+)?))?\s*$")


def in_text(text: str, path: str, options: dict[str, float]) -> list[Literal]:
    """The threshold literals of a file that is no Python, such as a rule for alerts.

    A line may end with ``# from <section>.<option>``, or ``... x 1000`` for another unit: its number is then that of
    the option among *options*, or found.
    """
    found: list[Literal] = []
    for line, content in enumerate(text.splitlines(), start=1):
        origin = _FROM.search(content)
        expected = options.get(origin["key"]) if origin else None
        if expected is not None and origin is not None:
            expected = round(expected * float(origin["factor"] or 1), 9)
        for match in _IN_TEXT.finditer(content[: origin.start()] if origin else content):
            number = float(match["number"])
            if number != expected and (number not in SENTINELS or origin):
                found.append(Literal(path, match["key"] or "an expression", number, "text", line))
    return found


def _walk(node: ast.AST, inside: str) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Every node below *node*, with the dotted name of what holds it."""
    for child in ast.iter_child_nodes(node):
        name = inside
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{inside}.{child.name}" if inside else child.name
        elif not inside and isinstance(child, ast.Assign | ast.AnnAssign):
            name = next((name for name, _ in _targets(child)), "")
        if isinstance(child, ast.expr | ast.stmt):
            yield child, inside if isinstance(child, ast.Assign | ast.AnnAssign) else name
        yield from _walk(child, name)


def _targets(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement gives a value to, with the value."""
    if isinstance(node, ast.Assign):
        yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value


def _compared(node: ast.AST, constants: Mapping[str, float]) -> Iterator[float]:
    """The numbers that something measured is compared with."""
    if not isinstance(node, ast.Compare):
        return
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(operator, _ORDERING):
            for one, other in ((left, right), (right, left)):
                named = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
                number = constants.get(named, _number(one))
                if number is not None and number not in SENTINELS and _words_in(other) & MEASURED:
                    yield number


def _named(node: ast.AST) -> Iterator[tuple[str, float]]:
    """The numbers that are given to names that judge."""
    pairs = list(_targets(node))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True)
        keyword = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        pairs += [(argument.arg, default) for argument, default in (*defaults, *keyword) if default is not None]
    if isinstance(node, ast.Call):
        pairs += [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg is not None]
    if isinstance(node, ast.Dict):
        keys = (
            (key, value) for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
        )
        pairs += [(str(key.value), value) for key, value in keys]
    for name, value in pairs:
        if set(name.lower().split("_")) & JUDGING:
            yield from ((name, number) for number in _numbers(value) if number not in SENTINELS)


def _numbers(node: ast.expr) -> Iterator[float]:
    """The number that *node* is, or those of the collection that it writes out."""
    number = _number(node)
    if number is not None:
        yield number
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from _numbers(element)
    elif isinstance(node, ast.Dict):
        for element in (*node.keys, *node.values):
            yield from _numbers(element) if element is not None else ()


def _number(node: ast.expr | None) -> float | None:
    """The number that *node* writes out, with a sign or as a product or quotient too; None if it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _number(node.operand)
        return None if number is None else -number
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow):
        left, right = _number(node.left), _number(node.right)
        if left is not None and right is not None:
            if isinstance(node.op, ast.Mult):
                return left * right
            return float(left**right) if isinstance(node.op, ast.Pow) else left / (right or 1)
    return None


def _words_in(node: ast.expr) -> set[str]:
    """The words of all names in *node*."""
    names: list[str] = []
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            names.append(each.id)
        elif isinstance(each, ast.Attribute):
            names.append(each.attr)
        elif isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant):
            names.append(str(each.slice.value))
    return {word for name in names for word in name.lower().split("_")}
