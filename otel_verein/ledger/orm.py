"""Which ORM a query went through, and by which of its functions, told from the frames between driver and call site."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

_FILES: Final = re.compile(
    r"django/(?:db/models|contrib/contenttypes)/|sqlalchemy/(?:orm|engine|ext)/|peewee\.py$|playhouse/|pony/orm/|tortoise/"
)
# Frappe lives in a folder of its bench as applications do, not among the installed packages.
_FRAPPE: Final = re.compile(
    r"/frappe/(?:__init__\.py$|client\.py$|(?:database|model|query_builder)/|utils/caching\.py$)"
)
_LIBRARIES: Final = {
    "django": "django",
    "sqlalchemy": "sqlalchemy",
    "peewee": "peewee",
    "playhouse": "peewee",
    "pony": "pony",
    "tortoise": "tortoise",
    "frappe": "frappe",
}
# Functions through which all sorts of queries go, and those that stand around others.
_PASSES: Final = {
    "django": re.compile(r":(?:Manager\w*\.__get__|.*\.inner|.*\.wrapper)$"),
    "sqlalchemy": re.compile(r"^sqlalchemy\.(?:orm\.(?:attributes|state|scoping|identity)|ext\.)"),
    "peewee": re.compile(r":(?:inner|wrapper|prefetch)$"),
    "tortoise": re.compile(r"^tortoise\.(?:backends|transactions)\b"),
    "frappe": re.compile(r":(?:wrapper|wrapped|inner|\w+_wrapper)$"),
}
# What asks of its own accord, while the application seems to do something else.
_TELLING: Final = {
    "sqlalchemy": re.compile(
        r":(?:LazyLoader\._load_for_state|DeferredColumnLoader\._load_for_state|load_scalar_attributes|Session\._flush)$"
    ),
}
_LONGEST: Final = 200
_MOST_FIELDS: Final = 200
_MOST_FUNCTIONS: Final = 4096


@dataclass(frozen=True, slots=True)
class Through:
    """An ORM, and its function that the application went into: ``module:qualified.name``.

    Where the function tells them, ``of Model`` or ``of Model.relation`` follows after a space.
    """

    orm: str
    via: str


def is_orm(file: str, package: str) -> bool:
    """Whether the code of *file* decides, in an ORM, which queries are run.

    *package* is its path from where packages are installed, empty for what is none.
    """
    if _FILES.match(package.replace(os.sep, "/")):
        return True
    return _FRAPPE.search(file.replace(os.sep, "/")) is not None


def through(frames: Sequence[FrameType]) -> Through | None:
    """What *frames* of ORMs, the innermost first, say; None when there are none.

    It is the outermost function that is no mere wrapper, unless one is known to tell more. Reads names, models and
    fields from the locals of that one frame, and runs no code of the application.
    """
    best: tuple[FrameType, _Function] | None = None
    for frame in reversed(frames):
        function = _function(frame)
        if function is None:
            continue
        if function.tells:
            best = frame, function
            break
        if best is None and not function.passes:
            best = frame, function
            if function.orm not in _TELLING:
                break
    if best is None:
        return None
    frame, function = best
    values = frame.f_locals
    name = function.name
    if frame.f_code.co_name == "manager_method" and isinstance(values.get("name"), str):
        name = f"{name.partition(':')[0]}:{type(values.get('self')).__name__}.{values['name']}"  # one code for them all
    subject = _SUBJECTS.get(function.orm, _model)(values, name)
    return Through(function.orm, (f"{name} of {subject}" if subject else name)[:_LONGEST])


def version(orm: str) -> str | None:
    """The version of an ORM in this process, as its module says it; None when it does not."""
    known = getattr(sys.modules.get(orm), "__version__", None)
    return known if isinstance(known, str) else None


class _Function(NamedTuple):
    """What is the same for every call of a function; ``code`` is held so that its identity stays its own."""

    code: CodeType
    orm: str
    name: str
    tells: bool
    passes: bool


_functions: dict[int, _Function] = {}


def _function(frame: FrameType) -> _Function | None:
    """What is known of the function of *frame*; looked up once. None for what has no name or is of no ORM."""
    code = frame.f_code
    known = _functions.get(id(code))
    if known is not None and known.code is code:
        return known
    module = frame.f_globals.get("__name__")
    orm = _LIBRARIES.get(module.partition(".")[0]) if isinstance(module, str) else None
    if orm is None or code.co_name.startswith("<"):
        return None
    name = f"{module}:{_qualified(frame)}"
    telling, passing = _TELLING.get(orm), _PASSES.get(orm)
    found = _Function(
        code,
        orm,
        name,
        telling is not None and telling.search(name) is not None,
        passing is not None and passing.search(name) is not None,
    )
    if len(_functions) >= _MOST_FUNCTIONS:
        _functions.clear()
    _functions[id(code)] = found
    return found


def _qualified(frame: FrameType) -> str:
    """The name of the function with its class, without the functions around and the underscore of private classes."""
    code = frame.f_code
    whole = getattr(code, "co_qualname", None)
    if whole is None:  # before Python 3.11
        whole = _looked_up(code, frame.f_locals.get("self", frame.f_locals.get("cls")))
    inner = str(whole).rpartition("<locals>.")[2]
    return inner if inner.startswith("__") else inner.lstrip("_")


def _looked_up(code: CodeType, owner: object) -> str:
    """The name of a method by the class among those of *owner* that defines it."""
    for kind in (owner if isinstance(owner, type) else type(owner)).__mro__:
        defined = vars(kind).get(code.co_name)
        defined = getattr(defined, "__func__", getattr(defined, "fget", defined))
        if getattr(defined, "__code__", None) is code:
            return f"{kind.__qualname__}.{code.co_name}"
    return code.co_name


def _django(values: Mapping[str, Any], name: str) -> str | None:
    """The model, and the relation where it is one; from instance dictionaries, since attributes may run queries."""
    owner = values.get("self")
    held: Mapping[str, Any] = getattr(owner, "__dict__", {})
    place = name.partition(":")[2]
    if place.startswith(("Forward", "DeferredAttribute")):
        field = held.get("field")
        return None if field is None else f"{field.model.__name__}.{field.name}"
    if place.startswith("ReverseOneToOneDescriptor"):
        related = held.get("related")
        return None if related is None else f"{related.model.__name__}.{related.get_accessor_name()}"
    if place.startswith("GenericForeignKey"):
        return f"{held['model'].__name__}.{held['name']}" if "name" in held and "model" in held else None
    if "instance" in held and type(owner).__module__.startswith("django."):
        return _relation(type(held["instance"]), held)
    instance = (held.get("_hints") or {}).get("instance")
    if instance is not None:
        for field in held.get("_known_related_objects") or ():
            return f"{type(instance).__name__}.{field.remote_field.get_accessor_name()}"
        return _many_to_many(type(instance), held.get("_query")) or f"{type(instance).__name__}.*"
    return _model(values, name)


def _relation(model: type, held: Mapping[str, Any]) -> str | None:
    """The relation whose manager *held* are the attributes of."""
    known = held.get("prefetch_cache_name")
    if known is None and held.get("field") is not None:
        known = held["field"].remote_field.get_accessor_name()
    return f"{model.__name__}.{known}" if isinstance(known, str) else None


def _many_to_many(model: Any, query: Any) -> str | None:
    """The relation of *model* through whose table *query* selects."""
    conditions = getattr(getattr(query, "where", None), "children", ())
    target = next((getattr(getattr(each, "lhs", None), "target", None) for each in conditions), None)
    table = getattr(target, "model", None)
    for field in model._meta.get_fields()[:_MOST_FIELDS] if table is not None else ():
        if field.many_to_many and table in (
            getattr(getattr(field, "remote_field", None), "through", None),
            getattr(field, "through", None),
        ):
            accessor = field.name if field.concrete else field.get_accessor_name()
            return f"{model.__name__}.{accessor}"
    return None


def _sqlalchemy(values: Mapping[str, Any], name: str) -> str | None:
    owner = values.get("self")
    if name.endswith("._load_for_state"):
        return f"{owner.parent.class_.__name__}.{owner.key}" if owner is not None else None
    if ":AppenderMixin." in name:
        held = getattr(owner, "__dict__", {})
        key = getattr(held.get("attr"), "key", None)
        return f"{type(held['instance']).__name__}.{key}" if key and "instance" in held else None
    mapper = values.get("mapper")
    if mapper is not None:
        return str(mapper.class_.__name__)
    entity = values.get("entity")
    return entity.__name__ if isinstance(entity, type) else None


def _peewee(values: Mapping[str, Any], name: str) -> str | None:
    owner = values.get("self")
    if ":ForeignKeyAccessor." in name:
        return f"{owner.model.__name__}.{owner.name}" if owner is not None else None
    return _model(values, name)


def _model(values: Mapping[str, Any], _name: str) -> str | None:
    """The class that a class method, a method of a model or something with a ``model`` is about."""
    if isinstance(values.get("cls"), type):
        return str(values["cls"].__name__)
    owner = values.get("self")
    kind = type(owner)
    held = getattr(owner, "__dict__", {}).get("model")
    if isinstance(held, type):
        return held.__name__
    if kind.__module__.partition(".")[0] not in _LIBRARIES:
        return None if owner is None else kind.__name__
    model = getattr(owner, "model", None)  # in a slot; a plain attribute of queries and managers in these libraries
    return model.__name__ if isinstance(model, type) else None


def _frappe(values: Mapping[str, Any], _name: str) -> str | None:
    """The DocType, which is the name of a table; its own documents have it as an attribute."""
    doctype = values.get("doctype", values.get("dt"))
    if not isinstance(doctype, str):
        doctype = getattr(values.get("self"), "__dict__", {}).get("doctype")
    return doctype if isinstance(doctype, str) else None


_SUBJECTS: Final[Mapping[str, Callable[[Mapping[str, Any], str], str | None]]] = {
    "django": _django,
    "sqlalchemy": _sqlalchemy,
    "peewee": _peewee,
    "frappe": _frappe,
}
