"""Public names are lists, and the lists are true."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import otel_verein
from otel_verein import errors, semconv

PACKAGES = [
    "otel_verein",
    *(module.name for module in pkgutil.walk_packages(otel_verein.__path__, "otel_verein.") if module.ispkg),
]


@pytest.mark.parametrize("package", PACKAGES)
def test_exported_names_exist(package: str) -> None:
    """What `__all__` of a package lists is there, once."""
    module = importlib.import_module(package)
    exported = list(getattr(module, "__all__", ()))

    assert sorted(set(exported)) == sorted(exported)
    assert [name for name in exported if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_exports_what_it_gathers(package: str) -> None:
    """Each class and function that an `__init__` imports from its own modules stands in its `__all__`."""
    module = importlib.import_module(package)
    gathered = {name for name, value in vars(module).items() if _is_own(name, value)}

    assert set() == gathered - set(getattr(module, "__all__", ()))


def _is_own(name: str, value: object) -> bool:
    ours = getattr(value, "__module__", "").startswith("otel_verein")
    return not name.startswith("_") and not isinstance(value, ModuleType) and callable(value) and ours


def test_the_exception_tree_is_complete() -> None:
    """Every exception of errors.py derives from VereinError, is exported and is drawn in the tree on top."""
    defined = {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }

    assert set(defined) - set(errors.__all__) == set()
    assert [name for name, value in defined.items() if not issubclass(value, errors.VereinError)] == []
    assert [name for name in defined if name not in (errors.__doc__ or "")] == []


def test_every_name_of_ours_is_described() -> None:
    """Each `verein.*` constant of semconv.py has its line in the table, and no line is there twice."""
    ours = {v for v in vars(semconv).values() if isinstance(v, str) and v.startswith("verein.")}
    described = [entry.name for entry in semconv.TABLE]

    assert sorted(set(described)) == sorted(described)
    assert ours == set(described)
