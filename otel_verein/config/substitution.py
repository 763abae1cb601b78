"""Variables in the values of a standard declarative configuration.

Source: OpenTelemetry specification, "Declarative configuration: data model", environment variable substitution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from otel_verein.config.document import ListNode, MapNode, Member, Node, Scalar
from otel_verein.config.document.scalars import meaning

# no brace in a default, though the specification has it: an open one after the other would take quadratic time
_SUBSTITUTION = re.compile(r"\$(?:\$|\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}\n]*))?\})")


def substituted(node: Node, environ: Mapping[str, str]) -> Node:
    """*node* with ``${NAME}`` and ``${NAME:-default}`` in its values replaced, as in any declarative configuration."""
    if isinstance(node, MapNode):
        members = (Member(each.key, each.line, substituted(each.node, environ)) for each in node.members)
        return MapNode(tuple(members), node.line)
    if isinstance(node, ListNode):
        return ListNode(tuple(substituted(each, environ) for each in node.items), node.line)
    if not isinstance(node.value, str) or "$" not in node.value:
        return node

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else environ.get(name) or found.group(2) or ""

    return Scalar(meaning(_SUBSTITUTION.sub(value, node.value)), node.line)
