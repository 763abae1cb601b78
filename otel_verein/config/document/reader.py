"""From bytes to a tree, with every problem on the way."""

from __future__ import annotations

from otel_verein.config.document.characters import decoded
from otel_verein.config.document.nodes import Node, Scalar
from otel_verein.errors import Problem


def read(data: bytes, name: str) -> tuple[Node | None, list[Problem]]:
    """The tree of the document in *data*, and all that is wrong with it; never an exception.

    The tree is None for an empty document, and where a problem ended the reading, which is the last one then. What
    another problem is about is left out, with all of the list that it stands in, so that whoever goes on to check the
    tree tells nothing twice. *name* is what problems call the file: they stand at ``name:line``, lines from 1.
    """
    text, problem = decoded(data, name)
    if problem is not None:
        return None, [problem]
    if not text.strip():
        return None, []
    from otel_verein.config.document.composer import Composer  # imports PyYAML, which an empty file does not need

    composer = Composer(name)
    root = composer.compose(text)
    if isinstance(root, Scalar) and root.value is None:
        root = None
    return root, composer.problems.listed()
