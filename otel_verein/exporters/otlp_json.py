# ruff: noqa: UP031 - percent formats leave the braces of JSON alone
"""What spans and metrics have in common as OTLP JSON: attributes, resources, scopes.

The form is the "JSON Protobuf Encoding" of the OTLP specification: lower camel case, hexadecimal ids, whole numbers
of 64 bits as strings, enums as numbers, fields that have their default left out. It is written directly, which takes
a tenth of the time that protobuf's JSON takes, and needs no protobuf in the process.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from math import isfinite
from typing import TYPE_CHECKING, Any

from otel_verein.exporters.values import plain

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_REMEMBERED = 64
_KEYS = 1000
_FLAT = frozenset({str, int, float, bool})
_NOT_FINITE = {"inf": '"Infinity"', "-inf": '"-Infinity"', "nan": '"NaN"'}


class Owners:
    """Formats of resources and scopes with one place for what is inside; remembered. Used by one thread at a time."""

    def __init__(self, of_resource: str, of_scope: str) -> None:
        self._of_resource = of_resource
        self._of_scope = of_scope
        # By identity, with the object itself so that its identity stays its own.
        self._resources: dict[int, tuple[Resource, str]] = {}
        self._scopes: dict[int, tuple[InstrumentationScope, str]] = {}

    def resource(self, resource: Resource) -> str:
        """The format of *resource*."""
        known = self._resources.get(id(resource))
        if known is None:
            fields = attributes_field(resource.attributes)
            known = (resource, _template("resource", fields, self._of_resource, resource.schema_url))
            _remember(self._resources, id(resource), known)
        return known[1]

    def scope(self, scope: InstrumentationScope | None) -> str:
        """The format of *scope*; of one that is not known, an empty one."""
        if scope is None:
            return _template("scope", "", self._of_scope, None)
        known = self._scopes.get(id(scope))
        if known is None:
            fields = [f'"name":{quoted(scope.name)}'] if scope.name else []
            if scope.version:
                fields.append(f'"version":{quoted(scope.version)}')
            if scope.attributes:
                fields.append(attributes_field(scope.attributes))
            known = (scope, _template("scope", ",".join(fields), self._of_scope, scope.schema_url))
            _remember(self._scopes, id(scope), known)
        return known[1]


def _remember(known: dict[int, Any], key: int, value: Any) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[key] = value


def _template(name: str, fields: str, inside: str, schema_url: str | None) -> str:
    """A format with one place, for what is *inside*."""
    url = f',"schemaUrl":{quoted(schema_url)}' if schema_url else ""
    before, after = f'{{"{name}":{{{fields}}},"{inside}":[', f"]{url}}}"
    return before.replace("%", "%%") + "%s" + after.replace("%", "%%")


def any_double(value: float) -> str:
    """A number as JSON, or the word that stands for one that JSON does not have."""
    return repr(value) if isfinite(value) else _NOT_FINITE[str(value)]


def time_field(name: str, nanoseconds: int | None) -> str:
    """A time with a comma before it; nothing for one that is not known. ValueError for one outside of 64 bits."""
    if not nanoseconds:
        return ""
    if nanoseconds >> 64:
        raise ValueError(f"{name} {nanoseconds} is no time")
    return f',"{name}":"{nanoseconds}"'


def number_field(name: str, number: int) -> str:
    """A number with a comma before it; nothing for 0."""
    return f',"{name}":{number}' if number else ""


@lru_cache(_KEYS)
def _key(key: str) -> str:
    return f'"key":{quoted(str(key))},' if key != "" else ""


def attributes_field(attributes: Mapping[str, Any]) -> str:
    """The field ``attributes``, or nothing where there are none."""
    pairs = []
    for key, value in attributes.items():
        kind = type(value)
        if kind is str:
            pairs.append('{%s"value":{"stringValue":%s}}' % (_key(key), quoted(value)))
        elif kind is int and -(2**63) <= value < 2**63:
            pairs.append('{%s"value":{"intValue":"%d"}}' % (_key(key), value))
        else:
            pairs.append('{%s"value":%s}' % (_key(key), _any(value)))
    return '"attributes":[%s]' % ",".join(pairs) if pairs else ""


def _any(value: Any) -> str:
    """The same as of ``plain(value)``, without the detour for what nearly all values are."""
    kind = type(value)
    if kind is float or kind is bool:
        return _value(value)
    if (kind is tuple or kind is list) and _FLAT.issuperset(map(type, value)):
        return '{"arrayValue":{%s}}' % _values([_value(item) for item in value])
    return _value(plain(value))


def _value(value: Any) -> str:
    """An ``AnyValue`` of what :func:`plain` returns."""
    kind = type(value)
    if kind is str:
        return '{"stringValue":%s}' % quoted(value)
    if kind is bool:
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if kind is int:
        return '{"intValue":"%d"}' % value if -(2**63) <= value < 2**63 else _value(plain(value))
    if kind is float:
        return '{"doubleValue":%s}' % any_double(value)
    if kind is bytes:
        return '{"bytesValue":"%s"}' % b64encode(value).decode("ascii")
    if kind is list:
        return '{"arrayValue":{%s}}' % _values([_value(item) for item in value])
    if kind is dict:
        pairs = ['{%s"value":%s}' % (_key(key), _value(item)) for key, item in value.items()]
        return '{"kvlistValue":{%s}}' % _values(pairs)
    return "{}"


def _values(encoded: Sequence[str]) -> str:
    return '"values":[%s]' % ",".join(encoded) if encoded else ""
