"""A YAML document as a tree that knows its lines, read safely and within bounds from any bytes."""

from otel_verein.config.document.nodes import ListNode, MapNode, Member, Node, Scalar, plain
from otel_verein.config.document.reader import read

__all__ = ["ListNode", "MapNode", "Member", "Node", "Scalar", "plain", "read"]
